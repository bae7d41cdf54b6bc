"""What a start imports: most of a start's time is that of its imports, and counts do not depend on the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatapp.storage.database import open_database

HEAVY = {
    "alembic": "the database is of the newest revision",
    "authlib": "nobody signs in by OpenID Connect",
    "joserfc": "nobody signs in by OpenID Connect",
    "limits": "there is no request_rate",
    "mcp": "the helper process has it",
    "opentelemetry": "nothing is traced",
    "psycopg": "the database is SQLite",
    "pygments": "alembic and rich import it",
    "redis": "the log is not in Redis",
    "rich": "it is for the command line",
}
"""Libraries that take long to import, with the reason why a server with default settings does not need them."""

AT_CALLS = {"jsonschema"}
"""The same, but needed at a call: a start imports them, `import chatapp` does not."""

MODULES = 779
"""So many importing the application imports, of the libraries and of Python's own."""


def imported(code: str, data: Path) -> set[str]:
    """The modules of a new process after this code."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("CHATAPP_", "OTEL_"))}
    command = [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"]
    run = subprocess.run(
        command, env=env | {"CHATAPP_DATA": str(data)}, capture_output=True, text=True, timeout=60, check=True
    )
    return set(run.stdout.split())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("prepared")
    open_database("", data).close()
    return data


def test_importing_the_application_imports_only_what_most_servers_need(prepared: Path) -> None:
    modules = imported("import chatapp.app", prepared)
    assert not sorted(modules.intersection(HEAVY) | (modules & AT_CALLS))
    foreign = [name for name in modules if not name.startswith("chatapp")]
    assert len(foreign) < MODULES * 1.03, "a library more? import it where it is needed, or raise the number here"


def test_a_start_imports_what_its_first_requests_need(prepared: Path) -> None:
    modules = imported("import chatapp.wsgi", prepared)
    assert not sorted(modules.intersection(HEAVY))
    assert modules >= AT_CALLS


def test_collections_go_on_after_a_start(prepared: Path) -> None:
    assert imported("import chatapp.wsgi, gc\nassert gc.isenabled()", prepared)
