"""Puts tool calls together from what providers stream of them: fragments of those that chatapp makes, and call and
result of those that the provider makes itself. Pure."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from chatapp.errors import BadReply
from chatapp.events import ToolCall, ToolInputDelta, ToolResult
from chatapp.wire.json_text import parse_arguments

UNREAD_CHARS = 200  # enough to see what is wrong with it


class _Partial(msgspec.Struct):
    """A call under way. Until its name came nothing of it is told: a client knows by the name whose call it is."""

    id: str
    name: str
    pieces: list[str] = []
    told: int = 0

    def add(self, text: str) -> Iterator[ToolInputDelta]:
        if text:
            self.pieces.append(text)
        if self.name:
            pieces, self.told = self.pieces[self.told :], len(self.pieces)
            yield from (ToolInputDelta(self.id, self.name, piece) for piece in pieces)


class ToolCalls:
    """The tool calls of one reply, in the order in which they began."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._calls: list[_Partial] = []
        self._by_key: dict[int | str, _Partial] = {}

    def take(self, index: int | str | None, id: str | None, name: str | None, text: str) -> Iterator[ToolInputDelta]:
        """A fragment: whatever its protocol says of index, id and name, and the next piece of the arguments."""
        return self._find(index, id, name).add(text)

    def take_whole(
        self, index: int | str | None, id: str | None, name: str | None, text: str
    ) -> Iterator[ToolInputDelta]:
        """The arguments as a whole, from a protocol that repeats them so: they count where no fragment came."""
        call = self._find(index, id, name)
        return call.add("" if call.pieces else text)

    def end(self, cut_off: bool) -> Iterator[ToolCall]:
        """The whole calls. Of a reply that was `cut_off` by a limit the incomplete one is left out.

        Arguments that are no JSON object are the model's mistake, not the protocol's: it is told what it wrote.
        """
        for call in self._calls:
            text = "".join(call.pieces)
            try:
                yield ToolCall(call.id, "function", call.name, parse_arguments(text, self._who))
            except BadReply:
                if not cut_off:
                    yield ToolCall(call.id, "function", call.name, {}, unread=text[:UNREAD_CHARS])

    def __bool__(self) -> bool:
        return bool(self._calls)

    def _find(self, index: int | str | None, id: str | None, name: str | None) -> _Partial:
        """By index, else by id, else the last one. Another id *and* a name begin another call, even under the same
        index (Gemini's). A name that comes again is the same name, not its continuation; one that comes late may bring
        the id with it."""
        key = index if index is not None else id or None
        if key is None and not name and self._calls:
            return self._calls[-1]
        call = self._by_key.get(key) if key is not None else None
        if call is None or (id and name and call.name and id != call.id):
            call = _Partial(id or f"call_{len(self._calls)}", name or "")
            self._calls.append(call)
        if key is not None:
            self._by_key[key] = call
        if name and not call.name:
            call.id, call.name = id or call.id, name
        return call


class ServedCalls:
    """The calls that the provider makes and answers itself, such as its web search.

    Shown as call and result together, once the result is there: a call that stands alone in a log is one that
    chatapp has to make. One without a result is not shown.
    """

    def __init__(self, who: str) -> None:
        self._who = who
        self._open: dict[str, tuple[Literal["function", "mcp"], str, str]] = {}

    def call(self, id: str, name: str, text: str, type: Literal["function", "mcp"] = "function") -> None:
        """`text` is the JSON of the arguments."""
        self._open[id] = type, name, text

    def result(self, id: str, result: object, error: str | None = None) -> Iterator[ToolCall | ToolResult]:
        if id in self._open:
            type, name, text = self._open.pop(id)
            yield ToolCall(id, type, name, parse_arguments(text, self._who))
            yield ToolResult(id, None if error else result, error)
