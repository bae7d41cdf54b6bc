"""A response is a reader of a log: from any position, in any dialect, the same bytes."""

import json
from collections.abc import Callable, Sequence

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reading.runs import OWN, START, body, dialects, numbered, runs

from chatapp.dialects import Dialect
from chatapp.dialects.registry import DIALECTS
from chatapp.errors import ChatappError, DatabaseUnavailable, LimitExceeded, LogUnavailable, UnknownRun
from chatapp.events import (
    AttemptReset,
    Entry,
    RunEnd,
    TextDelta,
    Timing,
    Usage,
)
from chatapp.logs import Take
from chatapp.logs.memory import MemoryLog
from chatapp.reading.presence import OpenReaders, ServerDraining
from chatapp.reading.reader import AlreadyComplete, ClientDisconnected, encode_with_id, open_reader
from chatapp.reading.sources import KeptAnswer, LiveLog, Source
from chatapp.transcript import transcript_of
from chatapp.wire.client_socket import Unsent
from chatapp.wire.frames import HEARTBEAT, ServerEvent, SSEDecoder, encode


def live(log: MemoryLog) -> Source:
    return LiveLog(log, "run", lambda: None)


def decoded(data: bytes) -> list[ServerEvent]:
    return SSEDecoder().feed(data)


def kind(event: ServerEvent) -> str:
    """The event's name; where frames have none, the type that their data says."""
    found: str = json.loads(event.data).get("type", "message") if event.type == "message" else event.type
    return found


def terminal(event: ServerEvent) -> bool:
    return kind(event) in ("done", "completed", "end", "error")


@given(runs, dialects)
def test_resumed_bytes_are_the_suffix_at_every_cut(entries: list[Entry], dialect: type[Dialect]) -> None:
    whole = body(KeptAnswer(entries), dialect())
    for cut in range(1, len(entries)):
        received = b"".join(_until(entries, dialect(), cut))
        assert received + body(KeptAnswer(entries), dialect(), after=cut) == whole


@given(runs, st.sampled_from(sorted(DIALECTS)).map(DIALECTS.__getitem__), st.booleans())
def test_a_reader_that_sleeps_sends_the_same_bytes(
    entries: list[Entry], dialect: type[Dialect], takes_all: bool
) -> None:
    sent = [b""]
    reader, log = _asleep(dialect(), sent, _writer(sent, takes_all))
    for entry in entries:
        log.append("run", entry.event)
        gevent.sleep(0)
    reader.get(timeout=10)
    assert b"".join(sent) == HEARTBEAT + body(KeptAnswer(entries), dialect())


def test_a_token_does_not_wake_its_reader_and_anything_else_does() -> None:
    in_hub: list[bytes] = []
    sent: list[bytes] = []
    reader, log = _asleep(DIALECTS["token"](), sent, in_hub.append)
    for event in (START, TextDelta("a"), TextDelta("b"), RunEnd("stop", Usage(), Timing())):
        log.append("run", event)
        gevent.sleep(0)
    reader.get(timeout=10)
    assert [event.data for event in decoded(b"".join(in_hub))] == ["a", "b"]
    assert [event.type for event in decoded(b"".join(sent))] == ["meta", "done"]


@pytest.mark.parametrize("takes_all", [True, False])
@pytest.mark.parametrize("text", ["word ", "\0" * 6], ids=["plain", "escaped"])
@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
def test_many_tokens_at_once_arrive_whole_and_in_order(dialect: type[Dialect], text: str, takes_all: bool) -> None:
    """Their frames may be far longer than their texts."""
    tokens = [TextDelta(text)] * 60
    entries = numbered([START, *tokens, *tokens, RunEnd("stop", Usage(), Timing())])
    sent = [b""]
    reader, log = _asleep(dialect(), sent, _writer(sent, takes_all))
    for some in (entries[:1], entries[1:61], entries[61:121], entries[121:]):
        for entry in some:
            log.append("run", entry.event)
        gevent.sleep(0)
    reader.get(timeout=10)
    assert b"".join(sent) == HEARTBEAT + body(KeptAnswer(entries), dialect())


def test_what_was_sent_in_the_hub_puts_off_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    start, token, end = numbered([START, TextDelta("a"), RunEnd("stop", Usage(), Timing())])
    now = 0.0
    waited: list[float] = []
    monkeypatch.setattr("chatapp.reading.reader.monotonic", lambda: now)

    class Slow(KeptAnswer):
        """One token comes in the middle of the first wait."""

        def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
            nonlocal now
            if not wait:
                return [start]
            waited.append(wait)
            if len(waited) == 3:
                return [end]
            now += wait / 2
            assert take is not None
            assert len(waited) == 2 or take([token])
            now += wait / 2
            return []

    reader = open_reader(Slow([]), DIALECTS["token"]())
    sent: list[bytes] = []
    reader.write_in_hub(sent.append)
    sent.extend(reader.follow(heartbeat_s=10, trace_id="here"))
    assert waited == [10, 5, 10]
    assert sent[2] == HEARTBEAT and len(sent) == 4


