"""The `token` dialect: the answer's text, token by token, its sources and files. Thinking and tools
are not shown.

The text itself is the data, and SSE has only LF: CR and CRLF reach the client as one LF, even if
they were cut between two pieces. docs/dialects.md has all events.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar, assert_never

from chatapp.dialects import Dialect, error_data, failed
from chatapp.dialects.media import WordsForFiles, file_data, source_data
from chatapp.events import (
    AttemptReset,
    CitedSource,
    File,
    NativePiece,
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunQueued,
    RunStart,
    StreamEvent,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolQuestion,
    ToolResult,
)
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data


class TokenDialect(Dialect):
    """`meta`, then `token`s, then one `done` or `error`; `reset` if all before it is void."""

    name: ClassVar[str] = "token"
    has_event_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        self._start: RunStart | None = None
        self._words = WordsForFiles()
        self._held = ""  # a CR that ended a piece: the next one may begin with its LF

    def encode(self, event: StreamEvent) -> Iterable[Frame]:
        if isinstance(event, TextDelta):
            self._words.said |= bool(event.text)
            return self._token(event.text)
        return self._beside_text(event)

    def reset(self, reason: str) -> Iterator[Frame]:
        yield Frame(json_data({"reason": reason}), "reset")

    def _beside_text(self, event: StreamEvent) -> Iterator[Frame]:
        match event:
            case CitedSource():
                yield Frame(json_data(source_data(event)), "source")
            case File():
                self._words.file(self._run_id, event)
                yield Frame(json_data(file_data(self._run_id, event)), "file")
            case RunStart():
                self._start = event
                yield Frame(json_data(_meta(event)), "meta")
            case RunEnd():
                if not failed(event):
                    yield from self._token(self._words.at_end())
                yield from self._token_held()
                yield self._terminal(event)
            case AttemptReset():
                self._held, self._words = "", WordsForFiles()
                yield from self.reset(event.reason)
            case (
                TextDelta()
                | ReasoningDelta()
                | ToolInputDelta()
                | ToolCall()
                | ToolApproval()
                | ToolQuestion()
                | ToolProgress()
                | ToolResult()
                | PlanStep()
                | Raw()
                | NativePiece()
                | RunQueued()
            ):
                pass
            case _:
                assert_never(event)

    @property
    def _run_id(self) -> str:
        return self._start.run_id if self._start else ""

    def _token(self, text: str) -> Sequence[Frame]:
        text = self._held + text
        self._held = "\r" if text.endswith("\r") else ""
        return () if text == self._held else (Frame(text.removesuffix("\r"), "token"),)

    def _token_held(self) -> Iterator[Frame]:
        if self._held:
            yield Frame(self._held, "token")

    def _terminal(self, end: RunEnd) -> Frame:
        return Frame(error_data(end), "error") if failed(end) else Frame(json_data(self._done(end)), "done")

    def _done(self, end: RunEnd) -> dict[str, object]:
        start = self._start
        return {
            "finish_reason": end.reason,
            "provider": end.provider or (start and start.provider),
            "model": end.model or (start and start.model),
            "usage": end.usage,
            "latency_ms": end.timing.total_ms,
            "first_token_ms": end.timing.first_token_ms,
            "trace_id": start and start.trace_id,
        }


def _meta(start: RunStart) -> dict[str, object]:
    return {"trace_id": start.trace_id, "run_id": start.run_id, "provider": start.provider, "model": start.model}
