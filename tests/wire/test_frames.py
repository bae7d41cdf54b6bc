import base64
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import httpx
import pytest
from httpx_sse import EventSource
from hypothesis import given, settings
from hypothesis import strategies as st
from sseclient import SSEClient

from chatapp.errors import BadReply, FrameTooLarge
from chatapp.wire.frames import HEARTBEAT, Frame, NDJSONDecoder, ServerEvent, SSEDecoder, encode

VECTORS = Path(__file__).parents[3] / "shared" / "sse-vectors.json"

# No deadline per example: the first one also pays for imports, on a machine that others use too.
unhurried = settings(deadline=None)


def vectors() -> list:
    if not VECTORS.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="../shared/sse-vectors.json is absent"))]
    found = json.loads(VECTORS.read_text())["vectors"]
    return [pytest.param(vector, id=vector["name"]) for vector in found]


def decode(pieces: Iterable[bytes]) -> tuple[list[ServerEvent], int | None]:
    decoder = SSEDecoder()
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events, decoder.retry


def bytewise(body: bytes) -> Iterator[bytes]:
    return (body[i : i + 1] for i in range(len(body)))


def cuts(body: bytes) -> Iterable[int]:
    """Every place; in a large body both ends, and about 200 places between."""
    size = len(body)
    if size <= 4096:
        return range(size + 1)
    return sorted({*range(64), *range(64, size, size // 200), *range(size - 64, size + 1)})


@st.composite
def in_pieces(draw: st.DrawFn, bodies: st.SearchStrategy[bytes]) -> list[bytes]:
    body = draw(bodies)
    places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=6)))
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


# --- the rules, by vectors and by a slow reading of them ---


@pytest.mark.parametrize("vector", vectors())
def test_vector_decodes_the_same_whole_bytewise_and_cut_anywhere(vector: dict) -> None:
    body = base64.b64decode(vector["body_base64"])
    expected = [ServerEvent(*event) for event in vector["events"]], vector["retry"]
    assert decode([body]) == expected
    assert decode(bytewise(body)) == expected
    for cut in cuts(body):
        assert decode([body[:cut], b"", body[cut:]]) == expected, cut


def slowly_by_the_rules(body: bytes) -> tuple[list[ServerEvent], int | None]:
    """The rules word by word: decode the whole stream first, then lines, then fields."""
    text = body.decode("utf-8", "replace").removeprefix("\ufeff")
    events, retry = [], None
    data, kind, last_id = "", "", ""
    for line in re.split("\r\n|\r|\n", text)[:-1]:
        name, value = line, ""
        if ":" in line:
            name, value = line.split(":", 1)
            value = value[1:] if value[:1] == " " else value
        if line == "":
            if data != "":
                events.append(ServerEvent(kind or "message", data[:-1], last_id))
            data, kind = "", ""
        elif name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            last_id = value
        elif name == "retry" and re.fullmatch("[0-9]{1,15}", value):
            retry = int(value)
    return events, retry


SNIPPETS = [b"data", b"event", b"id", b"retry", b":", b" ", b"\n", b"\r", b"\r\n", b"\n\n", b"\0", b"12", b"x", b"\xff"]
SNIPPETS += [b"data: a", b"id: 7", "\ufeff".encode(), "\u2028".encode(), "\x85".encode(), "😀".encode(), b"\xf0\x9f"]


@settings(deadline=None, max_examples=500)
@given(in_pieces(st.lists(st.sampled_from(SNIPPETS), max_size=40).map(b"".join)))
def test_decoder_agrees_with_the_rules_on_any_bytes_in_any_pieces(pieces: list[bytes]) -> None:
    assert decode(pieces) == slowly_by_the_rules(b"".join(pieces))


@pytest.mark.parametrize("line_end", [b"\n", b"\r", b"\r\n"])
def test_event_is_out_as_soon_as_its_blank_line_has_begun(line_end: bytes) -> None:
    body = b"data: a" + line_end + line_end
    assert decode([body[: len(body) - len(line_end) + 1]])[0] == [ServerEvent("message", "a", "")]