def _asleep(
    dialect: Dialect, sent: list[bytes], write: Callable[[bytes], object]
) -> tuple["gevent.Greenlet[..., None]", MemoryLog]:
    """A reader that sleeps, of a log that is empty."""
    log = MemoryLog()
    log.create("run")
    reader = open_reader(live(log), dialect)
    reader.write_in_hub(write)
    greenlet = gevent.spawn(lambda: sent.extend(reader.follow(1000, trace_id="here")))
    gevent.sleep(0)
    return greenlet, log


def _writer(sent: list[bytes], takes_all: bool) -> Callable[[bytes], None]:
    """To a client that takes all, or half of it at once."""

    def write(data: bytes) -> None:
        half = len(data) if takes_all else len(data) // 2
        sent.append(data[:half])
        if half < len(data):
            raise Unsent(lambda: sent.append(data[half:]))

    return write


def _until(entries: list[Entry], dialect: Dialect, cut: int) -> list[bytes]:
    """What a client has that was cut off after the event `cut`."""
    return [encode_with_id(dialect.encode(entry.event), str(entry.seq)) for entry in entries[:cut]]


@given(runs, dialects)
def test_the_terminal_event_comes_once_and_last(entries: list[Entry], dialect: type[Dialect]) -> None:
    events = decoded(body(KeptAnswer(entries), dialect()))
    assert [terminal(event) for event in events] == [False] * (len(events) - 1) + [True]
    assert events[-1].last_event_id == str(len(entries))


@given(runs, st.sampled_from(sorted(DIALECTS)).map(DIALECTS.__getitem__))
def test_only_our_own_dialects_carry_ids(entries: list[Entry], dialect: type[Dialect]) -> None:
    lines = body(KeptAnswer(entries), dialect()).split(b"\n")
    assert any(line.startswith(b"id:") for line in lines) == dialect.has_event_ids
    assert not any(line.startswith(b"retry:") for line in lines)


@given(runs, dialects)
def test_ids_only_grow(entries: list[Entry], dialect: type[Dialect]) -> None:
    ids = [int(event.last_event_id or 0) for event in decoded(body(KeptAnswer(entries), dialect()))]
    assert ids == sorted(ids)


@given(runs, dialects, st.integers(-3, 40))
def test_a_position_the_log_cannot_serve_gets_one_reset_and_everything(
    entries: list[Entry], dialect: type[Dialect], after: int
) -> None:
    if 0 <= after <= len(entries):
        return
    events = decoded(body(KeptAnswer(entries), dialect(), after))
    assert events[0].type == "reset"
    assert events[1:] == decoded(body(KeptAnswer(entries), dialect()))


def test_a_position_that_the_log_reaches_in_a_moment_is_no_foreign_one() -> None:
    """It was read from another worker, whose last events are not here yet."""
    log = MemoryLog()
    log.create("run")
    log.append("run", START)
    gevent.spawn(
        lambda: [
            log.append("run", event) for event in (TextDelta("a"), TextDelta("b"), RunEnd("stop", Usage(), Timing()))
        ]
    )
    after = open_reader(live(log), DIALECTS["token"](), 2)
    assert [event.type for event in decoded(b"".join(after.follow(1000, "here")))] == ["token", "done"]
    log.close()


def test_a_position_that_a_live_log_does_not_reach_is_told_within_a_second() -> None:
    log = MemoryLog()
    log.create("run")
    log.append("run", START)
    with gevent.Timeout(5):
        reader = open_reader(live(log), DIALECTS["token"](), 99)
        assert decoded(next(reader.follow(1000, "here")))[0].type == "reset"
    log.close()


@given(runs, dialects)
def test_who_has_it_all_is_told_so(entries: list[Entry], dialect: type[Dialect]) -> None:
    with pytest.raises(AlreadyComplete):
        open_reader(KeptAnswer(entries), dialect(), len(entries))


@given(runs)
def test_the_compacted_log_gives_the_same_answer(entries: list[Entry]) -> None:
    transcript = transcript_of(entries)
    kept = KeptAnswer(transcript.entries)
    answer = decoded(body(kept, DIALECTS["message"]()))
    assert answer[-1] == decoded(body(KeptAnswer(entries), DIALECTS["message"]()))[-1]
    assert "".join(_text(event) for event in decoded(body(kept, DIALECTS["token"]())) if event.type == "token") == (
        transcript.content.replace("\r\n", "\n").replace("\r", "\n")
    )
    with pytest.raises(AlreadyComplete):
        open_reader(kept, DIALECTS["message"](), len(entries))


