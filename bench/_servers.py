"""Servers of chatapp for the scripts that break things, each with a data folder of its own."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import _paths  # noqa: F401
import gevent
from invariants import Holdings

CHATAPP = Path(sys.executable).with_name("chatapp")
START_S = 60.0


class Host(NamedTuple):
    port: int
    master: int
    data: Path

    def workers(self) -> list[int]:
        try:
            children = Path(f"/proc/{self.master}/task/{self.master}/children").read_text()
        except FileNotFoundError:
            raise SystemExit(f"the server ended: {self.output().read_text()[-2000:]}") from None
        return [int(pid) for pid in children.split()]

    def output(self) -> Path:
        return self.data.parent / f"{self.data.name}.output"

    def holdings(self) -> list[Holdings]:
        """Of each worker that is alive."""
        return [held for pid in self.workers() if (held := _holdings(pid))]


@contextmanager
def host(data: Path, settings: Mapping[str, str]) -> Iterator[Host]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    env = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    env |= {"PORT": str(port), "CHATAPP_DATA": str(data), **settings}
    printed = Host(port, 0, data).output()
    with printed.open("wb") as output:
        process = subprocess.Popen([CHATAPP, "serve"], env=env, stdout=output, stderr=output, start_new_session=True)
    try:
        wait_for(lambda: b"chatapp is ready" in printed.read_bytes())
        yield Host(port, process.pid, data)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(look: Callable[[], bool], seconds: float = START_S) -> None:
    with gevent.Timeout(seconds):
        while not look():
            gevent.sleep(0.1)


def _holdings(pid: int) -> Holdings | None:
    try:
        return Holdings.of(pid)
    except (OSError, AssertionError):  # it has ended
        return None
