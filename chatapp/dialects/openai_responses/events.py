"""OpenAI's Responses: a run as `response.*` events, or, after all of its events, as the `response` object.

Items stand in the output in the order in which they began: thinking (`reasoning`, as a summary, which is what clients
show), text (`message`) and calls of the client's tools (`function_call`). Everything is named after the run's id, so
that the same events give the same bytes. Source: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, Dialect, arguments_text, failed
from chatapp.dialects.openai_responses.items import CallItem, Events, Item, TextItem, ThinkingItem
from chatapp.events import (
    AttemptReset,
    ErrorInfo,
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunStart,
    StreamEvent,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data

PREFIX, RUN_PREFIX = "resp_", "msg_"  # some clients know a response by its prefix
INCOMPLETE = {"length": "max_output_tokens", "tool_limit": "max_output_tokens", "content_filter": "content_filter"}
UNASKED: Mapping[str, object] = {}


class ResponsesDialect(Dialect):
    """`asked`: fields of the request that the response object repeats. `tools`: as for `OpenAIDialect`.

    `after` is the last `sequence_number` that the client has: frames up to it are muted. `last_only`: all are, but the
    last, which holds the whole response: for a run whose log is compacted, where older numbers mean nothing any more.
    """

    name: ClassVar[str] = "responses"
    has_event_ids: ClassVar[bool] = False

    def __init__(
        self,
        asked: Mapping[str, object] = UNASKED,
        tools: Collection[str] | None = None,
        after: int = -1,
        last_only: bool = False,
    ) -> None:
        self.response: dict[str, object] = {}
        self.sequence = 0  # of the next event
        self._asked = asked
        self._tools = tools
        self._after = after
        self._last_only = last_only
        self._items: list[Item] = []
        self._calls: dict[str, CallItem] = {}  # under way, by their id
        self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta():
                yield from self._say(TextItem, event.text)
            case ReasoningDelta():
                yield from self._say(ThinkingItem, event.text)
            case ToolInputDelta():
                yield from self._call(event.tool_call_id, event.name, event.text)
            case ToolCall():
                if event.id not in self._calls:
                    yield from self._call(event.id, event.name, arguments_text(event))
                yield from self._close(self._calls.pop(event.id, None))
            case RunStart():
                self.response = self._begun(event)
                for name in ("created", "in_progress"):
                    yield from self._event(name, {"response": self.response})
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._items:
                yield from self._fail(BEGUN_ANEW, Usage())
            case ToolApproval() | ToolResult() | AttemptReset() | PlanStep() | Raw():
                pass
            case _:
                assert_never(event)

    def whole(self) -> dict[str, object]:
        """The response object, as it is after the events so far."""
        return {**self.response, "output": [item.whole() for item in self._items]}

    def _begun(self, start: RunStart) -> dict[str, object]:
        return {
            "id": response_id(start.run_id),
            "object": "response",
            "created_at": int(start.created),
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": start.model,
            "output": [],
            "parallel_tool_calls": True,
            "previous_response_id": None,
            "temperature": None,
            "tool_choice": "auto",
            "tools": [],
            "top_p": None,
            "usage": None,
            **self._asked,
        }

    def _say(self, kind: type[TextItem | ThinkingItem], text: str) -> Iterator[Frame]:
        item = self._items[-1] if self._items else None
        if not isinstance(item, kind) or item.done:
            yield from self._close_text()
            item = kind(self._item_id(kind.prefix), len(self._items))
            yield from self._open(item)
        item.text += text
        yield from self._events(item.delta(text))

    def _call(self, id: str, name: str, text: str) -> Iterator[Frame]:
        if self._tools is not None and name not in self._tools:
            return
        if id not in self._calls:
            yield from self._close_text()
            self._calls[id] = CallItem(self._item_id(CallItem.prefix), len(self._items), id, name)
            yield from self._open(self._calls[id])
        self._calls[id].text += text
        yield from self._events(self._calls[id].delta(text))

    def _open(self, item: Item) -> Iterator[Frame]:
        self._items.append(item)
        yield from self._events(item.opened())

    def _close_text(self) -> Iterator[Frame]:
        """What is said in one go ends where something else begins; calls may be under way side by side."""
        last = self._items[-1] if self._items else None
        yield from self._close(None if isinstance(last, CallItem) else last)

    def _close(self, item: Item | None, status: str = "completed") -> Iterator[Frame]:
        if item is not None and not item.done:
            item.done, item.status = True, status
            yield from self._events(item.closed())

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        """A run that was stopped is `completed`, with the status `cancelled`: there is no event of that name."""
        for item in self._items:
            yield from self._close(item, "completed" if end.reason == "stop" else "incomplete")
        if failed(end) and end.error:
            yield from self._fail(end.error, end.usage)
        elif reason := INCOMPLETE.get(end.reason):
            yield from self._last("incomplete", end.usage, incomplete_details={"reason": reason})
        else:
            status = "cancelled" if end.reason == "cancelled" else "completed"
            yield from self._last("completed", end.usage, status=status)

    def _fail(self, error: ErrorInfo, usage: Usage) -> Iterator[Frame]:
        code = "rate_limit_exceeded" if error.code == "rate_limited" else "server_error"
        yield from self._last("failed", usage, error={"code": code, "message": error.message})

    def _last(self, name: str, usage: Usage, **fields: object) -> Iterator[Frame]:
        self._over = True
        self.response = {**self.whole(), "status": name, **fields, "usage": _usage(usage)}
        self.sequence = max(self.sequence, self._after + 1)
        self._last_only = False
        yield from self._event(name, {"response": self.response})

    def _events(self, events: Events) -> Iterator[Frame]:
        for name, fields in events:
            yield from self._event(name, fields)

    def _event(self, name: str, fields: Mapping[str, object]) -> Iterator[Frame]:
        sequence = self.sequence
        self.sequence += 1
        if sequence > self._after and not self._last_only:
            data = {"type": f"response.{name}", "sequence_number": sequence, **fields}
            yield Frame(json_data(data), f"response.{name}")

    def _item_id(self, prefix: str) -> str:
        return f"{prefix}_{str(self.response['id']).removeprefix(PREFIX)}_{len(self._items)}"


def response_id(run_id: str) -> str:
    return PREFIX + run_id.removeprefix(RUN_PREFIX)


def run_id_of(response_id: str) -> str:
    return RUN_PREFIX + response_id.removeprefix(PREFIX)


def _usage(usage: Usage) -> dict[str, object]:
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
    }
