"""Pace: text that came at once is spread for people, a run is replayed as it came; bytes stay."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

import gevent
import pytest
from drivers import END, a_start, numbered
from hypothesis import example, given
from hypothesis import strategies as st
from reading.runs import OWN, body, dialects, pieces, runs

from chatapp.dialects import Dialect
from chatapp.dialects.registry import DIALECTS
from chatapp.errors import UnknownRun
from chatapp.events import Entry, Raw, ReasoningDelta, RunEnd, StreamEvent, TextDelta, ToolCall, ToolResult
from chatapp.logs import READ_ENTRIES, Take
from chatapp.reading.pace import STEP_S, Replay, Spread
from chatapp.reading.presence import ServerDraining
from chatapp.reading.reader import ClientDisconnected, encode_with_id, open_reader
from chatapp.reading.sources import KeptAnswer, Source
from chatapp.transcript import parts_of, transcript_of
from chatapp.wire.frames import HEARTBEAT

BEGAN = 1_000_000.0  # when the runs of these tests began, in epoch seconds
LUMP = "A word. " * 75  # 1.5 s at the pace of people
CALL = ToolCall("c1", "function", "add", {})
WAITS = st.sampled_from([0.0, 0.0, 0.001, 0.019, 0.1, 3.0])


class Time:
    """A clock that stands still until somebody sleeps."""

    def __init__(self, began: float = BEGAN) -> None:
        self.now = began
        self.slept = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept += 1
        self.now += seconds


class Log:
    """A log that grows in `time`: each entry is there from its own time on."""

    def __init__(self, entries: Sequence[Entry], time: Time) -> None:
        self._entries = entries
        self._time = time

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        until = self._time.now + wait
        while left := [entry for entry in self._entries if entry.seq > after]:
            slept = left[0].at > self._time.now
            self._time.now = max(self._time.now, min(left[0].at, until))
            due = [entry for entry in left if entry.at <= self._time.now][:READ_ENTRIES]
            if not (slept and due and take and take(due)):
                return due
            after = due[-1].seq
        return []

    def kept(self) -> Source | None:
        return None


def timed(*steps: tuple[float, StreamEvent | str]) -> list[Entry]:
    """A run of events, each so many seconds after the one before. A string is an answer's text."""
    times = accumulate(seconds for seconds, _ in steps)
    events = [TextDelta(event) if isinstance(event, str) else event for _, event in steps]
    return [
        Entry(seq, event, BEGAN + at)
        for seq, (at, event) in enumerate(zip([0.0, *times], [a_start(), *events], strict=True), 1)
    ]


def lump(text: str) -> list[tuple[float, str]]:
    return [(0.0, text[at : at + 4]) for at in range(0, len(text), 4)]


def spread(entries: Sequence[Entry], limit_s: float = 2.0, late: float = 0.0) -> list[tuple[float, Entry]]:
    """What a reader from the start gets, and how many seconds after the run's beginning."""
    time = Time(BEGAN + late)
    return given_by(Spread(Log(entries, time), limit_s, time.clock, time.sleep, time.clock), time)


def replay(entries: Sequence[Entry], pace: float = 1.0, start_s: float = 0.0) -> list[tuple[float, Entry]]:
    """The same, long after the run has ended."""
    time = Time(BEGAN + 9999.0)
    source = Replay(Log(entries, time), pace, start_s, clock=time.clock, sleep=time.sleep)
    return [(seconds - 9999.0, entry) for seconds, entry in given_by(source, time)]


def given_by(source: Source, time: Time, sleeps: bool = False) -> list[tuple[float, Entry]]:
    """`sleeps`: to a reader that takes texts while it sleeps."""
    given: list[tuple[float, Entry]] = []

    def give(entries: Sequence[Entry]) -> None:
        given.extend((time.now - BEGAN, entry) for entry in entries)

    def take(entries: Sequence[Entry]) -> bool:
        if takes := all(isinstance(entry.event, TextDelta) for entry in entries):
            give(entries)
        return takes

    while not given or not isinstance(given[-1][1].event, RunEnd):
        give(source.read(given[-1][1].seq if given else 0, 1.0 if given else 0.0, take if sleeps else None))
    return given


