"""A long list is the same JSON as a short one, and others run while it is written."""

import json
from collections.abc import Iterator

import gevent
import pytest

from chatapp.web.json_pieces import PIECE, json_pieces


@pytest.mark.parametrize("count", [0, 1, PIECE, PIECE + 1, 3 * PIECE + 7])
def test_the_pieces_are_one_object(count: int) -> None:
    items = [{"number": number, "text": '"ü\n'} for number in range(count)]
    pieces = list(json_pieces({"id": "conv", "title": None}, "messages", items))
    assert json.loads(b"".join(pieces)) == {"id": "conv", "title": None, "messages": items}
    assert len(pieces) == 2 + -(-count // PIECE)


def test_others_run_between_two_pieces() -> None:
    turns: list[int] = []

    def items() -> Iterator[int]:
        for number in range(3 * PIECE):
            turns.append(len(turns))
            yield number

    other = gevent.spawn(lambda: turns.clear())
    assert b"".join(json_pieces({"id": 1}, "all", items())).endswith(b"]}")
    assert other.dead and len(turns) < 3 * PIECE