def _text(event: ServerEvent) -> str:
    return event.data


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_silent_run_gets_heartbeats_and_they_change_nothing(name: str) -> None:
    log = MemoryLog()
    log.create("run")
    log.append("run", START)
    reader = open_reader(live(log), DIALECTS[name]())
    stream = reader.follow(heartbeat_s=0.01, trace_id="here")
    first = next(stream)
    assert HEARTBEAT in next(stream)
    log.append("run", TextDelta("hi"))
    log.append("run", RunEnd("stop", Usage(), Timing()))
    rest = b"".join(stream)
    quiet = body(live(log), DIALECTS[name]())
    beats = [event for event in decoded(first + rest) if event.type in ("heartbeat", "ping")]
    assert [event for event in decoded(first + rest) if event not in beats] == decoded(quiet)
    log.close()


def test_the_first_piece_comes_at_once_even_where_there_is_nothing_to_say() -> None:
    log = MemoryLog()
    log.create("run")
    reader = open_reader(live(log), DIALECTS["message"]())
    assert next(reader.follow(heartbeat_s=1000, trace_id="here")) == HEARTBEAT
    log.close()


@pytest.mark.parametrize(("reason", "last"), [(ClientDisconnected, b""), (ServerDraining, b"retry: ")])
def test_a_waiting_reader_can_be_let_go(reason: type[Exception], last: bytes) -> None:
    log = MemoryLog()
    log.create("run")
    reader = open_reader(live(log), DIALECTS["message"]())
    stream = reader.follow(heartbeat_s=1000, trace_id="here")
    next(stream)
    gevent.spawn(reader.scope.cancel, reason)
    rest = b"".join(stream)
    assert rest.startswith(last) and bool(rest) == bool(last)
    assert not reader.ended
    log.close()


def test_readers_that_come_after_the_dismissal_are_let_go_too() -> None:
    readers = OpenReaders()
    readers.dismiss()
    reader = open_reader(KeptAnswer([]), DIALECTS["message"]())
    readers.add(reader)
    assert b"".join(reader.follow(1000, "here")).startswith(b"retry: ")


@pytest.mark.parametrize("error", [LogUnavailable, DatabaseUnavailable, LimitExceeded])
@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_a_log_that_goes_away_ends_the_stream_with_an_error_that_can_be_resumed(
    name: str, error: type[ChatappError]
) -> None:
    class Away(KeptAnswer):
        def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
            if after:
                raise error("away")
            return super().read(after, wait)

    events = decoded(body(Away([Entry(1, START)]), DIALECTS[name]()))
    assert any("away" in event.data for event in events)
    assert name not in OWN or (terminal(events[-1]) and events[-1].last_event_id in ("", "1"))


@given(runs)
def test_a_reader_whose_log_grew_old_is_reset_and_gets_what_was_kept(entries: list[Entry]) -> None:
    kept = KeptAnswer(transcript_of(entries).entries)

    class Gone(KeptAnswer):
        def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
            if after:
                raise UnknownRun("gone")
            return entries[:1]

        def kept(self) -> Source:
            return kept

    events = decoded(body(Gone(entries), DIALECTS["message"]()))
    resets = [event for event in events if event.type == "reset"]
    assert len(resets) == 1
    after = events[events.index(resets[0]) + 1 :]
    assert after == decoded(body(kept, DIALECTS["message"]()))
    assert decoded(body(Gone(entries), DIALECTS["openai"]()))[-1].data.startswith('{"error"')


def test_a_line_end_cut_between_two_tokens_reaches_the_client_once() -> None:
    entries = numbered(
        [START, TextDelta("a\r"), TextDelta("\nb\r"), TextDelta("c\r"), RunEnd("stop", Usage(), Timing())]
    )
    tokens = [event.data for event in decoded(body(KeptAnswer(entries), DIALECTS["token"]())) if event.type == "token"]
    assert "".join(tokens) == "a\nb\nc\n"


@pytest.mark.parametrize("name", sorted(set(DIALECTS) - set(OWN)))
def test_a_run_whose_last_event_shows_nothing_ends_its_stream_without_a_heartbeat(name: str) -> None:
    stop = RunEnd("stop", Usage(1, 2, 3), Timing(1, 2, 3))
    entries = numbered([START, TextDelta("x"), AttemptReset("cut"), TextDelta("y"), stop])

    class OneByOne(KeptAnswer):
        def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
            return super().read(after, wait)[:1]

    data = body(OneByOne(entries), DIALECTS[name]())
    dialect = DIALECTS[name]()
    assert data == b"".join(encode(frame) for entry in entries for frame in dialect.encode(entry.event))
