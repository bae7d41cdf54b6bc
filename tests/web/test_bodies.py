"""Bodies as they come over a connection: whole, or not at all."""

import io
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from chatapp.dialects.requests import TitleRequest
from chatapp.errors import BodyTooLarge, InvalidField, InvalidRequest
from chatapp.web import EXTENSION
from chatapp.web.bodies import parse

BODY = b'{"title": "new"}'


class CutOff(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        raise OSError("no more data")


@pytest.fixture
def app() -> Iterator[Flask]:
    app = Flask("bodies")
    app.extensions[EXTENSION] = SimpleNamespace(settings=SimpleNamespace(max_body_bytes=100))
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
    cut_off: dict[str, Any] = {"wsgi.input": CutOff(), "wsgi.input_terminated": True, "CONTENT_LENGTH": ""}
    with pytest.raises(InvalidRequest, match="incomplete"):
        parsed(app, b"", **cut_off)


def test_json_that_is_nested_too_deeply_is_refused_in_our_words(app: Flask) -> None:
    app.extensions[EXTENSION].settings.max_body_bytes = 1_000_000
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