def test_retry_of_absurd_length_is_ignored() -> None:
    assert decode([b"retry: 7\nretry: " + b"9" * 5000 + b"\n"]) == ([], 7)


# --- what is encoded is decoded, by us and by others ---

one_line = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=12)
texts = st.text(max_size=40) | st.text(st.sampled_from("a: \r\n\u2028\u0085\x0b\x0c\x1c\0é😀\ufeff"), max_size=20)
frames = st.builds(
    Frame,
    data=texts,
    event=st.none() | one_line,
    id=st.none() | one_line,
    retry=st.none() | st.integers(0, 10**9),
)
streams = st.lists(frames, max_size=8)


def with_heartbeats(stream: list[Frame]) -> bytes:
    return HEARTBEAT + b"".join(encode(frame) + HEARTBEAT * (1 + len(frame.data) % 2) for frame in stream)


def lf_only(text: str) -> str:
    return re.sub("\r\n|\r", "\n", text)


def received(stream: list[Frame]) -> list[ServerEvent]:
    """What a client holds afterwards; its last event id stays until another frame carries one."""
    events, last_id = [], ""
    for frame in stream:
        last_id = last_id if frame.id is None else frame.id
        events.append(ServerEvent(frame.event or "message", lf_only(frame.data), last_id))
    return events


@unhurried
@given(streams, st.data())
def test_our_decoder_reads_back_what_was_encoded(stream: list[Frame], data: st.DataObject) -> None:
    pieces = data.draw(in_pieces(st.just(with_heartbeats(stream))))
    retries = [frame.retry for frame in stream if frame.retry is not None]
    assert decode(pieces) == (received(stream), retries[-1] if retries else None)


@unhurried
@given(streams)
def test_httpx_sse_reads_back_what_was_encoded(stream: list[Frame]) -> None:
    headers = {"content-type": "text/event-stream; charset=utf-8"}
    response = httpx.Response(200, headers=headers, content=with_heartbeats(stream))
    events = list(EventSource(response).iter_sse())
    assert [ServerEvent(event.event, event.data, event.id) for event in events] == received(stream)
    assert [event.retry for event in events] == [frame.retry for frame in stream]


@unhurried
@given(streams)
def test_sseclient_py_reads_back_what_was_encoded(stream: list[Frame]) -> None:
    events = [(event.event, event.data, event.id) for event in SSEClient(iter([with_heartbeats(stream)])).events()]
    assert events == [(frame.event or "message", lf_only(frame.data), frame.id) for frame in stream]


def test_frame_is_event_id_retry_data_in_this_order() -> None:
    frame = Frame("a\r\nb\rc\n", event="token", id="7", retry=1500)
    assert encode(frame) == b"event: token\nid: 7\nretry: 1500\ndata: a\ndata: b\ndata: c\ndata: \n\n"


def test_empty_data_still_has_its_line() -> None:
    assert encode(Frame("")) == b"data: \n\n"


def test_heartbeat_alone_dispatches_nothing() -> None:
    assert decode([encode(Frame("a", id="1")), HEARTBEAT, HEARTBEAT]) == ([ServerEvent("message", "a", "1")], None)


# --- nothing gets out of its field ---


@pytest.mark.parametrize("field", ["event", "id"])
@pytest.mark.parametrize("forged", ["\n", "\r", "\0", "1\n", "x\r\ndata: forged\r\n\r\n", "a\rdata: forged"])
def test_line_end_or_nul_in_event_or_id_is_refused(field: str, forged: str) -> None:
    with pytest.raises(ValueError, match="event or id"):
        encode(Frame("a", **{field: forged}))


@pytest.mark.parametrize("value", ["\u2028", "\x85", "\x0b\x0c\x1c", "é 😀", "\ufeff", ""])
def test_what_only_looks_like_a_line_end_is_kept_in_event_and_id(value: str) -> None:
    assert decode([encode(Frame("a", event=value, id=value))])[0] == [ServerEvent(value or "message", "a", value)]


def test_negative_retry_is_refused() -> None:
    with pytest.raises(ValueError, match="retry"):
        encode(Frame("a", retry=-1))


