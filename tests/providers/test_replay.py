"""A recorded body served again: through the adapter, at a pace, and stoppable like the real one."""

import hashlib
from pathlib import Path

import gevent
import pytest

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import Reported, Unreachable
from chatapp.events import Raw, ReasoningDelta, TextDelta
from chatapp.providers import Started
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.replay import RecordedTransport, frames_of

BOUND = 5
CHAT = Chat(model="reply", messages=[Message("user", "hi")])
BODY = b"".join(
    b'event: %s\r\ndata: {"type":"%s",%s}\r\n\r\n' % (name, name, rest)
    for name, rest in [
        (b"message_start", b'"message":{"usage":{"input_tokens":3}}'),
        (b"content_block_delta", b'"delta":{"type":"thinking_delta","thinking":"hm"}'),
        (b"content_block_delta", b'"index":1,"delta":{"type":"text_delta","text":"one"}'),
        (b"content_block_delta", b'"index":1,"delta":{"type":"text_delta","text":" two"}'),
        (b"message_delta", b'"delta":{"stop_reason":"max_tokens"},"usage":{"output_tokens":4}'),
        (b"message_stop", b'"x":0'),
    ]
)


class Stopped(Exception):
    pass


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "reply.sse"
    path.write_bytes(BODY)
    return path


def replayed(file: Path, interval: float = 0.0) -> Anthropic:
    return Anthropic("recorded", RecordedTransport(file, interval), models=["reply"])


def test_a_replayed_body_is_read_like_the_real_one(file):
    items = list(replayed(file).stream(CHAT, CancelScope()))

    assert items[0] == Started()
    assert items[1:4] == [ReasoningDelta("hm"), TextDelta("one"), TextDelta(" two")]
    assert (items[-1].reason, items[-1].usage.total) == ("length", 7)


def test_its_bytes_are_those_of_the_file(file):
    chat = Chat(model="reply", messages=CHAT.messages, raw=True)
    items = list(replayed(file).stream(chat, CancelScope()))

    raw = b"".join(item.bytes for item in items if isinstance(item, Raw))
    assert hashlib.sha256(raw).digest() == hashlib.sha256(BODY).digest()
    assert next(item for item in items if isinstance(item, Raw)).content_type == "text/event-stream"


def test_a_replay_can_be_stopped(file):
    scope = CancelScope()
    items = replayed(file, interval=3600).stream(CHAT, scope)
    assert next(items) == Started()
    waiting = gevent.spawn(next, items)
    gevent.idle()
    scope.cancel(Stopped)
    with pytest.raises(Stopped):
        waiting.get(timeout=BOUND)


def test_a_recorded_error_fails_as_the_real_one(file):
    file.write_bytes(b'{"type":"error","error":{"type":"overloaded_error","message":"x"}}')
    with pytest.raises(Reported):
        list(replayed(file).stream(CHAT, CancelScope()))


def test_a_file_that_went_away_is_an_error_of_the_provider(file):
    file.unlink()
    with pytest.raises(Unreachable, match="recorded cannot read its recording"):
        list(replayed(file).stream(CHAT, CancelScope()))


@pytest.mark.parametrize(
    ("body", "frames"),
    [
        (b"data: a\n\ndata: b\n\ndata: c", [b"data: a\n\n", b"data: b\n\n", b"data: c"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"data: a\r\n\r\n", b"data: b\r\n\r\n"]),
        (b"data: a\r\rdata: b\r\r", [b"data: a\r\r", b"data: b\r\r"]),
        (b'{\n\n"a": 1}', [b'{\n\n"a": 1}']),
        (b"<html>\n\n</html>", [b"<html>\n\n</html>"]),
        (b"", []),
    ],
)
def test_a_body_is_cut_where_its_frames_end(body, frames):
    assert frames_of(body) == frames


def test_lines_are_the_frames_of_ndjson():
    assert frames_of(b'{"a":1}\n{"b":2}\n', lines=True) == [b'{"a":1}\n', b'{"b":2}\n']