@st.composite
def timed_runs(draw: st.DrawFn) -> list[Entry]:
    events = draw(st.lists(pieces | st.just(TextDelta("word " * 9)), max_size=30))
    return timed(*((draw(WAITS), event) for event in [*events, END]))


@given(timed_runs(), st.sampled_from([0.0, 2.0]))
@example(timed((0.1, "word"), (0.1, "w"), *lump(LUMP), (0.1, "word"), (0.1, END)), 2.0)
def test_a_reader_that_sleeps_gets_the_same_at_the_same_time(entries: list[Entry], limit_s: float) -> None:
    time = Time()
    source = Spread(Log(entries, time), limit_s, time.clock, time.sleep, time.clock)
    assert given_by(source, time, sleeps=True) == spread(entries, limit_s)


def times_of_text(given: Sequence[tuple[float, Entry]]) -> list[float]:
    return [seconds for seconds, entry in given if isinstance(entry.event, (TextDelta, ReasoningDelta))]


def paced_body(source: Source, dialect: Dialect, after: int = 0) -> bytes:
    """Without the comment that comes first if there is no event yet."""
    return b"".join(open_reader(source, dialect, after).follow(1000.0, "here")).removeprefix(HEARTBEAT)


# For people


@given(timed_runs(), st.sampled_from([0.0, 0.3, 2.0]))
def test_spreading_changes_no_entry_and_takes_no_longer_than_its_limit(entries: list[Entry], limit_s: float) -> None:
    given = spread(entries, limit_s)
    assert [entry for _, entry in given] == entries
    assert all(-1e-4 <= seconds - (entry.at - BEGAN) <= limit_s + 1e-4 for seconds, entry in given)


@given(runs, dialects)
def test_the_bytes_are_the_same_however_they_are_paced(entries: list[Entry], dialect: type[Dialect]) -> None:
    entries = [Entry(entry.seq, entry.event, BEGAN + entry.seq) for entry in entries]
    time = Time(BEGAN + 1)
    whole = body(KeptAnswer(entries), dialect())
    for source in (
        Spread(KeptAnswer(entries), 2.0, time.clock, time.sleep, time.clock),
        Replay(KeptAnswer(entries), 0.5, clock=time.clock, sleep=time.sleep),
    ):
        assert paced_body(source, dialect()) == whole


def test_a_lump_comes_little_by_little() -> None:
    given = spread(timed(*lump(LUMP), (0.05, END)))
    seconds = times_of_text(given)
    assert seconds[0] == 0 and 1.4 < seconds[-1] <= given[-1][0] <= 1.5
    assert all(0 <= later - earlier < 3 * STEP_S for earlier, later in pairwise(seconds))


@pytest.mark.parametrize("times", [10, 100])
def test_a_long_lump_comes_faster(times: int) -> None:
    given = spread(timed(*lump(LUMP * times), (0.0, END)))
    assert 1.9 < given[-1][0] <= 2.0
    early = sum(seconds < 1.0 for seconds, _ in given)
    assert times > 10 or 0.4 < early / len(given) < 0.6


def test_the_rounds_of_a_tool_loop_share_the_limit() -> None:
    rounds = [step for _ in range(5) for step in (*lump(LUMP), (0.0, CALL), (0.001, ToolResult("c1", 1)))]
    given = spread(timed(*rounds, *lump(LUMP), (0.0, END)))
    assert 1.9 < given[-1][0] <= 2.0


