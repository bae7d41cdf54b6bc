"""Where Redis is, connections to it, and scripts. Each connection has one greenlet that uses it.

Reconnecting is the log's business, so redis-py retries nothing.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from redis import ConnectionPool, RedisError
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import ReadOnlyError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from chatapp.errors import ConfigError
from chatapp.logs.redis import SCHEMES

StoreError = (RedisError, OSError)
"""All that a Redis which is away, full or confused can raise."""

Arg: TypeAlias = str | bytes | int
Command: TypeAlias = tuple[Arg, ...]


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
        except (RedisConnectionError, ReadOnlyError):
            # Redis is away or loading its data; or another one was promoted behind its address.
            raise
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


def checked(reply: Any) -> Any:
    if isinstance(reply, Exception):
        raise reply
    return reply
