"""Takes commands from greenlets that may leave at any time.

A greenlet that is thrown out of its wait in the middle of a reply leaves the rest of it to the next
command. So no reader and no run talks to Redis itself: it hands its command over, and waits.
"""

from collections.abc import Sequence
from time import monotonic
from typing import Any

import gevent
from gevent.event import Event
from redis.exceptions import NoScriptError

from chatapp.errors import LogUnavailable
from chatapp.logs.redis.connection import Address, Arg, Command, Script, StoreError
from chatapp.logs.waiting import Waiters

JOBS = 64  # in one go: replies are parsed in Python, and must not hold the hub for long
CLOSE_S = 1.0


class Commander:
    """Runs the commands of all greenlets, those that wait together in one round trip. It has a
    greenlet of its own from the first one on."""

    def __init__(self, address: Address, patience_s: float, retry_s: float) -> None:
        self._address = address
        self._patience_s = patience_s
        self._retry_s = retry_s
        self._connection = address.connect()
        self._jobs: list[_Job] = []
        self._wake = Event()
        self._closing = False
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def call(self, *command: Arg, patience_s: float | None = None) -> Any:
        """The reply; the command is sent again until it comes, so it must be one that may be.

        Raises LogUnavailable.
        """
        give_up = monotonic() + (self._patience_s if patience_s is None else patience_s)
        while True:
            job = self._add(command)
            while not job.done:
                job.waiters.wait(max(give_up - monotonic(), self._retry_s))
                if monotonic() > give_up and not job.done:
                    raise self._away("no answer in time")
            if not isinstance(job.reply, Exception):
                return job.reply
            if isinstance(job.reply, NoScriptError | LogUnavailable) or monotonic() > give_up:
                raise self._away(job.reply)
            gevent.sleep(self._retry_s)

    def script(self, script: Script, keys: Sequence[str], *args: Arg) -> Any:
        command = script.command(keys, args)
        try:
            return self.call(*command)
        except LogUnavailable as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
        return self.call(*script.whole(command))

    def post(self, *command: Arg) -> None:
        """Run it, sooner or later; what becomes of it is nobody's concern."""
        self._add(command)

    def close(self) -> None:
        """Run what waits. Idempotent."""
        self._closing = True
        self._wake.set()
        if self._greenlet is not None:
            self._greenlet.join(CLOSE_S)

    def _add(self, command: Command) -> "_Job":
        job = _Job(command)
        if self._closing:
            job.finish(LogUnavailable("the event log is closed"))
        else:
            self._greenlet = self._greenlet or gevent.spawn(self._run)
            self._jobs.append(job)
            self._wake.set()
        return job

    def _run(self) -> None:
        while self._jobs or not self._closing:
            self._wake.wait()
            self._wake.clear()
            while self._jobs:
                jobs, self._jobs = self._jobs[:JOBS], self._jobs[JOBS:]
                self._do(jobs)
        self._connection.close()

    def _do(self, jobs: list["_Job"]) -> None:
        try:
            replies = self._connection.run([job.command for job in jobs])
        except StoreError as error:
            replies = [error] * len(jobs)
        for job, reply in zip(jobs, replies, strict=True):
            job.finish(reply)

    def _away(self, reason: object) -> LogUnavailable:
        error = LogUnavailable(f"the event log does not answer: {self._address}: {reason}")
        error.__cause__ = reason if isinstance(reason, Exception) else None
        return error


class _Job:
    __slots__ = ("command", "done", "reply", "waiters")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.reply: Any = None
        self.done = False
        self.waiters = Waiters()

    def finish(self, reply: Any) -> None:
        self.reply, self.done = reply, True
        self.waiters.wake()
