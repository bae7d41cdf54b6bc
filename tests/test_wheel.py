"""The wheel works: built, installed alone in a fresh venv and served from an empty directory."""

import os
import re
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
import requests
from servers import ENVIRONMENT
from waiting import START_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parent.parent
READY = "chatapp is ready: "


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, so that a file missing there is missing in the wheel too."""
    folder = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of a venv that holds the wheel and its dependencies, nothing else."""
    venv = tmp_path_factory.mktemp("venv")
    _run(sys.executable, "-m", "venv", "--without-pip", str(venv))
    # With the pip of the tests: the one that came with Python may take minutes to resolve the dependencies. Python
    # compiles what is imported, which is a small part.
    pip = (sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python"))
    _run(*pip, "install", "--quiet", "--no-compile", str(wheel))
    return venv / "bin"


@pytest.fixture(scope="module")
def url(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server run in an empty directory, as after `pip install chatapp`."""
    folder = tmp_path_factory.mktemp("empty")
    output = tmp_path_factory.mktemp("output") / "server.log"
    env = {"PATH": os.defpath, "HOME": str(folder), "PORT": "0", "PYTHONUNBUFFERED": "1"}
    command = [str(installed / "chatapp"), "serve"]
    with output.open("w") as log, subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log) as server:
        yield _when_ready(server, output)
        server.terminate()


def test_the_wheel_has_the_files_that_are_not_code(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("templates", "static", "translations"):
        found = [file for file in (ROOT / folder).rglob("*") if file.is_file() and file.suffix not in (".py", ".pyc")]
        files = [f"chatapp/{folder}/{file.relative_to(ROOT / folder).as_posix()}" for file in found]
        assert files and not [file for file in files if file not in names]
    assert {"chatapp/py.typed", "chatapp/storage/migrations/script.py.mako"} <= set(names)
    assert not [name for name in names if name.startswith("tests/")]


def test_it_serves_the_page_and_its_files(url: str) -> None:
    page = requests.get(url, timeout=10)
    assert page.status_code == 200
    files = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert files
    for file in files:
        assert requests.get(url + file, timeout=10).status_code == 200, file


def test_it_streams_a_reply_of_the_mock(url: str) -> None:
    body = {"provider": "mock", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 8}
    reply = requests.post(f"{url}/chat/stream", json=body, timeout=30).text
    assert re.findall(r"^event: (\w+)", reply, re.MULTILINE) == ["meta", *["token"] * 8, "done"]


def _run(*command: str) -> None:
    # With PYTHONPATH, pip would find the sources' own metadata there, and install nothing.
    env = {name: value for name, value in ENVIRONMENT.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, env=env)
    assert done.returncode == 0, done.stdout


def _when_ready(server: "subprocess.Popen[bytes]", output: Path) -> str:
    """The URL, as soon as it answers."""
    deadline = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < deadline:
        url = output.read_text().partition(READY)[2].partition("\n")[0]
        try:
            if url and requests.get(f"{url}/healthz", timeout=5).ok:
                return url
        except requests.ConnectionError:
            pass
        gevent.sleep(0.05)
    server.kill()
    raise AssertionError(f"the server did not start: {output.read_text()}")
