"""A database for keys and sessions, and requests as authenticators see them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.datastructures import Headers

from chatapp.access import Sender
from chatapp.storage.database import Database, open_database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database("", tmp_path)
    yield database
    database.close()


@pytest.fixture
def sender() -> Callable[..., Sender]:
    """A request with these headers."""

    def make(
        headers: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        peer: str | None = "127.0.0.1",
        secure: bool = False,
    ) -> Sender:
        return Sender(Headers(headers or {}), cookies or {}, peer, secure, "trace")

    return make
