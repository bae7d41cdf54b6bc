"""Bodies as they come over a connection: whole, or not at all."""

import gzip
import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from flask import Flask

from chatapp.dialects.requests import TitleRequest
from chatapp.errors import BodyTooLarge, InvalidField, InvalidRequest, Overloaded, RequestTimeout, UnsupportedMediaType
from chatapp.quotas.places import OwnerPlaces
from chatapp.settings import Settings
from chatapp.web import EXTENSION
from chatapp.web.bodies import parse

BODY = b'{"title": "new"}'


class Silent(io.RawIOBase):
    """A connection on which nothing comes any more."""

    def read(self, size: int = -1) -> bytes:
        gevent.sleep(60)
        return b""


class CutOff(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        raise OSError("no more data")


def places(size: int) -> OwnerPlaces:
    return OwnerPlaces(size, 1.0, "bytes of request bodies", "max_bodies_bytes")


@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask("bodies")
    app.extensions[EXTENSION] = SimpleNamespace(
        settings=Settings(max_body_bytes=100, body_timeout_s=0.05), body_places=places(100)
    )
    yield app


def parsed(app: Flask, body: bytes, length: int | None = None, **environ: Any) -> TitleRequest:
    with app.test_request_context(
        "/", method="POST", data=body, content_type="application/json", environ_overrides=environ
    ) as context:
        if length is not None:
            context.request.environ["CONTENT_LENGTH"] = str(length)
        return parse(TitleRequest)


def test_a_whole_body_is_taken(app: Flask) -> None:
    assert parsed(app, BODY).title == "new"


def test_a_body_that_is_shorter_than_was_said_is_refused_though_it_is_json(app: Flask) -> None:
    with pytest.raises(InvalidRequest, match="16 of 90 bytes"):
        parsed(app, BODY, length=90)


def test_a_chunked_body_that_is_cut_off_is_refused(app: Flask) -> None:
    cut_off: dict[str, Any] = {
        "wsgi.input": CutOff(),
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    with pytest.raises(InvalidRequest, match="incomplete"):
        parsed(app, b"", **cut_off)


def test_a_body_that_does_not_come_is_waited_for_so_long_and_no_longer(app: Flask) -> None:
    with pytest.raises(RequestTimeout, match="0.05 s"):
        parsed(app, b"", length=90, **{"wsgi.input": Silent()})


def test_json_that_is_nested_too_deeply_is_refused_in_our_words(app: Flask) -> None:
    service = app.extensions[EXTENSION]
    service.settings, service.body_places = Settings(max_body_bytes=1_000_000), places(1_000_000)
    with pytest.raises(InvalidRequest, match="^body: the JSON is nested too deeply$"):
        parsed(app, b'{"a":' * 100_000)


def test_a_wrong_field_comes_first_in_the_message(app: Flask) -> None:
    with pytest.raises(InvalidField, match="^title: Expected `str`, got `int`$"):
        parsed(app, b'{"title": 5}')
    with pytest.raises(InvalidField, match="^body: Expected `object`, got `array`$"):
        parsed(app, b"[]")


def test_a_large_body_is_refused_also_where_it_is_cut_off(app: Flask) -> None:
    with pytest.raises(BodyTooLarge):
        parsed(app, BODY + b" " * 100, length=1000)


def test_bodies_share_a_room_which_each_leaves_again(app: Flask) -> None:
    room = app.extensions[EXTENSION].body_places
    room.enter("bob", 90)
    with pytest.raises(Overloaded, match=r"limit of 100 bytes of request bodies \(setting max_bodies_bytes\)"):
        parsed(app, BODY)
    room.leave("bob", 90)
    assert parsed(app, BODY).title == "new"
    with pytest.raises(InvalidRequest):
        parsed(app, BODY, length=90)
    assert not room._taken


def test_a_body_that_is_compressed_is_refused_for_that(app: Flask) -> None:
    with pytest.raises(UnsupportedMediaType, match="^Content-Encoding: expected none, got gzip$"):
        parsed(app, gzip.compress(BODY), HTTP_CONTENT_ENCODING="gzip")
    assert parsed(app, BODY, HTTP_CONTENT_ENCODING="Identity").title == "new"
