"""Servers of chatapp for the scripts that break things, each with a data folder of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import _paths  # noqa: F401
from invariants import Holdings
from servers import free_port
from waiting import START_S, soon

CHATAPP = Path(sys.executable).with_name("chatapp")


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
    port = free_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    env |= {"PORT": str(port), "CHATAPP_DATA": str(data), **settings}
    printed = Host(port, 0, data).output()
    with printed.open("wb") as output:
        process = subprocess.Popen([CHATAPP, "serve"], env=env, stdout=output, stderr=output, start_new_session=True)
    try:
        soon(lambda: b"chatapp is ready" in printed.read_bytes(), within=START_S)
        yield Host(port, process.pid, data)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _holdings(pid: int) -> Holdings | None:
    try:
        return Holdings.of(pid)
    except (OSError, AssertionError):  # it has ended
        return None
