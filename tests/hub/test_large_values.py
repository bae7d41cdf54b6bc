"""Large values are worked on in pieces: others have their turns in between."""

from base64 import b64encode
from binascii import Error as NotBase64
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from chatapp.chat import Ask, Message
from chatapp.events import Entry, File, RunEnd, RunStart, Timing, Usage
from chatapp.hub import large_values
from chatapp.hub.large_values import PIECE_BYTES, from_base64, to_base64, to_json
from chatapp.providers.media import file_of_url
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.transcript import transcript_of

PICTURE = b"\x89PNG" + bytes(range(256)) * 32 * 1024  # 8 MB
START = RunStart("run", "trace", "p", "m", "disabled", 0.0)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    count = [0]

    def pause() -> None:
        count[0] += 1

    monkeypatch.setattr(large_values, "let_others_run", pause)
    return lambda: count[0]


@pytest.mark.parametrize("size", [0, 1, 2, 3, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1])
def test_base64_in_pieces_is_base64(size: int) -> None:
    data = PICTURE[:size]
    assert to_base64(data) == b64encode(data).decode() and from_base64(to_base64(data)) == data


@pytest.mark.parametrize("text", ["a", "ab=", "a-b_", "ab==cd==", "é" * 4, "A" * PIECE_BYTES + "A"])
def test_what_is_no_base64_is_refused_in_any_piece(text: str) -> None:
    with pytest.raises((NotBase64, ValueError)):
        from_base64(text)


BODIES = [
    {},
    {"a": 1},
    {"a": [], "b": {}, "c": None},
    {"m": [{"é": "\U0001f600\n"}, [1, [2]], "x"], "n": 1.5},
    [],
    [1, {}],
    7,
]


@pytest.mark.parametrize("body", BODIES)
def test_json_in_pieces_is_json(body: object) -> None:
    assert msgspec.json.decode(to_json(body)) == body and to_json(body) == msgspec.json.encode(body)


def test_a_long_conversation_is_encoded_in_turns(pauses: Callable[[], int]) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "x" * 1000}] * 5000}
    assert to_json(body) == msgspec.json.encode(body)
    assert pauses() >= 5000 * 1000 // PIECE_BYTES - 1


def test_a_large_picture_is_decoded_and_encoded_in_turns(pauses: Callable[[], int]) -> None:
    file = file_of_url("data:image/png;base64," + b64encode(PICTURE).decode())
    assert file.bytes == PICTURE and pauses() == len(b64encode(PICTURE)) // PIECE_BYTES
    before = pauses()
    to_base64(PICTURE)
    assert pauses() - before == len(PICTURE) // PIECE_BYTES


def test_a_large_picture_is_kept_and_read_in_turns(tmp_path: Path, pauses: Callable[[], int]) -> None:
    database = open_database("", tmp_path)
    conversations = Conversations(database.engine)
    answer = conversations.begin(Ask(said=[Message("user", "hi")], keep=True), "o", "p", "m").answer
    small, large = File("file_1", "image/png", bytes=PICTURE[:9]), File("file_2", "image/png", bytes=PICTURE)
    events = [START, small, large, RunEnd("stop", Usage(), Timing())]
    transcript = transcript_of([Entry(seq, event) for seq, event in enumerate(events, 1)])
    for _ in range(2):  # an answer may be finished again
        conversations.finish(answer.id, transcript)
    assert pauses() == 0  # a thread writes it
    kept = conversations.entries(conversations.answer("o", answer.id))
    assert [entry.event for entry in kept] == events and pauses() == len(PICTURE) // PIECE_BYTES
    database.close()
