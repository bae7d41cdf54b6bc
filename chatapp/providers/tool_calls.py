"""Assembles tool calls from what providers stream of them. Pure.

Calls for chatapp, or for its client, come in fragments or whole; calls that the provider makes
itself come with their results. Servers tell one call twice, give several calls one id or one index,
or leave the id out: here every call gets an id of its own, and its arguments are its own.
"""

import re
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from chatapp.errors import BadReply
from chatapp.events import ToolCall, ToolInputDelta, ToolResult
from chatapp.ids import new_call_id
from chatapp.wire.json_text import json_data, parse_arguments, parse_value

UNREAD_CHARS = 200  # enough to see what is wrong with it
MAX_SPLITS = 100  # of calls whose arguments follow each other in one text; each costs a copy of the rest
NAMELESS, REPEATED = "call without a name", "call that was told twice"

Note: TypeAlias = Callable[[str], object]

_brackets = re.compile(r'[{}\[\]"\\]')


class _Scan:
    """Follows a JSON object through its pieces, each character once. `complete`: it has ended."""

    def __init__(self) -> None:
        self.depth = 0
        self.complete = False
        self._quoted = False
        self._escaped = 0  # the next character is escaped

    def feed(self, text: str) -> int:
        """Where in the text the object ends; the text's length if it goes on."""
        at = 0
        if self._escaped and text:
            at, self._escaped = 1, 0
        while found := _brackets.search(text, at):
            at = found.end()
            match found[0]:
                case "\\" if self._quoted:
                    at += 1
                    self._escaped = int(at > len(text))
                case '"':
                    self._quoted = not self._quoted
                case "{" | "[" if not self._quoted:
                    self.depth += 1
                case "}" | "]" if not self._quoted:
                    self.depth -= 1
                    if self.depth <= 0:
                        self.complete = True
                        return at
        return len(text)


class _Partial:
    """An unfinished call. `given` is the id that the provider gave it.

    Nothing of it is shown before its name: a client knows by the name whether the call is its own.
    Nor is it while it may be `twin` told again, nor while its arguments are an empty object, which
    some servers send first and then replace.
    """

    def __init__(self, id: str, given: str | None, name: str, twin: "_Partial | None" = None) -> None:
        self.id, self.given, self.name, self.twin = id, given, name, twin
        self.pieces: list[str] = []
        self.is_repeated = False
        self._scan = _Scan()
        self._told = 0

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def is_complete(self) -> bool:
        return self._scan.complete

    @property
    def is_placeholder(self) -> bool:
        return self._told == 0 and len(self.pieces) <= 3 and self.text.strip() == "{}"

    def is_continued_by(self, text: str, *, whole: bool = False) -> bool:
        """Whether the text can only belong to this call: as its rest, or as its `whole`."""
        if whole:
            return bool(self.pieces) and not self.is_complete and text.startswith(self.text)
        return self._scan.depth > 0 and bool(text.strip()) and not text.lstrip().startswith("{")

    def add(self, text: str, *, splits: bool) -> tuple[list[str], str]:
        """The pieces that can be shown now, and the object behind the end of this one's."""
        end = self._scan.feed(text)
        rest = text[end:] if splits and text[end:].lstrip().startswith("{") else ""
        self.pieces.append(text[: len(text) - len(rest)])
        if self._scan.complete and self.twin is not None:
            self.is_repeated = self.repeats(self.twin)
            self.twin = None
        return self.untold(), rest

    def untold(self, *, at_end: bool = False) -> list[str]:
        held = not self.name or self.is_repeated or (self.twin is not None or self.is_placeholder) and not at_end
        if held:
            return []
        pieces, self._told = self.pieces[self._told :], len(self.pieces)
        return pieces

    def deltas(self, pieces: list[str]) -> Iterator[ToolInputDelta]:
        return (ToolInputDelta(self.id, self.name, piece) for piece in pieces)

    def repeats(self, other: "_Partial") -> bool:
        return self.name in ("", other.name) and _same_json(self.text, other.text)

    def start_again(self) -> None:
        self.pieces.clear()
        self._scan = _Scan()


class ToolCallAssembler:
    """The tool calls of one reply, in the order in which they began. Falsy while there are none.

    `note` is told of calls that are left out.
    """

    def __init__(self, who: str, note: Note = lambda kind: None) -> None:
        self._who = who
        self._note = note
        self._splits = 0
        self._calls: list[_Partial] = []
        self._by_key: dict[int | str, _Partial] = {}
        self._by_id: dict[str, _Partial] = {}  # the first call of each id

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
        if call.is_complete and isinstance(key, str) and text and not _same_json(came, text):
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

    def _write(self, call: _Partial, key: int | str | None, text: str, *, told_again: bool) -> Iterator[ToolInputDelta]:
        while text:
            splits = self._splits < MAX_SPLITS
            if splits and call.is_complete and text.lstrip().startswith("{"):
                self._splits += 1
                call = self._follow(call, key, told_again)
            pieces, text = call.add(text, splits=splits)
            yield from call.deltas(pieces)
        yield from call.deltas(call.untold())

    def _find(self, key: int | str | None, id: str | None, name: str, text: str, *, whole: bool = False) -> _Partial:
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

    def _begin(self, id: str | None, name: str, twin: _Partial | None) -> _Partial:
        call = _Partial(id if id and twin is None else new_call_id(), id, name, twin)
        self._calls.append(call)
        if id:
            self._by_id.setdefault(id, call)
        return call

    def _follow(self, call: _Partial, key: int | str | None, told_again: bool) -> _Partial:
        """The call that a second object belongs to, after the first one's end."""
        if call.is_placeholder and not told_again:
            call.start_again()
            return call
        next_call = _Partial(new_call_id(), call.given, call.name, call)
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


def read_arguments(text: str, who: str) -> tuple[dict[str, object], str]:
    """The arguments, or, if they are no JSON object, an empty one and the text's beginning.

    Some servers write the object's JSON into a string.
    """
    try:
        if text.lstrip().startswith('"') and isinstance(inner := parse_value(text, who), str):
            text = inner
        return parse_arguments(text, who), ""
    except BadReply:
        return {}, text[:UNREAD_CHARS]


def _same_json(one: str, other: str) -> bool:
    read = read_arguments(one, "")
    return one == other or not read[1] and read == read_arguments(other, "")
