"""Imports point one way: values <- interfaces and edges <- implementations <- runs, streaming <- web <- app."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "chatapp"

LAYERS = [
    {"__init__", "greeting", "errors", "events", "chat", "ids", "tracing", "cancel", "settings", "nesting"},
    {"frames", "transcript", "endings"},
    {
        "call",
        "takeover",
        "rejections",
        "upstream",
        "logs",
        "providers",
        "dialects",
        "tools",
        "local_server",
        "local_helper",
        "mcp_helper",
        "client_socket",
        "sqlite_checkpoint",
    },
    {
        "providers.http",
        "providers.wire",
        "providers.tool_calls",
        "providers.turns",
        "providers.thinking",
        "tools.functions",
        "providers.circuit",
        "providers.pacing",
        "providers.stepwise",
        "providers.arriving",
    },
    {"logs.*", "providers.*", "dialects.*", "tools.*"},
    {"toolbox", "rounds", "run", "handover", "runs", "conclusion", "streaming", "attendance"},
    {"agents"},
    {"agents.*"},
    {
        "tables",
        "history",
        "question",
        "placing",
        "conversations",
        "expiry",
        "migrations.env",
        "migrations.versions.*",
        "database",
        "auth",
        "approvals",
    },
    {"provider_setup", "tool_setup", "agent_setup"},
    {"models", "terminal"},
    {"web"},
    {"web.*"},
    {"app"},
    {"log_lines"},
    {"gunicorn_config", "cli", "wsgi"},
]
"""A module may import from its own layer where it is named itself, and from those above; `x.*` are siblings."""

ONLY = {
    "flask": {"auth", "app", "web", "web.*"},
    "werkzeug": {"web.*"},
    "requests": {"upstream"},
    "sqlalchemy": {
        "tables",
        "approvals",
        "history",
        "placing",
        "conversations",
        "expiry",
        "database",
        "migrations.versions.*",
    },
    "sqlite3": {"logs._store", "sqlite_checkpoint"},
    "click": {"cli", "terminal"},
    "jsonschema": {"toolbox"},
    "mcp": {"mcp_helper"},
}


def name_of(path: Path) -> str:
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py")) if path.stat().st_size}


def place(module: str) -> tuple[int, str]:
    """The layer of a module and the entry that puts it there."""
    folder = module.rpartition(".")[0]
    for entry in (module, f"{folder}.*"):
        for index, layer in enumerate(LAYERS):
            if entry in layer:
                return index, entry
    raise AssertionError(f"{module} stands in no layer: say in {Path(__file__).name} where it belongs")


def imports(module: str) -> set[str]:
    """Absolute names of all that a module imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            assert node.module
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def own(imported: str) -> str | None:
    """The module of ours that `chatapp.a.b.Name` is imported from."""
    parts = imported.split(".")
    if parts[0] != "chatapp":
        return None
    for end in range(len(parts), 1, -1):
        if (name := ".".join(parts[1:end])) in MODULES:
            return name
    return "__init__"


def has_blueprint(module: str) -> bool:
    """Whether it holds endpoints."""
    names = [
        node.targets for node in ast.parse(MODULES[module].read_text("utf-8")).body if isinstance(node, ast.Assign)
    ]
    return any(isinstance(name, ast.Name) and name.id == "blueprint" for targets in names for name in targets)


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    layer, entry = place(module)
    for target in filter(None, map(own, imports(module))):
        target_layer, target_entry = place(target)
        assert target_layer <= layer, f"{module} imports {target}, which stands to its right"
        siblings = entry.endswith(".*") and target_entry == entry and target != module
        parts = target.rpartition(".")[2].startswith("_")  # of one implementation, in files of their own
        helper = entry == "web.*" and not has_blueprint(target)  # shared by the blueprints, which stay apart
        assert not siblings or parts or helper, f"{module} imports its sibling {target}"


@pytest.mark.parametrize("module", MODULES)
def test_each_library_has_its_place(module: str) -> None:
    _, entry = place(module)
    for imported in imports(module):
        allowed = ONLY.get(imported.split(".")[0], {module})
        assert {module, entry} & allowed, f"{module} imports {imported}: only {', '.join(sorted(allowed))} may"


def test_every_module_says_what_it_is_for() -> None:
    for module, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{module} has no docstring"
