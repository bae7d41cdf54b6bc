"""Connections to Postgres that do not wait for ever.

A server that stands still keeps its connections: the kernel goes on answering for it, so that no
timeout of TCP ends the wait. And no exception may be thrown into a call. So a connection whose
answer does not come in time is shut down under the call, which then ends as it does when the server
closes the connection.
"""

import socket
from os import dup
from typing import Any

import psycopg
from gevent import get_hub
from sqlalchemy import Engine, event


def limit_answers(engine: Engine, answer_s: float) -> None:
    """From now on new connections of the engine wait at most so long for each answer."""

    class Limited(_Connection):
        limit_s = answer_s

    def connect(_dialect: Any, _record: Any, args: Any, parameters: Any) -> Any:
        return Limited.connect(*args, **parameters)

    event.listen(engine, "do_connect", connect)


class _Connection(psycopg.Connection[Any]):
    limit_s: float

    def wait(self, *args: Any, **kwargs: Any) -> Any:
        timer = get_hub().loop.timer(self.limit_s)
        timer.start(self._shut)
        try:
            return super().wait(*args, **kwargs)
        finally:
            timer.close()

    def _shut(self) -> None:
        """In the hub. The descriptor stays libpq's."""
        with socket.socket(fileno=dup(self.pgconn.socket)) as sock:
            sock.shutdown(socket.SHUT_RDWR)
