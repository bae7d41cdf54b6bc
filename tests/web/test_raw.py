"""A raw body whose log goes away says so, if its format has a way to; else it is cut."""

from collections.abc import Iterator

import pytest

from chatapp.errors import UnknownRun
from chatapp.events import Raw
from chatapp.web.api.raw import _bytes


def a_body_that_breaks(content_type: str) -> Iterator[bytes]:
    def rest() -> Iterator[Raw]:
        yield Raw(b'data: {"a"')
        raise UnknownRun("no such run")

    return _bytes(Raw(b"data: 1\n\n", content_type), rest())


def test_an_event_stream_ends_with_an_error_event() -> None:
    body = b"".join(a_body_that_breaks("text/event-stream; charset=utf-8"))
    assert body.startswith(b'data: 1\n\ndata: {"a"\n\nevent: error\ndata: {"error":')
    assert body.endswith(b"\n\n") and b"no such run" in body


def test_lines_of_json_end_with_one_that_has_the_error() -> None:
    body = b"".join(a_body_that_breaks("application/x-ndjson"))
    assert body.splitlines()[-1].startswith(b'{"error":{"code":')


def test_a_body_that_cannot_say_it_is_cut() -> None:
    body = a_body_that_breaks("application/json")
    assert [next(body), next(body)] == [b"data: 1\n\n", b'data: {"a"']
    with pytest.raises(UnknownRun):
        next(body)
