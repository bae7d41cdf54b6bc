"""OpenAI's Responses: a run as `response.*` events, or as one `response` object.

The output holds items in the order in which they began: thinking (`reasoning`, as the summary that
clients show), text (`message`) and calls of the client's tools (`function_call`). All ids are made
of the run's id, so that the same events give the same bytes. Every event and the object follow the
schemas of OpenResponses, and `[DONE]` ends the stream.
Source: https://platform.openai.com/docs/api-reference/responses-streaming,
https://www.openresponses.org/specification
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, assert_never

from chatapp.dialects import BEGUN_ANEW, Dialect, failed
from chatapp.dialects.blocks import Block, Blocks, Change, Cited, Closed, Grew, Opened
from chatapp.dialects.media import in_words, is_image
from chatapp.dialects.openai_responses.items import (
    Events,
    ImageItem,
    Item,
    SealedItem,
    TextItem,
    ThinkingItem,
    call_item,
)
from chatapp.dialects.openai_responses.resource import CLIENT_TOOLS, PREFIX, begun, completed_at, usage_data
from chatapp.events import (
    AttemptReset,
    CitedSource,
    ErrorInfo,
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
    Usage,
)
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data

PROTOCOL = "openai-responses"
INCOMPLETE = {"length": "max_output_tokens", "tool_limit": "max_output_tokens", "content_filter": "content_filter"}
UNASKED: Mapping[str, Any] = {}
ERROR_CODES = {
    "rate_limited": "rate_limit_exceeded",
    "context_length_exceeded": "context_length_exceeded",
    "upstream_refused_request": "invalid_prompt",
}
"""OpenAI's codes, by ours; all else is a `server_error`."""

DONE = Frame("[DONE]")


