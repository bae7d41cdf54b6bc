"""One run of a small program: bytes in, bytes out, within a time.

It is spawned rather than forked: to copy the page tables of a server takes tens of milliseconds, in
which all its streams would wait.
"""

import os
import signal
from contextlib import suppress
from typing import Any

import gevent
from gevent.fileobject import FileObjectPosix

LOOK_S = 0.005  # between two looks whether the program has ended, which takes a moment


def output_of(command: list[str], data: bytes, timeout_s: float) -> bytes | None:
    """What the program, an absolute path with its arguments, says to this on its standard output.
    None if it takes too long. It has no environment, and what it complains of is dropped. Raises
    OSError if it cannot be started."""
    stdin, to_program, from_program, stdout = _pipes()
    with FileObjectPosix(to_program, "wb", 0) as write_end, FileObjectPosix(from_program, "rb", 0) as read_end:
        try:
            pid = os.posix_spawn(command[0], command, {}, file_actions=_standard(stdin, stdout))
        finally:
            os.close(stdin)
            os.close(stdout)
        writer, reader = gevent.spawn(_say, write_end, data), gevent.spawn(read_end.read)
        try:
            reader.join(timeout_s)
            return reader.value
        finally:
            is_over = reader.ready()
            gevent.killall([writer, reader])
            if not is_over:
                os.kill(pid, signal.SIGKILL)
            _wait_for(pid)


def _pipes() -> tuple[int, int, int, int]:
    """To a program and from it, each with the end to read from first."""
    first = os.pipe()
    try:
        return *first, *os.pipe()
    except OSError:  # no descriptors are left
        for end in first:
            os.close(end)
        raise


def _standard(stdin: int, stdout: int) -> list[tuple[int, ...]]:
    """All other files are closed: Python opens them so."""
    no_words = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
    return [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1), no_words]  # type: ignore[list-item]


def _say(write_end: Any, data: bytes) -> None:
    """`write_end` has no buffer: it could not be closed once the program has ended."""
    left = memoryview(data)
    with suppress(BrokenPipeError):  # it has ended: what it said counts
        while left:
            left = left[write_end.write(left) :]
    write_end.close()


def _wait_for(pid: int) -> None:
    with suppress(ChildProcessError):  # gevent's own watcher was first
        while os.waitpid(pid, os.WNOHANG)[0] == 0:
            gevent.sleep(LOOK_S)
