"""An answer's events as the turns that a provider is told of later. Pure.

An answer is one message: its text, and the calls that its client has to run. But a reply that its
provider signed must go back as it was, so such a reply is a turn of its own, and so are the results
of its calls.
"""

from collections.abc import Iterable

from chatapp.chat import Message, Pieces, tool_message
from chatapp.events import Entry, NativePiece, ReasoningDelta, TextDelta, ToolCall, ToolResult


def turns_of(entries: Iterable[Entry]) -> list[Message]:
    turns = _Turns()
    for entry in entries:
        event = entry.event
        match event:
            case TextDelta():
                turns.text += event.text
            case ReasoningDelta():
                turns.reasoning += event.text
            case ToolCall():
                turns.calls[event.id] = event
            case ToolResult():
                turns.answer(event)
            case NativePiece():
                turns.add(event)
            case _:
                pass
    return turns.all()


class _Turns:
    """`calls` are those without a result, by id; `text` and `reasoning` are what belongs to no turn
    yet."""

    def __init__(self) -> None:
        self.text = self.reasoning = ""
        self.calls: dict[str, ToolCall] = {}
        self._done: list[Message] = []
        self._waiting: set[str] = set()  # calls of the turns that are done
        self._pieces = Pieces()

    def answer(self, result: ToolResult) -> None:
        if result.tool_call_id in self._waiting:
            self._waiting.discard(result.tool_call_id)
            self._done.append(tool_message(result.tool_call_id, result))
        self.calls.pop(result.tool_call_id, None)

    def add(self, piece: NativePiece) -> None:
        self._pieces.add(piece)
        if piece.whole:
            self._waiting |= self.calls.keys()
            self._close()

    def all(self) -> list[Message]:
        if self.text or self.calls or not self._done:
            self._close()
        return self._done

    def _close(self) -> None:
        calls, native = list(self.calls.values()), self._pieces.native
        reasoning = self.reasoning if native or calls else ""  # some want it back with their calls
        self._done.append(Message("assistant", self.text, tool_calls=calls, reasoning=reasoning, native=native))
        self.text = self.reasoning = ""
        self.calls, self._pieces = {}, Pieces()
