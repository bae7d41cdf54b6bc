"""`make up`: Redis, Postgres and two workers with one command, and all gone with Ctrl-C."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from servers import POSTGRES, REDIS
from waiting import soon

pytestmark = pytest.mark.slow

UP = Path(__file__).parents[2] / "deploy" / "up.py"
needs_both = pytest.mark.skipif(
    REDIS is None or POSTGRES is None,
    reason="Redis or Postgres is not installed: apt-get install redis-server postgresql",
)


@needs_both
def test_all_of_it_starts_and_ends_together(tmp_path: Path) -> None:
    output = tmp_path / "output"
    env = {**os.environ, "PORT": "0", "CHATAPP_DATA": str(tmp_path / "var"), "PYTHONUNBUFFERED": "1"}
    for way in (signal.SIGINT, signal.SIGKILL):  # the second start has the data of the first
        with output.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, str(UP)], env=env, stdout=out, stderr=out, start_new_session=True
            )
        try:
            url = soon(lambda: _url(output), within=60, failure=output.read_text)
            assert requests.get(f"{url}/readyz", timeout=10).json()["checks"] == {"log": "ok", "database": "ok"}
            assert len(servers(tmp_path)) == 2
            os.killpg(process.pid, way)
            process.wait(60)
            soon(lambda: not servers(tmp_path), within=20)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    shutil.rmtree(elsewhere(tmp_path), ignore_errors=True)


def _url(output: Path) -> str | None:
    _, found, rest = output.read_text().partition("chatapp is ready: ")
    return rest.split()[0] if found else None


def servers(folder: Path) -> list[str]:
    """The folders of the Redis and the Postgres that run: each works in that of its data."""
    up = folder / "var" / "up"
    roots = str(up), elsewhere(folder)
    found = set()
    for process in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            found.add(os.readlink(process))
    return [path for path in found if path.startswith(roots)]


def elsewhere(folder: Path) -> str:
    """For the data of Postgres if its user cannot enter the folder."""
    return f"/var/lib/chatapp-up-{hashlib.sha256(bytes(folder / 'var' / 'up')).hexdigest()[:12]}"
