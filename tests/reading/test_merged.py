"""Several runs in one response: of each, what its own response has; resumed, the rest of each."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import gevent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reading.runs import START, body, runs

from chatapp.dialects import Dialect
from chatapp.dialects.message import MessageDialect, RawPassthroughDialect, XMLPlaintextDialect
from chatapp.dialects.named import NamedDialect
from chatapp.errors import ChatappError, DatabaseUnavailable, LogUnavailable, UnknownRun
from chatapp.events import Entry, RunEnd, TextDelta, Timing, Usage
from chatapp.logs.memory import MemoryLog
from chatapp.quotas.turns import requester
from chatapp.reading.merged import MergedReader, cursor, open_merged
from chatapp.reading.presence import AccessEnded, ServerDraining
from chatapp.reading.reader import AlreadyComplete
from chatapp.reading.sources import KeptAnswer, LiveLog, Source
from chatapp.wire.frames import HEARTBEAT, ServerEvent, SSEDecoder

MODES: list[type[MessageDialect]] = [MessageDialect, XMLPlaintextDialect, RawPassthroughDialect]
END = RunEnd("stop", Usage(), Timing())
DONE = {"completed", "error"}

unhurried = settings(deadline=None, max_examples=50)
several = st.lists(runs, min_size=1, max_size=4).map(
    lambda each: {f"msg_{number}": entries for number, entries in enumerate(each)}
)


class InSteps(KeptAnswer):
    """A log whose entries come a few at a time."""

    def __init__(self, entries: Sequence[Entry], step: int) -> None:
        super().__init__(entries)
        self._step = step

    def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
        gevent.sleep(0)
        return super().read(after, wait)[: self._step]


class Asks(KeptAnswer):
    """A log that notes for whom it is read."""

    def __init__(self, entries: Sequence[Entry], owners: list[str]) -> None:
        super().__init__(entries)
        self._owners = owners

    def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
        self._owners.append(requester.get())
        return super().read(after, wait)


def test_each_run_is_read_for_the_owner_who_follows_them() -> None:
    """Else it would wait for no owner's turn at the database, and all others for it."""
    owners: list[str] = []
    entries = [Entry(1, START), Entry(2, END)]
    before = requester.set("ann")
    try:
        events_of({name: Asks(entries, owners) for name in ("msg_0", "msg_1")})
    finally:
        requester.reset(before)
    assert len(owners) >= 2 and set(owners) == {"ann"}


def mode_of(run_id: str) -> type[MessageDialect]:
    return MODES[int(run_id[-1]) % len(MODES)]


def named(run_id: str) -> Dialect:
    return NamedDialect(mode_of(run_id)(), run_id)


def opened(sources: Mapping[str, Source], after: Mapping[str, int] | None = None) -> MergedReader:
    return open_merged(sources, named, after or {})


def events_of(sources: Mapping[str, Source], after: Mapping[str, int] | None = None) -> list[ServerEvent]:
    with gevent.Timeout(20):
        return SSEDecoder().feed(b"".join(opened(sources, after).follow(1000, "here")))


def of(run_id: str, events: Sequence[ServerEvent]) -> list[tuple[str, str]]:
    """Name, and data without the message, of the run's own events."""
    read = [(event.type, json.loads(event.data)) for event in events]
    return [(name, json.dumps(data)) for name, data in read if data.pop("message_id") == run_id]


def ends_of_events(events: Sequence[ServerEvent]) -> list[int]:
    """The places of the frames that carry an id of their own: there is a new one in each."""
    ids = ["", *(event.last_event_id for event in events)]
    return [place for place in range(len(events)) if ids[place] != ids[place + 1]]


