"""The helper process: a line out per request, a line in per reply, complaints to a file.

Its standard input is a pipe that only this process holds, so the helper ends with this process,
even after kill -9.
"""

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gevent
from gevent.event import AsyncResult
from gevent.queue import Queue

CLOSE_S = 8.0  # for the servers to end; the SDK kills one that ignores everything after 4.5 s
LOG_BYTES = 1_000_000  # the log starts anew before it would grow beyond this
READ_BYTES = 65_536  # of complaints, at a time: all that a pipe holds
PAUSE_S = 0.05  # between two reads: who floods waits, and this process does not
KEPT_BYTES, KEPT_S = 200_000, 10.0  # so many of them are kept in so many seconds; the rest is counted
TOLD = frozenset({"progress", "question", "withdrawn"})  # what a call says before its reply
LAST_WORDS_S = 1.0  # for complaints that are still in the pipe when the helper has ended

Reply = dict[str, Any]

logger = logging.getLogger(__name__)


class Allowance:
    """Lets so many bytes through in so many seconds, and says how many lines it did not."""

    def __init__(self, size: int, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._left = size
        self._until = time.monotonic() + seconds
        self._dropped = 0

    def taken(self, data: bytes) -> bytes:
        """What is let through of the data, with a note before it if something was dropped."""
        note = b""
        if time.monotonic() >= self._until:
            note = self.note()
            self._left, self._until = self._size, time.monotonic() + self._seconds
        kept = data[: self._left]
        self._left -= len(kept)
        self._dropped += data.count(b"\n", len(kept)) + (len(data) > len(kept) and not data.endswith(b"\n"))
        return note + kept

    def note(self) -> bytes:
        dropped, self._dropped = self._dropped, 0
        return b"\n[%d lines dropped]\n" % dropped if dropped else b""


class HelperProcess:
    """One helper, from before its start until it is reaped.

    It has its own greenlet: a stop thrown into a caller interrupts no line half written or read.
    """

    def __init__(self, settings: Mapping[str, object], log: Path, log_bytes: int) -> None:
        self.ended = False
        self._log = log
        self._log_bytes = log_bytes
        self._outbox: Queue[bytes | None] = Queue()
        self._waiting: dict[int, AsyncResult[Reply]] = {}
        self._hearing: dict[int, Callable[[Reply], None]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._complaints: gevent.Greenlet[..., None] | None = None
        self._outbox.put(_line(settings))
        self._greenlet = gevent.spawn(self._live)

    def send(self, request: Reply, hear: Callable[[Reply], None] | None = None) -> "AsyncResult[Reply]":
        """Send the request; the result will hold its reply. `hear` gets what a call tells before
        it, and must not wait."""
        reply = self._waiting[request["id"]] = AsyncResult()
        if hear is not None:
            self._hearing[request["id"]] = hear
        self.tell(request)
        return reply

    def tell(self, message: Reply) -> None:
        """Send something that gets no reply."""
        self._outbox.put(_line(message))

    def cancel(self, id: int) -> None:
        """Nobody waits for the reply to this request any more."""
        self._forget(id)
        self.tell({"id": id, "cancel": True})

    def close(self) -> None:
        self._outbox.put(None)
        self._greenlet.join(CLOSE_S)
        if not self._greenlet.ready() and self._process is not None:
            self._process.kill()
            self._greenlet.join(CLOSE_S)

    def _live(self) -> None:
        try:
            with self._start() as process:
                self._process = process
                # Popen must not close stderr: a server may outlive the helper a little, and write.
                self._complaints, process.stderr = gevent.spawn(self._keep_complaints, process.stderr), None
                writer = gevent.spawn(self._write, process.stdin)
                self._read(process.stdout)
                writer.kill()
        except OSError as error:
            logger.error("MCP helper: %s", error)
        finally:
            self.ended = True
            for reply in self._waiting.values():
                reply.set({"error": "The MCP servers have ended; the next call starts them again."})
            if self._complaints is not None:
                self._complaints.join(LAST_WORDS_S)

    def _start(self) -> "subprocess.Popen[bytes]":
        script = Path(__file__).with_name("helper")
        # By path: importing the package would load the whole server. -P keeps the script's folder
        # off the module path. In its own session: Ctrl-C in the server's terminal must not end
        # calls that still run.
        return subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _keep_complaints(self, stderr: Any) -> None:
        allowance = Allowance(KEPT_BYTES, KEPT_S)
        with stderr:
            while complaint := stderr.read1(READ_BYTES):
                self._keep(allowance.taken(complaint))
                gevent.sleep(PAUSE_S)
        self._keep(allowance.note())

    def _keep(self, complaint: bytes) -> None:
        try:
            if complaint:
                _append(self._log, complaint, self._log_bytes)
        except OSError as error:  # a full disk: read on, or servers would block
            logger.error("MCP helper: %s", error)

    def _write(self, stdin: Any) -> None:
        try:
            while (line := self._outbox.get()) is not None:
                stdin.write(line)
                stdin.flush()
            stdin.close()
        except OSError:
            return  # the helper has ended, which `_read` sees too

    def _read(self, stdout: Any) -> None:
        for line in stdout:
            reply = json.loads(line)
            if TOLD.isdisjoint(reply):
                if waiting := self._forget(reply["id"]):
                    waiting.set(reply)
            elif hear := self._hearing.get(reply["id"]):
                hear(reply)

    def _forget(self, id: int) -> "AsyncResult[Reply] | None":
        self._hearing.pop(id, None)
        return self._waiting.pop(id, None)


def _append(log: Path, data: bytes, max_bytes: int) -> None:
    """Append, after emptying the file if it would grow beyond `max_bytes`.

    Other processes may append to it too.
    """
    with open(log, "ab") as file:
        if os.fstat(file.fileno()).st_size + len(data) > max_bytes:
            file.truncate(0)
        file.write(data)


def _line(value: Mapping[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"
