"""What tests of several rooms share: a provider that follows a script, runs and answers."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

import gevent
from sqlalchemy import Engine
from waiting import BOUND_S

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import DatabaseUnavailable
from chatapp.events import Entry, FinishReason, RunEnd, RunStart, StreamEvent, TextDelta, Timing, Usage
from chatapp.logs import Appender, LogReader
from chatapp.providers import ReplyItem
from chatapp.storage.deleting import Deletion
from chatapp.tools import Decision
from chatapp.transcript import Transcript, transcript_of

END = RunEnd("stop", Usage(), Timing())

T = TypeVar("T")
Step = ReplyItem | Exception | Callable[[CancelScope], object]


class ScriptedProvider:
    """Answers each request with the next script.

    Of a script's steps it yields items, raises exceptions, and calls functions with the scope, in
    which they may wait. `asked` holds the requests; `closed` counts the replies that are over.
    """

    def __init__(self, *scripts: Iterable[Step], name: str = "scripted", models: Sequence[str] = ("m",)) -> None:
        self.name = name
        self.asked: list[Chat] = []
        self.closed = 0
        self._scripts = list(scripts)
        self._models = models

    def models(self) -> Sequence[str]:
        return self._models

    def stream(self, chat: Chat, scope: CancelScope) -> Iterator[ReplyItem]:
        self.asked.append(chat)
        try:
            for step in self._scripts.pop(0):
                if isinstance(step, Exception):
                    raise step
                if callable(step):
                    step(scope)
                else:
                    yield step
        finally:
            self.closed += 1


def hang(scope: CancelScope) -> None:
    """A step of a script: wait until the scope is cancelled."""
    scope.run(gevent.sleep, 1000)


class Answers:
    """Keeps answers in memory. It fails `failures` times; no run will finish those in `lost`."""

    def __init__(self) -> None:
        self.kept: dict[str, Transcript] = {}
        self.lost: list[str] = []
        self.failures = 0

    def finish(self, answer_id: str, transcript: Transcript) -> None:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("away")
        self.kept[answer_id] = transcript
        self.lost = [lost for lost in self.lost if lost != answer_id]

    def kept_end(self, answer_id: str) -> RunEnd | None:
        return self.kept[answer_id].end if answer_id in self.kept else None

    def unfinished(self, before: float) -> Sequence[str]:
        return self.lost


class NoApprovals:
    """Nobody decides on calls."""

    def decision(self, run_id: str, call_id: str) -> Decision | None:
        return None

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        return decision


def a_chat(said: str = "how are you") -> Chat:
    return Chat(model="m", messages=[Message("user", said)])


def a_start(run_id: str = "run") -> RunStart:
    return RunStart(run_id, "trace", "mock", "words", "disabled", 0.0)


def a_run(*said: StreamEvent | str, run_id: str = "run", reason: FinishReason = "stop") -> list[Entry]:
    """A run's whole log. A string is an answer's text."""
    events = [TextDelta(event) if isinstance(event, str) else event for event in said]
    return numbered([a_start(run_id), *events, RunEnd(reason, Usage(1, 2, 3), Timing(1, 2, 3))])


def an_answer(*said: StreamEvent | str, run_id: str = "run", reason: FinishReason = "stop") -> Transcript:
    """What is kept of such a run."""
    return transcript_of(a_run(*said, run_id=run_id, reason=reason))


def numbered(events: Iterable[StreamEvent]) -> list[Entry]:
    return [Entry(seq, event) for seq, event in enumerate(events, 1)]


def append(log: Appender, run_id: str, *events: StreamEvent | str) -> list[Entry]:
    """Append them all; return the entries that they become. A string is an answer's text."""
    told = [TextDelta(event) if isinstance(event, str) else event for event in events]
    return [Entry(log.append(run_id, event), event) for event in told]


def read_all(log: LogReader, run_id: str, after: int = 0) -> list[Entry]:
    """The entries with seq > `after`, to the end of the run."""
    entries: list[Entry] = []
    while not entries or not isinstance(entries[-1].event, RunEnd):
        part = log.read(run_id, entries[-1].seq if entries else after, BOUND_S)
        assert part, f"nothing came after {entries[-1:]}"
        entries += part
    return entries


def events_of(log: LogReader, run_id: str) -> list[StreamEvent]:
    """All events of the run, after a look at their order and at what may follow its end."""
    entries = read_all(log, run_id)
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert log.read(run_id, len(entries), wait=1) == []
    return [entry.event for entry in entries]


def delete_for_good(engine: Engine, owner: str, conversation_id: str | None) -> list[str]:
    """Delete a conversation as if its owner had not brought it back in time; return the runs that go
    on."""
    deletion = Deletion(engine)
    running = deletion.delete(owner, conversation_id or "")
    assert deletion.end(time.time() + 1) == 1
    return running
