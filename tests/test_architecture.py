"""The rooms of the house, and which may import which. CONTRIBUTING.md says the same in words."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "chatapp"

VOCABULARY = {
    "__init__",
    "errors",
    "events/",
    "chat/",
    "transcript",
    "ids",
    "cancel",
    "hub/",
    "prices",
    "secret",
    "trace",
    "settings",
    "settings.tables",
    "sqlite",
    "private_files",
    "text",
}
"""What any room may import: modules, and `x/`, all of a room."""

MAY_IMPORT = {
    "wire": set(),
    "logs": set(),
    "tools": {"wire/"},
    "providers": {"wire/"},
    "dialects": {"wire/"},
    "exchange": set(),
    "storage": {"tools", "exchange", "quotas.turns"},  # implements its Approvals and UserInputs
    "agents": {"providers", "providers.usage"},
    "quotas": set(),
    "probe": set(),
    "generation": {"providers", "providers.usage", "tools/", "logs", "quotas.places"},
    "uploads": {"storage/", "providers.documents", "quotas.turns"},
    "reading": {"logs", "dialects", "wire/"},
    "access": {"storage/"},
    "metrics": {"providers", "reading.observer"},
    "tracing": {"providers", "tools", "generation.observer"},
    "service": {
        "generation/",
        "reading/",
        "storage/",
        "providers/",
        "tools/",
        "agents/",
        "logs",
        "dialects",
        "access",
        "quotas/",
        "uploads/",
    },
    "models": {"providers/", "tools/", "generation/", "dialects/", "wire/", "settings.loading"},
    "web": {
        "service",
        "exchange/",
        "reading/",
        "dialects/",
        "access",
        "wire/",
        "quotas",
        "quotas.turns",
        "metrics.exposition",
        "metrics.status",
        "probe/",
    },
    "app": {
        "service",
        "access",
        "tools.functions",
        "generation.observer",
        "metrics/",
        "tracing.switch",
        "settings.loading",
    },
    "app.log": {"logs/"},
    "app.service": {
        "service/",
        "providers/",
        "tools/",
        "agents/",
        "generation/",
        "logs",
        "reading/",
        "dialects/",
        "storage/",
        "quotas/",
        "uploads/",
        "metrics.process",
        "tracing.switch",
    },
    "app.bodies": {"quotas.places", "web.multipart"},
    "app.check": {"access.factory", "quotas.requests", "web.cors"},
    "app.web": {"web/", "service", "access/", "reading.credentials", "metrics.exposition"},
    "ops": {
        "app",
        "app.check",
        "models/",
        "service",
        "providers/",
        "agents/",
        "tools/",
        "generation",
        "logs/",  # its backup and doctor look into the stores
        "reading/",
        "dialects/",
        "storage/",
        "access/",
        "wire/",
        "probe/",
        "settings.loading",
    },
    "wsgi": {"app", "ops/", "web.warming"},
    "extension": {
        "app",
        "service",
        "access",
        "access.names",
        "tools.functions",
        "settings.loading",
        "ops.services",
        "ops.starting",
        "ops.run_log",
    },
}
"""Beside the vocabulary and itself. `x` is the room's `__init__` alone, `x/` all of the room. A module
with a row of its own follows that one instead of its room's."""

APART = ("providers", "dialects", "logs", "web.api", "web.compat")
"""Below these no folder imports another one; in the last two no module imports another one."""

ONLY = {
    "flask": {"web", "access", "app", "extension"},
    "werkzeug": {"web", "access", "app", "extension"},
    "markupsafe": {"extension.markup"},
    "flask_cors": {"web.cors"},
    "flask_babel": {"web"},
    "babel": {"web.catalogues", "web.languages"},
    "authlib": {"access.oidc"},
    "joserfc": {"access.oidc"},
    "requests": {"wire", "ops.http"},  # providers; our own server, as a client
    "urllib3": {"wire", "ops.http"},
    "gunicorn": {"ops", "web.request_body"},
    "select": {"wire"},  # for its `poll`: `select` itself fails beyond 1,024 open files
    "pypdf": {"uploads.pdf_helper"},
    "sqlalchemy": {"storage"},
    "psycopg": {"storage.postgres"},
    "alembic": {"storage"},
    "limits": {"quotas.requests"},
    "sqlite3": {"sqlite", "logs.sqlite", "ops.backup.copy", "storage.indexing"},
    "redis": {"logs.redis"},
    "click": {"ops.cli", "models.terminal"},
    "rich": {"ops.cli", "ops.chat"},
    "prompt_toolkit": {"ops.chat.prompt"},
    "jsonschema": {"tools.schemas", "tools.patterns", "tools.mcp.helper"},
    "referencing": {"tools.schemas", "tools.mcp.helper"},
    "docstring_parser": {"tools.functions"},
    "mcp": {"tools.mcp.helper"},
    "httpx2": {"tools.mcp.helper"},
    "anyio": {"tools.mcp.helper"},
    "pydantic": {"tools.mcp.helper"},
    "prometheus_client": {"metrics"},
    "structlog": {"ops.log_lines"},
    "opentelemetry": {"tracing"},
}
"""Libraries that have one place: a room or a module."""

