"""Runs as the stores have them, of every owner, for the operator. No server is needed, and one may
run."""

from collections.abc import Iterator
from typing import Any

import msgspec

from chatapp.app import open_log
from chatapp.dialects import Dialect
from chatapp.events import Entry, RunEnd
from chatapp.logs import EventLog
from chatapp.reading.pace import Replay
from chatapp.reading.reader import Reader
from chatapp.reading.sources import KeptAnswer, LiveLog, Source, follow
from chatapp.settings import Settings
from chatapp.storage import Answer
from chatapp.storage.database import open_as_it_is
from chatapp.storage.every_owner import EveryOwner
from chatapp.transcript import Transcript

HEARTBEAT_S = 3600.0  # a replay needs none


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One line about a run. `state` is `running`, or how it ended."""

    id: str
    owner: str
    provider: str
    model: str | None
    state: str
    error: str | None
    created: float
    prompt_tokens: int | None
    completion_tokens: int | None
    first_token_ms: int | None
    total_ms: int | None
    conversation_id: str | None


class StoredRuns:
    """Opens the stores that the settings name; close it. Raises ConfigError, LogUnavailable."""

    def __init__(self, settings: Settings) -> None:
        self._engine = open_as_it_is(settings.database_url, settings.data)
        self._answers = EveryOwner(self._engine)
        self._settings = settings
        self._log: EventLog | None = None

    def close(self) -> None:
        if self._log is not None:
            self._log.close()
        self._engine.dispose()

    def newest(self, limit: int, owner: str | None = None, state: str | None = None) -> list[Run]:
        """The newest first."""
        found: list[Run] = []
        for answer in self._answers.answers(owner):
            run = summary(answer)
            if state in (None, run.state):
                found.append(run)
            if len(found) == limit:
                break
        return found

    def answer(self, run_id: str) -> Answer:
        """Raises NotFound."""
        return self._answers.answer(run_id)

    def entries(self, answer: Answer) -> list[Entry]:
        """What there is of it now; without the bytes of its files once it has ended."""
        return list(follow(self._source(answer))) if answer.running else answer.entries()

    def frames(self, answer: Answer, dialect: Dialect, pace: float | None) -> Iterator[bytes]:
        """The run in a dialect, as a client would get it."""
        return Reader(self._paced(answer, pace), dialect).follow(HEARTBEAT_S, "")

    def paced(self, answer: Answer, pace: float | None) -> Iterator[Entry]:
        """Its entries; with `pace` as they came, so many times as fast. One that goes on is
        followed to its end."""
        return follow(self._paced(answer, pace), live=True)

    def _paced(self, answer: Answer, pace: float | None) -> Source:
        source = self._source(answer)
        return source if pace is None else Replay(source, pace)

    def _source(self, answer: Answer) -> Source:
        """The log has the finer pieces; what was kept must do once it is gone."""
        if self._log is None:
            self._log = open_log(self._settings)
        if self._log.exists(answer.id):
            return LiveLog(self._log, answer.id, lambda: self._answers.entries(answer))
        return KeptAnswer(self._answers.entries(answer))


def summary(answer: Answer) -> Run:
    events = [] if answer.running else answer.entries()
    end = events[-1].event if events and isinstance(events[-1].event, RunEnd) else None
    return Run(
        id=answer.id,
        owner=answer.owner,
        provider=answer.provider,
        model=answer.model,
        state=end.reason if end else "running",
        error=end.error.code if end and end.error else None,
        created=answer.created,
        prompt_tokens=end.usage.prompt if end else None,
        completion_tokens=end.usage.completion if end else None,
        first_token_ms=end.timing.first_token_ms if end else None,
        total_ms=end.timing.total_ms if end else None,
        conversation_id=answer.conversation_id,
    )


def described(answer: Answer, transcript: Transcript) -> dict[str, Any]:
    """The run and what was said in it, as JSON types."""
    end = transcript.end
    return {
        **msgspec.to_builtins(summary(answer)),
        "trace_id": transcript.start and transcript.start.trace_id,
        "result_mode": answer.result_mode,
        "reasoning": transcript.reasoning,
        "content": transcript.content,
        "usage": end and msgspec.to_builtins(end.usage),
        "timing": end and msgspec.to_builtins(end.timing),
        "error": end and msgspec.to_builtins(end.error),
        "entries": len(transcript.entries),
    }


def entry_json(entry: Entry) -> dict[str, Any]:
    return {"seq": entry.seq, "at": entry.at, **msgspec.to_builtins(entry.event)}