class ResponsesDialect(Dialect):
    """`asked` are the fields of the request that the response object repeats, and `client_tools`.
    `tools` are the names of the tools that the client runs: calls of others are not shown. None:
    all are.

    `after` is the last `sequence_number` that the client has: frames up to it are muted.
    `last_only` mutes all frames but the last, which holds the whole response. That is for a run
    whose log is compacted, because the numbers that the client knows mean nothing there.
    """

    name: ClassVar[str] = "responses"
    has_event_ids: ClassVar[bool] = False

    def __init__(
        self,
        asked: Mapping[str, Any] = UNASKED,
        tools: Collection[str] | None = None,
        after: int = -1,
        last_only: bool = False,
    ) -> None:
        self.response: dict[str, object] = {}
        self.sequence = 0  # of the next event
        self._asked = asked
        self._after = after
        self._last_only = last_only
        self._blocks = Blocks(tools)
        self._items: list[Item] = []  # one for each block, and for each picture
        self._start: RunStart | None = None
        self._chars = 0  # of text so far
        self._sealed = ""  # of the item that is inserted next
        self._over = False

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        if self._over:
            return
        match event:
            case TextDelta() | ReasoningDelta() | CitedSource() | ToolInputDelta() | ToolCall():
                yield from self._frames(self._blocks.take(event))
                self._chars += len(event.text) if isinstance(event, TextDelta) else 0
            case File() if is_image(event) and event.bytes:
                yield from self._frames(self._blocks.close_text())
                yield from self._picture(event)
            case File():
                yield from self._frames(
                    self._blocks.take(TextDelta(in_words(self._start.run_id if self._start else "", event)))
                )
            case NativePiece():
                for sealed in encrypted(event):
                    yield from self._seal(sealed)
            case RunStart():
                self._start = event
                self.response = begun(event, self._asked)
                for name in ("created", "in_progress"):
                    yield from self._event(name, {"response": self.response})
            case RunEnd():
                yield from self._end(event)
            case AttemptReset() if self._blocks.shown:
                yield from self._fail(BEGUN_ANEW, Usage())
            case ToolApproval() | ToolQuestion() | ToolProgress() | ToolResult() | AttemptReset() | PlanStep() | Raw():
                pass
            case RunQueued():
                pass
            case _:
                assert_never(event)

    def whole(self) -> dict[str, object]:
        """The response object after the events so far."""
        return {**self.response, "output": [item.whole() for item in self._items]}

    def _frames(self, changes: Iterable[Change], status: str = "completed") -> Iterator[Frame]:
        """`status` is that of the items that are closed."""
        for change in changes:
            match change:
                case Grew():
                    item = self._items[change.block.index]
                    item.add(change.text)
                    yield from self._events(item.delta(change.text))
                case Opened():
                    item = self._item(change.block)
                    self._items.append(item)
                    yield from self._events(item.opened())
                case Cited():
                    item = self._items[change.block.index]
                    assert isinstance(item, TextItem)
                    yield from self._events(item.cite(change.source))
                case Closed():
                    item = self._items[change.block.index]
                    item.done, item.status = True, status
                    yield from self._events(item.closed())
                case _:
                    assert_never(change)

    def _seal(self, sealed: str) -> Iterator[Frame]:
        """Seal the thinking that is open; if none is, an item of its own has the sealed one."""
        if thinking := self._blocks.thinking:
            self._items[thinking.index].encrypted_content = sealed
            yield from self._frames(self._blocks.close_text())
            return
        self._sealed = sealed
        yield from self._frames(self._blocks.seal())

    def _item(self, block: Block) -> Item:
        run = self._run_name
        match block.kind:
            case "text":
                return TextItem(run, block.index, self._chars)
            case "thinking":
                return ThinkingItem(run, block.index)
            case "call":
                return call_item(self._asked.get(CLIENT_TOOLS, {}), run, block.index, block.id, block.name)
            case "sealed":
                item = SealedItem(run, block.index)
                item.encrypted_content = self._sealed
                return item

    @property
    def _run_name(self) -> str:
        return str(self.response["id"]).removeprefix(PREFIX)

    def _picture(self, file: File) -> Iterator[Frame]:
        item = ImageItem(self._run_name, self._blocks.take_place(), file)
        self._items.append(item)
        yield from self._events(item.opened())
        item.done, item.status = True, "completed"
        yield from self._events(item.closed())

    def _end(self, end: RunEnd) -> Iterator[Frame]:
        """A cancelled run is `completed` with the status `cancelled`, which has no event."""
        status = "completed" if end.reason == "stop" else "incomplete"
        yield from self._frames(self._blocks.close_all(), status)
        if failed(end) and end.error:
            yield from self._fail(end.error, end.usage)
        elif reason := INCOMPLETE.get(end.reason):
            yield from self._last("incomplete", end.usage, incomplete_details={"reason": reason})
        else:
            status = "cancelled" if end.reason == "cancelled" else "completed"
            at = completed_at(self._start, end) if self._start and status == "completed" else None
            yield from self._last("completed", end.usage, status=status, completed_at=at)

    def _fail(self, error: ErrorInfo, usage: Usage) -> Iterator[Frame]:
        code = ERROR_CODES.get(error.code, "server_error")
        yield from self._last("failed", usage, error={"code": code, "message": error.message})

    def _last(self, name: str, usage: Usage, **fields: object) -> Iterator[Frame]:
        self._over = True
        self.response = {**self.whole(), "status": name, **fields, "usage": usage_data(usage)}
        self.sequence = max(self.sequence, self._after + 1)
        self._last_only = False
        yield from self._event(name, {"response": self.response})
        yield DONE

    def _events(self, events: Events) -> Iterator[Frame]:
        for name, fields in events:
            yield from self._event(name, fields)

    def _event(self, name: str, fields: Mapping[str, object]) -> Iterator[Frame]:
        sequence = self.sequence
        self.sequence += 1
        if sequence > self._after and not self._last_only:
            data = {"type": f"response.{name}", "sequence_number": sequence, **fields}
            yield Frame(json_data(data), f"response.{name}")


def encrypted(piece: NativePiece) -> Iterator[str]:
    """The encrypted thinking of the piece; nothing of another protocol."""
    for item in piece.content if piece.protocol == PROTOCOL else ():
        if isinstance(item, dict) and item.get("type") == "reasoning" and item.get("encrypted_content"):
            yield str(item["encrypted_content"])