@pytest.mark.parametrize(("flush_s", "tokens"), [(0.05, 1), (0.02, 1), (0.005, 1), (0.005, 10), (0.005, 24)])
def test_a_reply_that_flows_is_not_behind_its_provider(flush_s: float, tokens: int) -> None:
    """The last is faster than any model, at 19,200 characters a second."""
    steps = [(0.0 if number % tokens else flush_s, "word") for number in range(1200)]
    behind = [seconds - (entry.at - BEGAN) for seconds, entry in spread(timed(*steps, (0.0, END)))]
    assert max(behind) < 0.03


def test_lumps_that_follow_each_other_are_spread_each() -> None:
    given = spread(timed(*(step for _ in range(5) for step in ((0.5, "And "), *lump("more. " * 25))), (0.0, END)))
    seconds = times_of_text(given)
    assert max(later - earlier for earlier, later in pairwise(seconds)) < 0.2 and len(set(seconds)) > 100


def test_what_is_held_comes_once_the_text_goes_on() -> None:
    given = spread(timed(*lump(LUMP), (0.3, "later"), (0.5, END)))
    assert [round(seconds, 2) for seconds, _ in given[-3:]] == [0.3, 0.3, 0.8]


@pytest.mark.parametrize("late", [0.6, 60.0])
def test_a_late_reader_never_waits(late: float) -> None:
    entries = timed(*lump(LUMP), (3.0, "x"), *lump(LUMP), (0.0, END))
    for seconds, entry in spread(entries, late=late):
        assert seconds == pytest.approx(max(late, entry.at - BEGAN))


def test_a_reader_that_begins_again_never_waits() -> None:
    entries = timed(*lump(LUMP), (0.0, END))
    time = Time()
    source = Spread(Log(entries, time), 2.0, time.clock, time.sleep, time.clock)
    assert len(source.read(0, 0.0)) < 5
    assert source.read(0, 0.0) == entries and source.read(7, 0.0) == entries[7:] and not time.slept


def test_raw_bytes_are_shown_as_they_came() -> None:
    entries = timed((0.0, Raw(b"all")), *lump(LUMP), (0.0, END))
    assert {seconds for seconds, _ in spread(entries)} == {0.0}


def test_little_is_not_worth_a_wait() -> None:
    assert {seconds for seconds, _ in spread(timed((0.0, "A short"), (0.0, " answer."), (0.0, END)))} == {0.0}


# As it came


def test_a_replay_takes_its_time() -> None:
    entries = timed((0.5, "one"), (2.0, "two"), (0.001, "three"), (30.0, END))
    for pace in (0.5, 1.0, 10.0):
        for seconds, entry in replay(entries, pace):
            assert seconds == pytest.approx((entry.at - BEGAN) / pace, abs=STEP_S)


def test_a_replay_can_begin_anywhere() -> None:
    entries = timed((0.5, "one"), (2.0, "two"), (2.0, "three"), (1.0, END))
    assert [round(seconds, 2) for seconds, _ in replay(entries, 2.0, start_s=3.0)] == [0, 0, 0, 0.75, 1.25]
    assert {seconds for seconds, _ in replay(entries, start_s=99.0)} == {0}


def test_entries_of_unknown_times_are_there_at_once() -> None:
    assert {round(seconds, 6) for seconds, _ in replay(numbered([a_start(), TextDelta("a"), END]))} == {0}


def test_a_clock_that_was_set_back_stops_no_replay() -> None:
    entries = timed((0.5, "one"), (-3600.0, "two"), (0.5, END))
    assert [round(seconds, 2) for seconds, _ in replay(entries)] == [0, 0.5, 0.5, 0.5]


@given(timed_runs(), dialects, st.sampled_from([0.0, 0.1, 50.0]))
def test_a_replay_resumes_to_its_suffix_at_every_cut(
    entries: list[Entry], dialect: type[Dialect], start_s: float
) -> None:
    whole = body(KeptAnswer(entries), dialect())
    for cut in range(1, len(entries)):
        time = Time()
        source = Replay(KeptAnswer(entries), 1.0, start_s, cut, time.clock, time.sleep)
        told = dialect()
        received = b"".join(encode_with_id(told.encode(entry.event), str(entry.seq)) for entry in entries[:cut])
        assert received + paced_body(source, dialect(), cut) == whole
        replayed = entries[-1].at - max(entries[cut - 1].at, BEGAN + start_s)
        assert time.now - BEGAN == pytest.approx(max(replayed, 0.0), abs=STEP_S + 1e-4)


