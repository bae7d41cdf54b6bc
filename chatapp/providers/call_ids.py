"""Ids of tool calls, made fit for a protocol that is strict about them. Pure.

A conversation holds ids of every provider that took part: `functions.calculate:0` of one, 90
characters of another, `call_0` in each reply of a third. A protocol with a rule gets ids that keep
to it and are unique in the request; a call and its result always have the same one. An id that
fits already stays as it is, and one that does not is replaced by the same one each time, so that
providers can cache the conversation.
"""

import hashlib
import re
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from chatapp.chat import Message
from chatapp.hub import with_pauses


@dataclass(frozen=True)
class IdRule:
    """Which ids a protocol takes: `pattern` matches all of one. `chars` is the length of those
    made here, of hexadecimal digits after `prefix`."""

    pattern: str
    chars: int
    prefix: str = "call_"

    def takes(self, id: str) -> bool:
        return re.fullmatch(self.pattern, id) is not None

    def made(self, id: str, number: int) -> str:
        """The id for a call that another one, which was used `number` times before, cannot name."""
        digest = hashlib.sha256(f"{number}:{id}".encode()).hexdigest()
        return self.prefix + digest[: self.chars - len(self.prefix)]


def with_fitting_ids(messages: Sequence[Message], rule: IdRule, kept: Iterable[str] = ()) -> list[Message]:
    """The messages with ids that keep to the rule. `kept` are ids that stay, whatever they are:
    their calls go back as their provider wrote them."""
    fitting = _Fitting(messages, rule, frozenset(kept))
    return [fitting.message(message) for message in with_pauses(messages)]


class _Fitting:
    def __init__(self, messages: Sequence[Message], rule: IdRule, kept: frozenset[str]) -> None:
        self._rule = rule
        self._kept = kept
        named = {call.id for message in messages for call in message.tool_calls}
        self._taken = {*kept, *(id for id in named if rule.takes(id))}
        self._used: set[str] = set()  # ids of calls so far
        self._open: dict[str, deque[str]] = {}  # the new ids of calls without a result, by the old one
        self._made: Counter[str] = Counter()  # how many new ids each old one has had

    def message(self, message: Message) -> Message:
        if message.tool_calls:
            for call in message.tool_calls:
                self._open.pop(call.id, None)  # an earlier turn's
            calls = [msgspec.structs.replace(call, id=self._call(call.id)) for call in message.tool_calls]
            return msgspec.structs.replace(message, tool_calls=calls)
        if message.tool_call_id is not None:
            return msgspec.structs.replace(message, tool_call_id=self._result(message.tool_call_id))
        return message

    def _call(self, id: str) -> str:
        new = id if id in self._kept or (self._rule.takes(id) and id not in self._used) else self._new(id)
        self._used.add(id)
        self._open.setdefault(id, deque()).append(new)
        return new

    def _result(self, id: str) -> str:
        """Results of calls that share an id come in the order of the calls."""
        waiting = self._open.get(id) or deque([id if self._rule.takes(id) else self._rule.made(id, 0)])
        return waiting.popleft() if len(waiting) > 1 else waiting[0]

    def _new(self, id: str) -> str:
        while (new := self._rule.made(id, self._made[id])) in self._taken:
            self._made[id] += 1
        self._taken.add(new)
        return new
