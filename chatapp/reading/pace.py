"""Sources that decide when entries come: at the pace of people, or as the run came in its time.

Each stands between one reader and its source. It changes no entry, so a reader sends the same
bytes, and a client resumes to the same suffix, at any pace. It waits only inside `read`: the
reader's scope ends the wait, and the reader's heartbeats go on.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from time import monotonic

import gevent

from chatapp.events import Entry, Raw, ReasoningDelta, RunEnd, TextDelta
from chatapp.hub import let_others_run
from chatapp.logs import READ_ENTRIES, Take
from chatapp.reading.sources import Source
from chatapp.transcript import parts_of

STEP_S = 0.01  # what is due within it comes together

CHARS_PER_S = 400  # faster than anybody reads, slow enough to be seen
SMALL_CHARS = 40  # not worth a wait: some tokens that a busy server took together
AT_ONCE_S = 0.02  # some flushes of a log
MODEL_CHARS_PER_S = 20_000  # no model writes faster
FLOW_CHARS = 600  # in that time, and a flush more, the fastest model writes so much
PAUSE_S = 0.04  # in the middle of a text that flows, on a busy server
FROM_START_S = 0.5  # from the POST that begins a run to the GET that follows it, over a slow network
AHEAD_ENTRIES, AHEAD_CHARS = 1024, 24_000  # held for each reader; in two seconds nobody can follow more

Clock = Callable[[], float]
Sleep = Callable[[float], object]


class Spread:
    """`source` for people: text that arrived at once is spread, over `limit_s` seconds in all at
    most.

    Only a reader that follows the run from its start waits. It passes on the rest without a wait
    if the run has raw bytes, which are shown as they came.
    """

    def __init__(
        self,
        source: Source,
        limit_s: float,
        clock: Clock = monotonic,
        sleep: Sleep = gevent.sleep,
        now: Clock = time.time,
    ) -> None:
        self._source = source
        self._held = Held(limit_s)
        self._clock = clock
        self._sleep = sleep
        self._opened = now()
        self._waits = limit_s > 0
        self._given = self._upto = 0  # seq of the last entry that was given, and that was read
        self._ended = False

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        if not self._waits or after != self._given:
            self._waits = False
            self._held.entries.clear()
            return self._source.read(after, wait, take)
        deadline = self._clock() + wait
        if not self._held.entries:
            entries = self._source.read(after, wait, take and partial(self._pass, take))
            if self._given and _is_small(entries):  # nearly always
                self._given = self._upto = entries[-1].seq
                return entries
            self._hold(entries)
        while self._held.entries:
            if due := self._held.take(self._clock()):
                self._given = due[-1].seq
                return due
            pause = min(self._held.next_due, deadline) - self._clock()
            if pause <= 0:
                break
            if self._ended or self._held.is_full:
                self._sleep(pause)
            else:
                self._hold(self._source.read(self._upto, pause))
        return []

    def kept(self) -> Source | None:
        return self._source.kept()

    def _pass(self, take: Take, entries: Sequence[Entry]) -> bool:
        """What nobody is made to wait for is passed on to a reader that sleeps. If `take` raises,
        its client is slow: then nothing waits any more."""
        if not (self._given and _is_small(entries) and take(entries)):
            return False
        self._given = self._upto = entries[-1].seq
        return True

    def _hold(self, entries: Sequence[Entry]) -> None:
        while entries:
            if self._upto == 0 and self._opened - entries[0].at > FROM_START_S:
                self._waits = False
            if not self._waits:
                self._held.stop()
            self._held.add(entries, self._clock())
            self._waits = self._waits and not self._held.has_raw
            self._upto = entries[-1].seq
            self._ended = isinstance(entries[-1].event, RunEnd)
            if self._ended or len(entries) < READ_ENTRIES or self._held.is_full:
                return
            let_others_run()
            entries = self._source.read(self._upto, 0.0)


def _is_small(entries: Sequence[Entry]) -> bool:
    """Whether they are a few tokens of text."""
    chars = 0
    for entry in entries:
        if not isinstance(entry.event, (TextDelta, ReasoningDelta)):
            return False
        chars += len(entry.event.text)
        if chars > SMALL_CHARS:
            return False
    return bool(entries)


class Held:
    """Entries that are held back, and when they are due. Pure: each call is told the time.

    Text came at once if it came faster than any model writes. It is held until it is its turn, or
    until the same text goes on later: a reply that flows is never behind its provider. Entries that
    are no text are due with the text before them.
    """

    def __init__(self, limit_s: float) -> None:
        self.entries: deque[Entry] = deque()
        self.has_raw = False  # bytes that are shown as they came: nothing is held any longer
        self._left = limit_s  # in which anything may be held
        self._free = 0  # so many of the entries are due at any time
        self._chars = 0  # of the others
        self._since = 0.0  # when these began to come, so many characters in a second
        self._rate = inf
        self._shown = 0
        self._burst_at: float | None = None  # None: the next text continues no other
        self._burst_chars = 0
        self._text_at = 0.0  # when the last text came
        self._flows = False  # it is one of many that come without a pause

    @property
    def is_full(self) -> bool:
        return len(self.entries) >= AHEAD_ENTRIES or self._chars >= AHEAD_CHARS

    @property
    def next_due(self) -> float:
        return self._since + self._shown / self._rate

    def add(self, entries: Sequence[Entry], now: float) -> None:
        self._spend(now)
        for entry in entries:
            event = entry.event
            if isinstance(event, (TextDelta, ReasoningDelta)):
                at, chars = entry.at, len(event.text)
                if self._burst_at is None or at - self._burst_at > AT_ONCE_S:
                    self._begin_burst(at)
                self._burst_chars += chars
                self._chars += chars
                self._text_at = at
            else:
                self._burst_at = None
                if isinstance(event, Raw):
                    self.has_raw = True
                    self.stop()
            self.entries.append(entry)
        small = FLOW_CHARS if self._flows else SMALL_CHARS
        seconds = min(self._chars / CHARS_PER_S, self._left) if self._chars > small else 0.0
        self._rate = self._chars / seconds if seconds > 0 else inf
        self._since, self._shown = now, 0

    def take(self, now: float) -> list[Entry]:
        """Those that are due."""
        due: list[Entry] = []
        shown = (now + STEP_S - self._since) * self._rate
        while self.entries and (self._free or self._shown < shown):
            entry = self.entries.popleft()
            due.append(entry)
            if self._free:
                self._free -= 1
            elif isinstance(entry.event, (TextDelta, ReasoningDelta)):
                self._shown += len(entry.event.text)
                self._chars -= len(entry.event.text)
        if not self.entries:
            self._spend(now)
        return due

    def stop(self) -> None:
        """Hold nothing any longer."""
        self._left = 0.0

    def _begin_burst(self, at: float) -> None:
        """Of a text that continues no other, or that came later than the burst before it."""
        if self._burst_at is None:
            self._flows = False
        elif self._burst_chars < (at - self._burst_at) * MODEL_CHARS_PER_S:
            self._flows = at - self._text_at <= PAUSE_S
            self._free, self._chars = len(self.entries), 0
        else:
            return
        self._burst_at, self._burst_chars = at, 0

    def _spend(self, now: float) -> None:
        if self._rate < inf:
            self._left = max(0.0, self._left - (now - self._since))
            self._rate = inf


class Replay:
    """`source` as the run came in its time, `pace` times as fast, from `start_s` seconds into it.

    What came up to there, and up to the seq `after` that a client has, is there at once. So are
    entries whose time is not known. A run that still goes on is followed once it is caught up with.
    """

    def __init__(
        self,
        source: Source,
        pace: float,
        start_s: float = 0.0,
        after: int = 0,
        clock: Clock = monotonic,
        sleep: Sleep = gevent.sleep,
    ) -> None:
        self._source = source
        self._pace = pace
        self._start_s = start_s
        self._after = after
        self._clock = clock
        self._sleep = sleep
        self._began: float | None = None  # the replay of what follows `start_s`
        self._first_at = 0.0  # when the run began
        self._held: deque[Entry] = deque()
        self._given = self._upto = 0
        self._ended = False

    def read(self, after: int, wait: float, take: Take | None = None) -> Sequence[Entry]:
        deadline = self._clock() + wait
        if after != self._given:
            self._held.clear()
            self._given = self._upto = after
            self._ended = False
        if not self._held and not self._ended:
            self._hold(self._source.read(self._upto, wait))
        while self._held:
            if due := self._take_due():
                self._given = due[-1].seq
                return due
            pause = min(self._due(self._held[0]), deadline) - self._clock()
            if pause <= 0:
                break
            self._sleep(pause)
        return []

    def kept(self) -> Source | None:
        """From where the replay is now."""
        kept = self._source.kept()
        played = 0.0 if self._began is None else (self._clock() - self._began) * self._pace
        return kept and Replay(kept, self._pace, self._start_s + played, self._after, self._clock, self._sleep)

    def _hold(self, entries: Sequence[Entry]) -> None:
        if entries:
            self._held.extend(part for entry in entries for part in parts_of(entry) if part.seq > self._upto)
            self._upto = entries[-1].seq
            self._ended = isinstance(entries[-1].event, RunEnd)

    def _take_due(self) -> list[Entry]:
        due: list[Entry] = []
        soon = self._clock() + STEP_S
        while self._held and self._due(self._held[0]) < soon:
            due.append(self._held.popleft())
        return due

    def _due(self, entry: Entry) -> float:
        self._first_at = self._first_at or entry.at
        seconds = entry.at - self._first_at
        if entry.seq <= self._after:
            self._start_s = max(self._start_s, seconds)
        if seconds <= self._start_s:
            return -inf
        if self._began is None:
            self._began = self._clock()
        return self._began + (seconds - self._start_s) / self._pace