WRITES_FRAMES = {
    "abc",
    "base64",
    "collections",
    "datetime",
    "typing",
    "msgspec",
    "chatapp.chat",
    "chatapp.dialects",
    "chatapp.errors",
    "chatapp.events",
    "chatapp.transcript",
    "chatapp.hub.large_values",
    "chatapp.text",
    "chatapp.wire.frames",
    "chatapp.wire.json_text",
}
"""All that a dialect may import. It has no clock, no chance and no I/O, because the same events have
to give the same frames."""

READS_SETTINGS = {
    "settings",
    "app",
    "extension",
    "service",
    "ops",
    "web",
    "models",
    "access.factory",
    "agents.catalog",
    "providers.catalog",
    "providers.factory",
    "tools.catalog",
    "tools.mcp.config",
}
"""The places that read `Settings`. Everything else is given values."""


def name_of(path: Path) -> str:
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    return name.removesuffix(".__init__")


MODULES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    return module.partition(".")[0]


@cache
def imports(module: str) -> frozenset[str]:
    """Absolute names of all that a module imports, wherever in the file."""
    if module == "__init__":
        return frozenset()  # it imports for type checkers, and when it is asked: see test_extension.py
    found: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import"
            assert node.module
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(found)


def own(imported: str) -> str | None:
    """The module of ours that `chatapp.a.b.Name` is imported from."""
    parts = imported.split(".")
    if parts[0] != "chatapp":
        return None
    for end in range(len(parts), 1, -1):
        if (name := ".".join(parts[1:end])) in MODULES:
            return name
    return "__init__"


def targets(module: str) -> Iterator[str]:
    yield from filter(None, map(own, imports(module)))


def is_in(module: str, places: set[str]) -> bool:
    """Whether the module is one of these, or stands below one."""
    return any(module == place or module.startswith(f"{place}.") for place in places)


def may_import(module: str, target: str) -> bool:
    room = room_of(module)
    if room_of(target) == room:
        return True
    allowed = VOCABULARY | MAY_IMPORT.get(module, MAY_IMPORT.get(room, set()))
    return target in allowed or f"{room_of(target)}/" in allowed


def parted(module: str) -> tuple[str, str] | None:
    """The place that keeps its parts apart, and the part that the module belongs to."""
    for place in APART:
        if module.startswith(f"{place}."):
            rest = module.removeprefix(f"{place}.")
            if place.startswith("web.") or (PACKAGE / place / rest.partition(".")[0]).is_dir():
                return place, rest.partition(".")[0]
    return None


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_what_its_row_allows(module: str) -> None:
    for target in targets(module):
        assert may_import(module, target), f"{module} imports {target}"


@pytest.mark.parametrize("module", MODULES)
def test_vendors_stores_and_blueprints_know_nothing_of_each_other(module: str) -> None:
    part = parted(module)
    for target in targets(module):
        other = parted(target)
        assert not part or not other or part == other or part[0] != other[0], f"{module} imports {target}"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("dialects.")])
def test_dialects_are_pure(module: str) -> None:
    if not module.rpartition(".")[2].startswith("request"):
        for imported in imports(module):
            assert is_in(imported, WRITES_FRAMES), f"{module} imports {imported}"


@pytest.mark.parametrize("module", MODULES)
def test_each_library_has_its_place(module: str) -> None:
    for imported in imports(module):
        places = ONLY.get(imported.partition(".")[0])
        if places:
            assert is_in(module, places), f"{module} imports {imported}: only {', '.join(sorted(places))} may"


@pytest.mark.parametrize("module", MODULES)
def test_settings_are_read_in_few_places(module: str) -> None:
    assert "chatapp.settings.Settings" not in imports(module) or is_in(module, READS_SETTINGS), module


def test_the_helper_of_mcp_servers_loads_nothing_of_the_server() -> None:
    helper = "tools.mcp.helper"
    for module in filter(lambda module: is_in(module, {helper}), MODULES):
        assert all(is_in(target, {helper}) for target in targets(module)), module


def test_no_rooms_need_each_other() -> None:
    arrows = {(room_of(module), room_of(target)) for module in MODULES for target in targets(module)}
    back = {(room, other) for room, other in arrows if room != other and (other, room) in arrows}
    assert not back


def test_no_imports_run_in_a_circle() -> None:
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way[way.index(module) :], module))
        if module not in done:
            for target in targets(module):
                if target != module and not module.startswith(f"{target}."):
                    visit(target, (*way, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_every_module_says_what_it_is_for() -> None:
    for module, path in MODULES.items():
        if path.stat().st_size:
            assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), f"{module} has no docstring"


def test_no_module_has_a_leading_underscore() -> None:
    assert not [module for module in MODULES if any(part.startswith("_") for part in module.split(".")[:-1])]
    names = [module.rpartition(".")[2] for module in MODULES]
    assert not [name for name in names if name.startswith("_") and not name.startswith("__")]