@given(timed_runs(), dialects)
def test_a_replay_of_a_kept_answer_is_as_long_and_resumes_to_its_suffix(
    entries: list[Entry], dialect: type[Dialect]
) -> None:
    kept = transcript_of(entries).entries
    time = Time()
    whole = paced_body(Replay(KeptAnswer(kept), 1.0, clock=time.clock, sleep=time.sleep), dialect())
    assert time.now == pytest.approx(entries[-1].at, abs=2 * STEP_S)
    told, received = dialect(), b""
    for part in [part for entry in kept for part in parts_of(entry)][:-1]:
        received += encode_with_id(told.encode(part.event), str(part.seq))
        source = Replay(KeptAnswer(kept), 1.0, 0.0, part.seq, time.clock, time.sleep)
        assert received + paced_body(source, dialect(), part.seq) == whole


def test_a_replay_of_a_run_that_goes_on_catches_up_with_it() -> None:
    entries = timed((1.0, "one"), (1.0, "two"), (8.0, "three"), (1.0, END))
    time = Time(BEGAN + 2.0)
    given = given_by(Replay(Log(entries, time), 4.0, clock=time.clock, sleep=time.sleep), time)
    assert [round(seconds, 2) for seconds, _ in given] == [2.0, 2.25, 2.5, 10.0, 11.0]


def test_a_replay_whose_log_is_gone_goes_on_with_the_kept_answer() -> None:
    entries = timed(*((1.0, f"{number} ") for number in range(9)), (1.0, END))

    class Gone(Log):
        def read(self, after: int, wait: float, take: object = None) -> Sequence[Entry]:
            if after >= 5:
                raise UnknownRun("gone")
            return super().read(after, wait)[:5]

        def kept(self) -> Source:
            return KeptAnswer(entries)

    time = Time(BEGAN + 9999.0)
    source = Replay(Gone(entries, time), 1.0, clock=time.clock, sleep=time.sleep)
    stream = open_reader(source, DIALECTS["message"]()).follow(99.0, "here")
    said = b"".join(stream)
    assert said.count(b"event: reset") == 1 and said.endswith(body(KeptAnswer(entries), DIALECTS["message"]()))
    assert time.now - BEGAN - 9999.0 == pytest.approx(10.0, abs=4 * STEP_S)


# Both


def waiting() -> Iterator[Source]:
    yield Replay(KeptAnswer(timed((3600.0, "x"), (0.0, END))), 1.0)
    yield Spread(KeptAnswer(timed(*lump(LUMP * 9), (0.0, END))), 3600.0, now=lambda: BEGAN)


@pytest.mark.parametrize("name", sorted(DIALECTS))
@pytest.mark.parametrize("reason", [ClientDisconnected, ServerDraining])
def test_a_reader_that_is_let_go_waits_no_longer(name: str, reason: type[Exception]) -> None:
    for source in waiting():
        reader = open_reader(source, DIALECTS[name]())
        stream = reader.follow(heartbeat_s=1000, trace_id="here")
        next(stream)
        gevent.spawn(reader.scope.cancel, reason)
        with gevent.Timeout(5):
            rest = b"".join(stream)
        assert not reader.ended
        if reason is ServerDraining and name in OWN:
            assert b"retry: " in rest
        elif reason is ServerDraining:
            assert b"retry: " not in rest and b"shutting down" in rest


def test_heartbeats_come_while_a_replay_waits() -> None:
    stream = open_reader(Replay(KeptAnswer(timed((3600.0, "x"))), 1.0), DIALECTS["message"]()).follow(0.01, "here")
    assert [HEARTBEAT in next(stream) for _ in range(4)] == [True] * 4
