"""Connections to Redis, each used by one greenlet of its own.

A greenlet that is thrown out of its wait in the middle of a reply leaves the rest of it to the
next command. So no reader and no run talks to Redis itself: it hands its command to a `Commander`,
and may leave at any time. Reconnecting is the log's business, so redis-py retries nothing.
"""

import hashlib
from collections.abc import Sequence
from time import monotonic
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import gevent
from gevent.event import Event
from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from chatapp.errors import ConfigError, LogUnavailable
from chatapp.logs.waiting import Waiters

StoreError = (RedisError, OSError)
"""All that a Redis which is away, full or confused can raise."""

Arg: TypeAlias = str | bytes | int
Command: TypeAlias = tuple[Arg, ...]

SCHEMES = ("redis://", "rediss://", "unix://")
JOBS = 64  # in one go: replies are parsed in Python, and must not hold the hub for long
CLOSE_S = 1.0


class Address:
    """Where Redis is. Its text is safe to show: it has no password.

    Raises ConfigError if the URL cannot be understood.
    """

    def __init__(self, url: str, answer_s: float) -> None:
        if not url.startswith(SCHEMES):
            raise ConfigError(f"log_url: expected one of {', '.join(SCHEMES)}")
        try:
            pool = ConnectionPool.from_url(url)
            if not url.startswith("unix://"):
                int(urlsplit(url).path.strip("/") or 0)  # redis-py takes anything else for 0
        except (ValueError, TypeError):  # its text may quote a part of the password
            raise ConfigError(
                "log_url: expected redis://user:password@host:port/db; write @, : and / in a password as %40, %3A, %2F"
            ) from None
        self._class: Any = pool.connection_class
        self._options: dict[str, Any] = {
            **pool.connection_kwargs,
            "socket_connect_timeout": answer_s,
            "socket_timeout": answer_s,
            "socket_keepalive": True,
            "health_check_interval": 0,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "client_name": "chatapp",
            "maint_notifications_config": MaintNotificationsConfig(enabled=False),
        }
        if "path" in self._options:
            del self._options["socket_keepalive"], self._options["maint_notifications_config"]

    def __str__(self) -> str:
        if path := self._options.get("path"):
            return str(path)
        return f"{self._options.get('host', 'localhost')}:{self._options.get('port', 6379)}"

    def connect(self, answer_s: float | None = None) -> "Connection":
        """A connection that waits `answer_s` for each answer; made at its first use."""
        timeout = {} if answer_s is None else {"socket_timeout": answer_s}
        return Connection(self._class(**{**self._options, **timeout}))


class Connection:
    """One at a time may use it. After an error of the connection the next use makes a new one."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, commands: Sequence[Command]) -> list[Any]:
        """The reply to each; a ResponseError stands in the place of a command that was refused.

        Raises StoreError, and then nobody knows which of the commands were run.
        """
        connection = self._connection
        try:
            connection.connect()
            connection.send_packed_command(connection.pack_commands(commands))
            return [self._reply() for _ in commands]
        except BaseException:
            self.close()  # the rest of a reply may be on its way
            raise

    def call(self, *command: Arg) -> Any:
        """The reply. Raises StoreError."""
        return checked(self.run([command])[0])

    def close(self) -> None:
        self._connection.disconnect()

    def _reply(self) -> Any:
        try:
            return self._connection.read_response()
        except RedisConnectionError:
            raise  # also a ResponseError, if Redis is loading its data
        except ResponseError as error:
            return error


class Script:
    """A Lua script, which runs as one step. Redis keeps it until it restarts."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._hash = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def command(self, keys: Sequence[str], args: Sequence[Arg]) -> Command:
        return ("EVALSHA", self._hash, len(keys), *keys, *args)

    def whole(self, command: Command) -> Command:
        """The same with the text, for a Redis that does not know the script."""
        return ("EVAL", self._text, *command[2:])


class Commander:
    """Runs the commands of all greenlets, those that wait together in one round trip."""

    def __init__(self, address: Address, patience_s: float, retry_s: float) -> None:
        self._address = address
        self._patience_s = patience_s
        self._retry_s = retry_s
        self._connection = address.connect()
        self._jobs: list[_Job] = []
        self._wake = Event()
        self._closing = False
        self._greenlet = gevent.spawn(self._run)

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
        self._greenlet.join(CLOSE_S)

    def _add(self, command: Command) -> "_Job":
        job = _Job(command)
        if self._closing:
            job.finish(LogUnavailable("the event log is closed"))
        else:
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


def checked(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply
