"""A process under measurement, pinned to a core, with all its children: their usage, and their end.

Linux only: it reads /proc. `schedstat` is finer than the ticks in `stat`, and also counts the time
in which other processes held the core.
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self


class Used(NamedTuple):
    """Seconds so far: on a core, and ready to run while other processes held the core."""

    cpu: float
    queued: float

    def since(self, before: "Used") -> "Used":
        return Used(self.cpu - before.cpu, self.queued - before.queued)


class Process:
    """A context manager, which ends with a SIGKILL to the whole session.

    Without `output`, `line` reads the process's output.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        core: int,
        env: Mapping[str, str] | None = None,
        output: IO[str] | None = None,
    ) -> None:
        self._process = subprocess.Popen(
            command,
            env=env,
            stdin=subprocess.PIPE,
            stdout=output or subprocess.PIPE,
            stderr=output,
            text=True,
            start_new_session=True,
        )
        os.sched_setaffinity(self._process.pid, {core})  # its children inherit it

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(ProcessLookupError):  # every process of the session has ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.__exit__(kind, error, at)

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def used(self) -> Used:
        threads = [path.read_text().split() for pid in self._session() for path in pid.glob("task/*/schedstat")]
        return Used(sum(int(cpu) for cpu, _, _ in threads) / 1e9, sum(int(queued) for _, queued, _ in threads) / 1e9)

    def pss_kib(self) -> int:
        lines = [line for pid in self._session() for line in (pid / "smaps_rollup").read_text().splitlines()]
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    def _session(self) -> Iterator[Path]:
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if os.getsid(int(path.name)) == self._process.pid:
                    yield path
            except ProcessLookupError:
                continue  # the process ended after the folder was listed
