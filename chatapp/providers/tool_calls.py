"""Puts tool calls together from the fragments in which providers stream them. Pure."""

from collections.abc import Iterator

import msgspec

from chatapp.errors import BadReply
from chatapp.events import ToolCall, ToolInputDelta
from chatapp.providers.wire import parse_arguments

UNREAD_CHARS = 200  # enough to see what is wrong with it


class _Partial(msgspec.Struct):
    id: str
    name: str
    pieces: list[str] = []


class ToolCalls:
    """The tool calls of one reply, in the order in which they began."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._calls: list[_Partial] = []
        self._by_key: dict[int | str, _Partial] = {}

    def take(self, index: int | None, id: str | None, name: str | None, text: str) -> Iterator[ToolInputDelta]:
        """A fragment: whatever its protocol says of index, id and name, and the next piece of the arguments."""
        call = self._find(index, id, name)
        if text:
            call.pieces.append(text)
            yield ToolInputDelta(call.id, call.name, text)

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

    def _find(self, index: int | None, id: str | None, name: str | None) -> _Partial:
        """By index, else by id, else the last one. Another id *and* a name begin another call, even under the same
        index (Gemini's). A name that comes again is the same name, not its continuation."""
        key = index if index is not None else id or None
        if key is None and not name and self._calls:
            return self._calls[-1]
        call = self._by_key.get(key) if key is not None else None
        if call is None or (id and name and id != call.id):
            call = _Partial(id or f"call_{len(self._calls)}", name or "")
            self._calls.append(call)
        if key is not None:
            self._by_key[key] = call
        call.name = call.name or name or ""
        return call
