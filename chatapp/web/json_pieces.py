"""A JSON object with a list that may be long, written and sent in pieces: nobody waits for all of
it, and it is never held as a whole."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
from flask import Response, stream_with_context

from chatapp.hub import let_others_run

PIECE = 10  # items: a millisecond

_encode = msgspec.json.Encoder().encode


def json_response(fields: Mapping[str, Any], name: str, items: Iterable[Any]) -> Response:
    """`fields`, and the items as the list `name`. They are made within the request's context."""
    return Response(stream_with_context(json_pieces(fields, name, items)), mimetype="application/json")


def json_pieces(fields: Mapping[str, Any], name: str, items: Iterable[Any]) -> Iterator[bytes]:
    yield _encode({**fields, name: []})[: -len("]}")]
    rest, comma = iter(items), b""
    while some := list(islice(rest, PIECE)):
        yield comma + b",".join(map(_encode, some))
        comma = b","
        let_others_run()
    yield b"]}"
