"""A run as blocks: text, thinking and tool calls that open, grow and close.

Many protocols send an answer this way, each with frames of its own. `Blocks` knows when a block
opens and when it ends; it knows no frames.
"""

from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias, assert_never

import msgspec

from chatapp.dialects import arguments_text, is_shown
from chatapp.events import CitedSource, ReasoningDelta, TextDelta, ToolCall, ToolInputDelta, ToolResult


class Block(msgspec.Struct, frozen=True):
    """`index` is its place in the order of opening, from 0. `id` and `name` are those of a call. A
    `sealed` block is for the provider alone: it opens and closes without growing.
    """

    index: int
    kind: Literal["text", "thinking", "call", "sealed"]
    id: str = ""
    name: str = ""


class Opened(msgspec.Struct, frozen=True):
    block: Block


class Grew(msgspec.Struct, frozen=True):
    """`text` may be empty, as the event's was. The text of a call is the JSON of its arguments."""

    block: Block
    text: str


class Closed(msgspec.Struct, frozen=True):
    block: Block


class Cited(msgspec.Struct, frozen=True):
    """The text cites a source."""

    block: Block
    source: CitedSource


Change: TypeAlias = Opened | Grew | Cited | Closed
BlockEvent: TypeAlias = TextDelta | ReasoningDelta | CitedSource | ToolInputDelta | ToolCall | ToolResult


class Blocks:
    """What each event does to the blocks. Every block is opened once, grows, and is closed once, if
    `close_all` is called at the end.

    A text or thinking ends when another block opens, so one is open at most. A call ends with its
    `ToolCall`, so calls may be open side by side, and beside a text.

    `tools` are the names of the tools that the client runs: calls of other tools are hidden, and
    neither open a block nor end one. None: all calls are shown. `serial`: at most one block is open
    at a time; the changes of a later one are held back until those before it are closed.
    """

    def __init__(self, tools: Collection[str] | None = None, serial: bool = False) -> None:
        self.unanswered: set[str] = set()  # the ids of the calls that have no result yet
        self._tools = tools
        self.count = 0  # of blocks opened so far
        self._text: Block | None = None  # the text or thinking that is open
        self._calls: dict[str, Block] = {}  # those that are open, by id
        self._serial = serial
        self._turn = 0  # serial: the index of the block whose changes are not held back
        self._held: dict[int, list[Change]] = {}  # serial: the changes of later blocks, by index

    @property
    def shown(self) -> bool:
        """Whether any block was opened."""
        return self.count > 0

    def take(self, event: BlockEvent) -> Sequence[Change]:
        """What the event changes, in the protocol's order."""
        match event:
            case TextDelta():
                return self._in_turn(self._say("text", event.text))
            case ReasoningDelta():
                return self._in_turn(self._say("thinking", event.text))
            case CitedSource():
                return self._in_turn(self._cite(event))
            case ToolInputDelta():
                return self._in_turn(self._write(event.tool_call_id, event.name, event.text))
            case ToolCall():
                return self._in_turn(self._finish(event))
            case ToolResult():
                self.unanswered.discard(event.tool_call_id)
                return ()
            case _:
                assert_never(event)

    @property
    def thinking(self) -> Block | None:
        """The thinking that is open."""
        return self._text if self._text is not None and self._text.kind == "thinking" else None

    def seal(self) -> Sequence[Change]:
        """Insert a sealed block, after the text or thinking that is open."""
        closed = self._close_text()
        block = self._next("sealed")
        return self._in_turn([*closed, Opened(block), Closed(block)])

    def take_place(self) -> int:
        """The index of something that comes here whole and is no block; it counts as shown."""
        return self._next("text").index

    def close_text(self) -> Sequence[Change]:
        """Close the text or thinking that is open: something that is no block comes next."""
        return self._in_turn(self._close_text())

    def close_all(self) -> Sequence[Change]:
        """Close what is open, in the order of opening: the run has ended."""
        left = [*self._calls.values(), *([self._text] if self._text else ())]
        self._calls, self._text = {}, None
        return self._in_turn([Closed(block) for block in sorted(left, key=lambda block: block.index)])

    def _say(self, kind: Literal["text", "thinking"], text: str) -> list[Change]:
        block = self._text
        if block is not None and block.kind == kind:
            return [Grew(block, text)]
        closed = self._close_text()
        block = self._text = self._next(kind)
        return [*closed, Opened(block), Grew(block, text)]

    def _cite(self, source: CitedSource) -> list[Change]:
        """In the text that is open; if it is closed already, in one that opens for it."""
        if (block := self._text) is not None and block.kind == "text":
            return [Cited(block, source)]
        closed = self._close_text()
        block = self._text = self._next("text")
        return [*closed, Opened(block), Cited(block, source)]

    def _write(self, id: str, name: str, text: str) -> list[Change]:
        if not is_shown(name, self._tools):
            return []
        if block := self._calls.get(id):
            return [Grew(block, text)]
        closed = self._close_text()
        block = self._calls[id] = self._next("call", id, name)
        self.unanswered.add(id)
        return [*closed, Opened(block), Grew(block, text)]

    def _finish(self, call: ToolCall) -> list[Change]:
        """A call that came without pieces grows by all of its arguments at once."""
        if call.by_provider and self._tools is not None:
            return []  # whatever its name, it is not the client's
        changes = [] if call.id in self._calls else self._write(call.id, call.name, arguments_text(call))
        if block := self._calls.pop(call.id, None):
            changes.append(Closed(block))
        return changes

    def _next(self, kind: Literal["text", "thinking", "call", "sealed"], id: str = "", name: str = "") -> Block:
        self.count += 1
        return Block(self.count - 1, kind, id, name)

    def _close_text(self) -> list[Change]:
        block, self._text = self._text, None
        return [Closed(block)] if block else []

    def _in_turn(self, changes: list[Change]) -> list[Change]:
        """Serial: those of the block whose turn it is, and of the next ones if it is closed."""
        if not self._serial:
            return changes
        passed: list[Change] = []
        for change in changes:
            if change.block.index != self._turn:
                self._held.setdefault(change.block.index, []).append(change)
                continue
            passed.append(change)
            while isinstance(passed[-1], Closed):
                self._turn += 1
                if self._turn not in self._held:
                    break
                passed += self._held.pop(self._turn)
        return passed
