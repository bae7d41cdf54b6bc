"""Assembles tool calls from what providers stream of them. Pure.

Calls for chatapp, or for its client, come in fragments; calls that the provider makes itself come
with their results.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from chatapp.errors import BadReply
from chatapp.events import ToolCall, ToolInputDelta, ToolResult
from chatapp.wire.json_text import parse_arguments

UNREAD_CHARS = 200  # enough to see what is wrong with it


class _Partial(msgspec.Struct):
    """An unfinished call.

    Nothing of it is shown before its name: a client knows by the name whether the call is its own.
    """

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


class ToolCallAssembler:
    """The tool calls of one reply, in the order in which they began. Falsy while there are none."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._calls: list[_Partial] = []
        self._by_key: dict[int | str, _Partial] = {}

    def take(self, index: int | str | None, id: str | None, name: str | None, text: str) -> Iterator[ToolInputDelta]:
        """Add a fragment: its index, id and name, if the protocol gives them, and its arguments."""
        return self._find(index, id, name).add(text)

    def take_whole(
        self, index: int | str | None, id: str | None, name: str | None, text: str
    ) -> Iterator[ToolInputDelta]:
        """Add the whole arguments, from a protocol that repeats them.

        They count if no fragment came before.
        """
        call = self._find(index, id, name)
        return call.add("" if call.pieces else text)

    def id_of(self, index: int | str | None, id: str | None) -> str:
        """The id of the call to which the fragment that was added last belongs."""
        return self._find(index, id, None).id

    def end(self, cut_off: bool) -> Iterator[ToolCall]:
        """The whole calls. If a limit `cut_off` the reply, the incomplete one is left out.

        Arguments that are not a JSON object are the model's mistake, not the protocol's: the call
        carries them as `unread`, and the model is told.
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
        """The call of this index, else of this id, else the last one.

        A new id together with a name begins another call, even under the same index (Gemini's). A
        repeated name is the same name, not its continuation; a late one may bring the id with it.
        """
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


class ProviderToolCalls:
    """Calls that the provider makes and answers itself, such as its web search.

    Call and result are shown together, once the result is there: a call alone in a log is one that
    chatapp has to make. A call without a result is not shown.
    """

    def __init__(self, who: str) -> None:
        self._who = who
        self._open: dict[str, tuple[Literal["function", "mcp"], str, str]] = {}

    def call(self, id: str, name: str, text: str, type: Literal["function", "mcp"] = "function") -> None:
        """Remember a call. `text` is the JSON of its arguments."""
        self._open[id] = type, name, text

    def result(self, id: str, result: object, error: str | None = None) -> Iterator[ToolCall | ToolResult]:
        """The call with its result; nothing if there was no such call."""
        if id in self._open:
            type, name, text = self._open.pop(id)
            yield ToolCall(id, type, name, parse_arguments(text, self._who))
            yield ToolResult(id, None if error else result, error)
