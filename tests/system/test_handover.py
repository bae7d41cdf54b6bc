"""A new server takes over under load: no question is refused, and no answer is cut."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests
from servers import free_port
from waiting import soon

pytestmark = pytest.mark.slow

ASKERS = 6
QUESTION = {"provider": "mock", "prompt": "hi", "max_tokens": 8}

# As systemd does: the listening socket is descriptor 3, and the process is told so by its id.
WITH_SOCKET = """
import os, sys
os.dup2(int(sys.argv[1]), 3, inheritable=True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""
ACTIVATE = shutil.which("systemd-socket-activate")
CHATAPP = str(Path(sys.executable).with_name("chatapp"))


class Load:
    """Clients that ask one question after the other, each over a new connection or a kept one."""

    def __init__(self, url: str) -> None:
        self.endings: list[str] = []
        self._url = url
        self._goes_on = True
        self._askers = [gevent.spawn(self._ask, number % 2 == 0) for number in range(ASKERS)]

    def asked(self, more: int) -> None:
        """Return once so many more questions were answered."""
        enough = len(self.endings) + more
        soon(lambda: len(self.endings) >= enough or self._failed, within=60)
        assert not self._failed

    def stop(self) -> list[str]:
        self._goes_on = False
        gevent.joinall(self._askers, raise_error=True)
        return self.endings

    @property
    def _failed(self) -> list[str]:
        return [ending for ending in self.endings if ending != "done"]

    def _ask(self, kept: bool) -> None:
        with requests.Session() as session:
            session.trust_env = False
            session.headers["Connection"] = "keep-alive" if kept else "close"
            while self._goes_on:
                self.endings.append(self._answer(session))

    def _answer(self, session: requests.Session) -> str:
        try:
            response = session.post(f"{self._url}/chat/stream", json=QUESTION, timeout=60)
        except requests.ConnectionError as error:
            if "RemoteDisconnected" in repr(error):  # a kept connection that closed meanwhile: clients ask again
                return self._answer(session)
            return repr(error)
        if response.status_code != 200:
            return f"{response.status_code} {response.text}"
        return response.text.rpartition("event: ")[2].partition("\n")[0]


@contextmanager
def load_on(url: str) -> Iterator[Load]:
    load = Load(url)
    try:
        yield load
    finally:
        endings = load.stop()
    assert set(endings) == {"done"}


def workers_of(pid: int) -> set[int]:
    try:
        return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    except FileNotFoundError:
        return set()


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_a_reload_refuses_no_question(own_server: Callable[..., Any]) -> None:
    server = own_server(WEB_CONCURRENCY="2", CHATAPP_DRAIN_S="5")
    old = workers_of(server.pid)
    with load_on(server.url) as load:
        load.asked(10)
        os.kill(server.pid, signal.SIGHUP)
        soon(lambda: all(map(is_gone, old)) or load._failed, within=60)
        load.asked(10)
    assert len(workers_of(server.pid) - old) == 2


def test_a_new_master_takes_over_without_refusing_a_question(own_server: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_DRAIN_S="5")
    old, old_workers = server.pid, workers_of(server.pid)
    try:
        with load_on(server.url) as load:
            load.asked(5)
            os.kill(old, signal.SIGUSR2)
            soon(lambda: server.log().count("chatapp is ready: ") == 2, within=60, failure=server.log)
            (new,) = workers_of(old) - old_workers
            os.kill(old, signal.SIGTERM)
            load.asked(10)
            server.wait(60)
            load.asked(10)
        assert not is_gone(new) and workers_of(new)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(old, signal.SIGKILL)


def test_a_restart_behind_a_socket_that_stays_open_refuses_no_question(tmp_path: Path) -> None:
    """As under a systemd socket unit."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        processes = [given(listening, tmp_path)]
        try:
            with load_on(f"http://127.0.0.1:{listening.getsockname()[1]}") as load:
                load.asked(5)
                processes[0].terminate()
                assert processes[0].wait(60) == 0
                processes.append(given(listening, tmp_path))
                load.asked(10)
        finally:
            for process in processes:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)


def test_systemd_starts_it_with_the_first_question(tmp_path: Path) -> None:
    """Really: by the program that does what a socket unit does."""
    if ACTIVATE is None:
        pytest.skip("systemd-socket-activate is not installed: apt-get install systemd")
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    command = [ACTIVATE, f"--listen=127.0.0.1:{port}", f"--setenv=CHATAPP_DATA={tmp_path / 'var'}", CHATAPP, "serve"]
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=output, cwd=tmp_path, start_new_session=True)
    try:
        soon(lambda: b"Listening on" in (tmp_path / "output").read_bytes(), within=10)
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"http://127.0.0.1:{port}/chat/stream", json=QUESTION, timeout=60)
        assert answer.ok and "event: done" in answer.text
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def test_a_socket_that_others_can_reach_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as listening:
        process = given(listening, tmp_path)
        assert process.wait(60) != 0
    assert "0.0.0.0 is not a loopback address" in (tmp_path / "output").read_text()


def given(listening: socket.socket, folder: Path) -> "subprocess.Popen[bytes]":
    """A server that was given this socket."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    env |= {"CHATAPP_DATA": str(folder / "var"), "PYTHONUNBUFFERED": "1"}
    with (folder / "output").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", WITH_SOCKET, str(listening.fileno()), sys.executable, CHATAPP, "serve"],
            pass_fds=[listening.fileno()],
            env=env,
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