def alone(run_id: str, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    events = SSEDecoder().feed(body(KeptAnswer(entries), mode_of(run_id)()))
    return [(event.type, json.dumps(json.loads(event.data))) for event in events]


@unhurried
@given(several, st.integers(1, 5))
def test_of_each_run_it_has_what_its_own_stream_has(logs: dict[str, list[Entry]], step: int) -> None:
    events = events_of({run_id: InSteps(entries, step) for run_id, entries in logs.items()})
    for run_id, entries in logs.items():
        assert of(run_id, events) == alone(run_id, entries)


@unhurried
@given(several, st.integers(1, 5), st.integers(0, 60))
def test_a_client_that_was_cut_off_gets_the_rest_of_each(logs: dict[str, list[Entry]], step: int, cut: int) -> None:
    sources = {run_id: InSteps(entries, step) for run_id, entries in logs.items()}
    whole = events_of(sources)
    ends = ends_of_events(whole)
    place = ends[cut % len(ends)]
    after = cursor(whole[place].last_event_id)
    try:
        rest = events_of(sources, after)
    except AlreadyComplete:
        rest = []
    for run_id in logs:
        assert of(run_id, whole[: place + 1]) + of(run_id, rest) == of(run_id, whole)


@unhurried
@given(several)
def test_each_id_is_a_cursor_and_each_run_ends_once(logs: dict[str, list[Entry]]) -> None:
    events = events_of(dict_of(KeptAnswer, logs))
    positions: dict[str, int] = {}
    for event in (events[place] for place in ends_of_events(events)):
        now = cursor(event.last_event_id)
        assert next(iter(now)) == json.loads(event.data)["message_id"]
        assert all(now.get(run_id, 0) >= seq for run_id, seq in positions.items())
        positions = now
    for run_id, entries in logs.items():
        own = of(run_id, events)
        assert [name in DONE for name, _ in own] == [False] * (len(own) - 1) + [True]
        assert positions[run_id] == entries[-1].seq


def dict_of(make: Callable[[list[Entry]], Source], logs: dict[str, list[Entry]]) -> dict[str, Source]:
    return {run_id: make(entries) for run_id, entries in logs.items()}


@unhurried
@given(several)
def test_who_has_it_all_is_told_so(logs: dict[str, list[Entry]]) -> None:
    with pytest.raises(AlreadyComplete):
        opened(dict_of(KeptAnswer, logs), {run_id: entries[-1].seq for run_id, entries in logs.items()})


def test_a_foreign_position_resets_its_run_alone_and_soon() -> None:
    log = MemoryLog()
    for run_id in ("msg_0", "msg_3", "msg_6"):
        log.create(run_id)
        for event in (START, TextDelta("hi")):
            log.append(run_id, event)
    sources = {run_id: LiveLog(log, run_id, lambda: None) for run_id in ("msg_0", "msg_3", "msg_6")}
    with gevent.Timeout(5):
        stream = opened(sources, {"msg_0": 99, "msg_3": 2, "msg_6": 77}).follow(1000, "here")
        first = SSEDecoder().feed(next(stream))
        assert [(event.type, json.loads(event.data)["message_id"]) for event in first] == [
            ("reset", "msg_0"),
            ("reset", "msg_6"),
        ]
        for run_id in sources:
            log.append(run_id, END)
        rest = SSEDecoder().feed(b"".join(stream))
    assert [name for name, _ in of("msg_3", rest)] == ["completed"]
    assert [name for name, _ in of("msg_6", rest)] == ["content_delta", "completed"]
    log.close()


@pytest.mark.parametrize("error", [LogUnavailable, DatabaseUnavailable])
def test_a_run_whose_log_goes_away_ends_with_an_error_and_the_others_go_on(error: type[ChatappError]) -> None:
    class Away(KeptAnswer):
        def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
            raise error("away")

    events = events_of({"msg_0": Away([]), "msg_3": KeptAnswer([Entry(1, START), Entry(2, END)])})
    assert [name for name, _ in of("msg_0", events)] == ["error"]
    assert "msg_0" not in events[-1].last_event_id
    assert [name for name, _ in of("msg_3", events)] == ["completed"]


def test_a_log_that_grew_old_meanwhile_is_read_again_from_what_was_kept() -> None:
    class Old(KeptAnswer):
        def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
            if after:
                raise UnknownRun("gone")
            return super().read(after, wait)

        def kept(self) -> Source:
            return KeptAnswer([Entry(1, START), Entry(9, TextDelta("all")), Entry(10, END)])

    events = events_of({"msg_0": Old([Entry(1, START), Entry(2, TextDelta("a"))])})
    assert [name for name, _ in of("msg_0", events)] == ["content_delta", "reset", "content_delta", "completed"]


def test_silence_gets_heartbeats_and_a_draining_server_says_when_to_come_again() -> None:
    log = MemoryLog()
    log.create("msg_0")
    reader = opened({"msg_0": LiveLog(log, "msg_0", lambda: None)})
    stream = reader.follow(0.01, "here")
    assert next(stream) == HEARTBEAT
    assert b"event: heartbeat" in next(stream)
    gevent.spawn(reader.scope.cancel, ServerDraining)
    rest: Iterator[bytes] = (piece for piece in stream if not piece.startswith(HEARTBEAT))
    assert b"".join(rest).startswith(b"retry: ")
    assert not reader.ended
    log.close()


def test_a_login_that_ends_ends_each_run_that_is_open_with_an_error() -> None:
    log = MemoryLog()
    log.create("msg_0")
    sources: dict[str, Source] = {"msg_0": LiveLog(log, "msg_0", lambda: None)}
    reader = opened({**sources, "msg_3": KeptAnswer([Entry(1, START), Entry(2, END)])})
    stream = reader.follow(1000, "here")
    data = next(stream) + next(stream)
    gevent.spawn(reader.scope.cancel, AccessEnded)
    events = SSEDecoder().feed(data + b"".join(stream))
    assert [(event.type, json.loads(event.data)["message_id"]) for event in events] == [
        ("completed", "msg_3"),
        ("error", "msg_0"),
    ]
    log.close()


@pytest.mark.parametrize("text", ["1", "1@", "@msg", "x@msg", "-1@msg", "²@msg", "1@a,", "9" * 19 + "@a"])
def test_an_id_that_is_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SEQ@MESSAGE"):
        cursor(text)