@pytest.mark.parametrize("line_end", ["\n", "\r", "\r\n"])
def test_data_cannot_forge_an_event(line_end: str) -> None:
    attack = line_end.join(["x", "", "event: done", "id: 99", "retry: 1", "data: forged", "", ""])
    assert decode([encode(Frame(attack, event="token", id="1"))]) == (
        [ServerEvent("token", lf_only(attack), "1")],
        None,
    )


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a\ud83db", "a\ufffdb"),
        ("\ude00", "\ufffd"),
        ("end \ud83d", "end \ufffd"),
        ("\ud83d\ud83d", "\ufffd\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d\ud83d\ude00\n\ude00é", "\ufffd\ufffd😀\n\ufffdé"),
    ],
)
def test_lone_surrogate_is_replaced_and_never_raises(text: str, sent: str) -> None:
    body = encode(Frame(text, event="token"))
    body.decode("utf-8", "strict")
    assert decode([body])[0] == [ServerEvent("token", sent, "")]


@unhurried
@given(
    st.builds(
        Frame, data=st.text(st.characters()), event=st.none() | st.just("\ud800"), id=st.just("\udfff"), retry=st.none()
    )
)
def test_any_text_is_sent_as_one_event_of_valid_utf8(frame: Frame) -> None:
    body = encode(frame)
    body.decode("utf-8", "strict")
    assert len(decode([body])[0]) == 1


# --- the body's end ---


@pytest.mark.parametrize(
    ("rest", "flushed"),
    [
        (b"data: b\n", [ServerEvent("message", "b", "1")]),
        (b"data: b", [ServerEvent("message", "b", "1")]),
        (b"data: b\r", [ServerEvent("message", "b", "1")]),
        (b"event: x\ndata: b\ndata: c", [ServerEvent("x", "b\nc", "1")]),
        (b"data: \xf0\x9f", [ServerEvent("message", "\ufffd", "1")]),
        (b"data: b\nid: 2", [ServerEvent("message", "b", "2")]),
        (b"event: x\n", []),
        (b": comment", []),
        (b"", []),
    ],
)
def test_flush_gives_the_event_that_lacks_its_end_once(rest: bytes, flushed: list[ServerEvent]) -> None:
    for pieces in ([rest], bytewise(rest)):
        decoder = SSEDecoder()
        decoder.feed(b"id: 1\ndata: a\n\n")
        assert [event for piece in pieces for event in decoder.feed(piece)] == []
        assert decoder.flush() == flushed
        assert decoder.flush() == []


def test_flush_knows_the_byte_order_mark() -> None:
    decoder = SSEDecoder()
    decoder.feed(b"\xef\xbb\xbfdata: a")
    assert decoder.flush() == [ServerEvent("message", "a", "")]


# --- bounds ---


def feed_all(feed: Callable[[bytes], object], pieces: Iterable[bytes]) -> None:
    for piece in pieces:
        feed(piece)


SPLITS: list[Callable[[bytes], Iterable[bytes]]] = [lambda body: [body], bytewise, lambda body: [body[:7], body[7:]]]


