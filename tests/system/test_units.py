"""deploy/chatapp.service and deploy/chatapp.socket: systemd understands them, and what they say is
what the server does when it is run as they say, but for its user and its walls."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
import requests
from gevent.event import Event
from servers import free_port
from waiting import soon

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PUBLISHED = "/opt/chatapp/bin/chatapp"
CHATAPP = str(Path(sys.executable).with_name("chatapp"))
ANALYZE = shutil.which("systemd-analyze")
QUESTION = {"provider": "mock", "prompt": "hi", "model": "slow", "max_tokens": 40}


def setting(name: str) -> str:
    """What the service says of it."""
    found = re.search(rf"^{name}=(.*)$", (DEPLOY / "chatapp.service").read_text(), re.MULTILINE)
    assert found, name
    return found[1]


def test_every_file_for_operators_is_used_by_a_test() -> None:
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    unused = [path.name for path in DEPLOY.rglob("*") if path.is_file() and path.name not in tests]
    assert not [name for name in unused if not name.endswith(".pyc")]


@pytest.mark.slow
def test_systemd_finds_nothing_wrong(tmp_path: Path) -> None:
    if ANALYZE is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    units = []
    for name in ("chatapp.service", "chatapp.socket"):
        units.append(tmp_path / name)
        units[-1].write_text((DEPLOY / name).read_text().replace(PUBLISHED, CHATAPP))
    said = subprocess.run(
        [ANALYZE, "verify", "--man=no", *units], check=False, capture_output=True, text=True, timeout=60
    )
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


class Unit:
    """The service's process, run as its unit says."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.said = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.said.bind(str(folder / "notify"))
        self.said.settimeout(60)
        command = shlex.split(setting("ExecStart").replace(PUBLISHED, CHATAPP))
        given = dict(each.split("=", 1) for each in setting("Environment").split())
        env = {name: value.replace("/var/lib/chatapp", str(folder / "state")) for name, value in given.items()}
        env |= {"NOTIFY_SOCKET": str(folder / "notify"), "PORT": str(self.port), "PATH": os.environ["PATH"]}
        (folder / "state").mkdir(mode=int(setting("StateDirectoryMode"), 8))
        with (folder / "output").open("wb") as output:
            self.process = subprocess.Popen(command, env=env, cwd=folder / "state", stdout=output, stderr=output)

    def workers(self) -> set[str]:
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())

    def reload(self) -> None:
        subprocess.run(shlex.split(setting("ExecReload").replace("$MAINPID", str(self.process.pid))), check=True)

    def ask(self) -> "gevent.Greenlet[..., str]":
        """An answer that takes a second, and has begun; it gives all that came."""
        begun = Event()
        answer = gevent.spawn(self._read, begun)
        assert begun.wait(60)
        return answer

    def _read(self, begun: Event) -> str:
        read = ""
        with requests.Session() as session:
            session.trust_env = False
            address = f"http://127.0.0.1:{self.port}/chat/stream"
            with session.post(address, json=QUESTION, timeout=60, stream=True) as response:
                for piece in response.iter_content(None):
                    read += piece.decode()
                    if "event: token" in read:
                        begun.set()
        return read


@pytest.fixture
def unit(tmp_path: Path) -> Iterator[Unit]:
    started = Unit(tmp_path)
    yield started
    started.process.kill()
    started.process.wait()
    started.said.close()


@pytest.mark.slow
def test_the_service_starts_reloads_and_stops_as_its_unit_says(unit: Unit) -> None:
    assert setting("Type") == "notify" and setting("KillMode") == "mixed"
    while b"READY=1" not in unit.said.recv(4096):
        pass
    first = unit.workers()
    answer = unit.ask()
    unit.reload()
    soon(lambda: unit.workers() and not unit.workers() & first, within=60)
    assert "event: done" in answer.get(timeout=60)
    answer = unit.ask()
    unit.process.send_signal(signal.SIGTERM)  # to the master alone
    assert unit.process.wait(float(setting("TimeoutStopSec"))) == 0
    assert "event: done" in answer.get(timeout=60)
