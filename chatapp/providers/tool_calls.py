"""Assembles tool calls from what providers stream of them. Pure.

Calls for chatapp, or for its client, come in fragments or whole; calls that the provider makes
itself come with their results. Servers tell one call twice, give several calls one id or one index,
or leave the id out: here every call gets an id of its own, and its arguments are its own.
"""

from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from chatapp.events import ToolCall, ToolInputDelta, ToolResult
from chatapp.ids import new_call_id
from chatapp.providers.call_fragments import MAX_SPLITS, UNREAD_CHARS, PartialCall, read_arguments, same_json
from chatapp.wire.json_text import json_data

__all__ = ["UNREAD_CHARS", "ProviderToolCalls", "ToolCallAssembler", "WholeCalls", "read_arguments"]

NAMELESS, REPEATED = "call without a name", "call that was told twice"

Note: TypeAlias = Callable[[str], object]


class ToolCallAssembler:
    """The tool calls of one reply, in the order in which they began. Falsy while there are none.

    `note` is told of calls that are left out.
    """

    def __init__(self, who: str, note: Note = lambda kind: None) -> None:
        self._who = who
        self._note = note
        self._splits = 0
        self._calls: list[PartialCall] = []
        self._by_key: dict[int | str, PartialCall] = {}
        self._by_id: dict[str, PartialCall] = {}  # the first call of each id

    def take(self, index: int | str | None, id: str | None, name: str | None, text: str) -> Iterator[ToolInputDelta]:
        """Add a fragment: its index, id and name, if the protocol gives them, and its arguments."""
        key, name = index if index is not None else id or None, (name or "").strip()
        yield from self._write(self._find(key, id, name, text), key, text, told_again=bool(id and name))

    def take_whole(
        self, index: int | str | None, id: str | None, name: str | None, text: str
    ) -> Iterator[ToolInputDelta]:
        """Add the whole arguments, from a protocol that repeats them.

        Only what no fragment brought counts. Other arguments under an id alone are another call's.
        """
        key, name = index if index is not None else id or None, (name or "").strip()
        call = self._find(key, id, name, text, whole=True)
        came = call.text
        if call.is_complete and isinstance(key, str) and text and not same_json(came, text):
            came = ""
        is_late = not came or not call.is_complete and text.startswith(came)
        yield from self._write(call, key, text[len(came) :] if is_late else "", told_again=True)

    def id_of(self, index: int | str | None, id: str | None) -> str:
        """The id of the call to which the fragment that was added last belongs."""
        key = index if index is not None else id or None
        call = self._by_key.get(key) if key is not None else self._calls[-1] if self._calls else None
        return call.id if call else id or ""

    def end(self, cut_off: bool) -> Iterator[ToolCall | ToolInputDelta]:
        """The whole calls. If a limit `cut_off` the reply, the incomplete one is left out.

        Arguments that are not a JSON object are the model's mistake, not the protocol's: the call
        carries them as `unread`, and the model is told.
        """
        for call in self._calls:
            if call.twin is not None and call.repeats(call.twin):
                call.is_repeated = True
            if call.is_repeated or not call.name:
                self._note(REPEATED if call.is_repeated else NAMELESS)
                continue
            arguments, unread = read_arguments(call.text, self._who)
            if unread and cut_off:
                continue
            yield from call.deltas(call.untold(at_end=True))
            yield ToolCall(call.id, "function", call.name, arguments, unread)

    def __bool__(self) -> bool:
        return any(call.name for call in self._calls)

    @property
    def renamed(self) -> bool:
        """Whether a call has another id than its provider gave it, because that was taken."""
        return any(call.given and call.id != call.given and not call.is_repeated for call in self._calls)

    def _write(
        self, call: PartialCall, key: int | str | None, text: str, *, told_again: bool
    ) -> Iterator[ToolInputDelta]:
        while text:
            splits = self._splits < MAX_SPLITS
            if splits and call.is_complete and text.lstrip().startswith("{"):
                self._splits += 1
                call = self._follow(call, key, told_again)
            pieces, text = call.add(text, splits=splits)
            yield from call.deltas(pieces)
        yield from call.deltas(call.untold())

    def _find(self, key: int | str | None, id: str | None, name: str, text: str, *, whole: bool = False) -> PartialCall:
        """The call of this key, else the last one if nothing names another.

        A new id together with a name begins another call, even under the same index (Gemini's),
        unless the fragment can only go on with the one before. A repeated name is the same name,
        not its continuation; a late one may bring the id with it.
        """
        last = self._calls[-1] if self._calls else None
        call = self._by_key.get(key) if key is not None else None
        if key is None and last and (not name or name == last.name and last.is_continued_by(text, whole=whole)):
            return last
        if call and id and name and call.name and id != call.given and not call.is_continued_by(text, whole=whole):
            call = None
        twin = self._by_id.get(id) if id else None
        if call is None and twin and not twin.is_complete and (not name or twin.is_continued_by(text, whole=whole)):
            call = twin  # the same call under another index
        if call is None:
            call = self._begin(id or None, name, twin)
        if key is not None:
            self._by_key[key] = call
        if name and not call.name:
            call.name = name
            if id and id not in self._by_id and call.given is None:
                call.id = call.given = id
                self._by_id[id] = call
        return call

    def _begin(self, id: str | None, name: str, twin: PartialCall | None) -> PartialCall:
        call = PartialCall(id if id and twin is None else new_call_id(), id, name, twin)
        self._calls.append(call)
        if id:
            self._by_id.setdefault(id, call)
        return call

    def _follow(self, call: PartialCall, key: int | str | None, told_again: bool) -> PartialCall:
        """The call that a second object belongs to, after the first one's end."""
        if call.is_placeholder and not told_again:
            call.start_again()
            return call
        next_call = PartialCall(new_call_id(), call.given, call.name, call)
        self._calls.append(next_call)
        if key is not None:
            self._by_key[key] = next_call
        return next_call


class WholeCalls:
    """The calls of a reply whose protocol tells each of them whole. Falsy while there are none."""

    def __init__(self, who: str, note: Note = lambda kind: None) -> None:
        self.renamed = False
        self._who = who
        self._note = note
        self._told: dict[str, tuple[str, str]] = {}  # name and arguments, by id
        self._any = False

    def take(self, id: str | None, name: str, text: str) -> Iterator[ToolCall]:
        """`text` is the JSON of the arguments: an object, or a string that holds one."""
        arguments, unread = read_arguments(text, self._who)
        if not name.strip():
            self._note(NAMELESS)
            return
        told = name, json_data([arguments, unread])
        if id and self._told.get(id) == told:
            self._note(REPEATED)
            return
        if not id or id in self._told:
            self.renamed = self.renamed or bool(id)
            id = new_call_id()
        self._told[id] = told
        self._any = True
        yield ToolCall(id, "function", name.strip(), arguments, unread)

    def __bool__(self) -> bool:
        return self._any


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
            arguments, unread = read_arguments(text, self._who)
            id = id or new_call_id()
            yield ToolCall(id, type, name, arguments, unread, by_provider=True)
            yield ToolResult(id, None if error else result, error)