@pytest.mark.parametrize("decoder_class", [SSEDecoder, NDJSONDecoder])
@pytest.mark.parametrize("split", SPLITS, ids=["whole", "bytewise", "cut"])
@pytest.mark.parametrize("before", [b"", b"\n\n:\n"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\n\nx\n"])
def test_line_of_the_limit_passes_and_one_byte_more_raises(decoder_class, split, before, after) -> None:
    feed_all(decoder_class(max_line_bytes=10).feed, split(before + b"data: 6789" + after))
    with pytest.raises(FrameTooLarge, match="10 bytes"):
        feed_all(decoder_class(max_line_bytes=10).feed, split(before + b"data: 67890" + after))


@pytest.mark.parametrize("split", SPLITS, ids=["whole", "bytewise", "cut"])
@pytest.mark.parametrize("line", [b"data: 789\n", b"data:\n", b"data\n"])
def test_event_without_an_end_raises_at_the_limit(split: Callable[[bytes], Iterable[bytes]], line: bytes) -> None:
    fits = 90 // (len(line) - 1)
    feed_all(SSEDecoder(max_event_bytes=90).feed, split(line * fits + b"\n" + line * fits))
    with pytest.raises(FrameTooLarge, match="90 bytes"):
        feed_all(SSEDecoder(max_event_bytes=90).feed, split(line * (fits + 1)))


def test_comments_and_unknown_lines_do_not_fill_an_event() -> None:
    decoder = SSEDecoder(max_event_bytes=20)
    feed_all(decoder.feed, [b"data: a\n", *[b": keep-alive\nunknown: line\n"] * 100])
    assert decoder.feed(b"\n") == [ServerEvent("message", "a", "")]


def test_frame_too_large_is_the_providers_bad_reply_and_not_worth_a_retry() -> None:
    assert issubclass(FrameTooLarge, BadReply)
    assert not FrameTooLarge("too large").retryable


@pytest.mark.parametrize("decoder_class", [SSEDecoder, NDJSONDecoder])
@pytest.mark.parametrize("piece_bytes", [1, 1024])
def test_long_line_in_small_pieces_costs_linear_time(decoder_class, piece_bytes: int) -> None:
    """Copying or scanning the held line at each byte would move 500 GB: minutes, not half a second."""
    decoder, line = decoder_class(), b"data: " + b"x" * 999_994
    began = time.perf_counter()
    feed_all(decoder.feed, (line[i : i + piece_bytes] for i in range(0, len(line), piece_bytes)))
    found = decoder.feed(b"\n\n")
    assert time.perf_counter() - began < 20
    assert [len(getattr(event, "data", event)) for event in found] in ([len(line) - 6], [len(line)])


# --- NDJSON ---

NDJSON = b'{"a": 1}\n\r\n \t\n  {"b": "\xe2\x80\xa8\xf0\x9f\x98\x80"}\r\n{"c":\r3}\n'
NDJSON_LINES = [b'{"a": 1}', b'{"b": "\xe2\x80\xa8\xf0\x9f\x98\x80"}', b'{"c":\r3}']


def ndjson(pieces: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
    decoder = NDJSONDecoder()
    fed = [line for piece in pieces for line in decoder.feed(piece)]
    return fed, decoder.flush()


def test_ndjson_gives_whole_stripped_lines_whole_bytewise_and_cut_anywhere() -> None:
    assert ndjson([NDJSON]) == ndjson(bytewise(NDJSON)) == (NDJSON_LINES, [])
    for cut in cuts(NDJSON):
        assert ndjson([NDJSON[:cut], NDJSON[cut:]]) == (NDJSON_LINES, []), cut


@pytest.mark.parametrize(("rest", "flushed"), [(b' {"d": 4}\r', [b'{"d": 4}']), (b" \t\r", []), (b"", [])])
def test_ndjson_flush_gives_the_line_that_lacks_its_newline_once(rest: bytes, flushed: list[bytes]) -> None:
    decoder = NDJSONDecoder()
    assert decoder.feed(NDJSON + rest) == NDJSON_LINES
    assert decoder.flush() == flushed
    assert decoder.flush() == []


json_values = st.recursive(st.none() | st.integers() | st.text(max_size=8), st.lists, max_leaves=5)


@unhurried
@given(st.lists(json_values, max_size=6), st.booleans(), st.data())
def test_ndjson_values_come_back_in_any_pieces(values: list, ended: bool, data: st.DataObject) -> None:
    body = "\n".join(json.dumps(value, ensure_ascii=False) for value in values).encode() + b"\n" * ended
    fed, flushed = ndjson(data.draw(in_pieces(st.just(body))))
    assert [json.loads(line) for line in fed + flushed] == values
    assert len(flushed) == (0 if ended or not values else 1)


def test_a_field_error_is_an_event_if_that_is_asked_for() -> None:
    body = b'data: a\n\nerror: {"code":500}\n\nevent: error\n\ndata: b\n\n'
    asked = [(event.type, event.data) for event in SSEDecoder(error_field=True).feed(body)]
    assert asked == [("message", "a"), ("error", '{"code":500}'), ("error", ""), ("message", "b")]
    assert [event.data for event in SSEDecoder().feed(body)] == ["a", "b"]
