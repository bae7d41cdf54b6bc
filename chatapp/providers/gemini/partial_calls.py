"""A function call whose arguments Gemini streams in pieces (Vertex AI). Pure.

Each piece has a JSONPath to the argument it belongs to; strings come in several pieces.
Source: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling
"""

import re
from typing import Any

import msgspec

MAX_STEPS = 50  # of a path: more than any schema has, less than an encoder can follow

_step = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,9})\]|\[(?:'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)")\]""")


class PartialArg(msgspec.Struct):
    jsonPath: str = ""
    stringValue: str | None = None
    numberValue: float | None = None
    boolValue: bool | None = None
    willContinue: bool | None = None


class PartialCall:
    """`arguments` is whole once `end` was called."""

    def __init__(self, id: str | None, name: str) -> None:
        self.id = id
        self.name = name
        self.signature: str | None = None
        self.arguments: dict[str, object] = {}
        self._texts: dict[str, list[str]] = {}  # the strings, by path
        self._open: set[str] = set()  # the paths of those that go on

    def take(self, arg: PartialArg) -> bool:
        """Whether the piece has a place in the arguments."""
        if not (steps := _steps(arg.jsonPath)):
            return False
        if arg.stringValue is None and arg.jsonPath in self._open:
            placed = True  # only the end of a string
        elif arg.stringValue is not None and arg.jsonPath in self._open:
            self._texts[arg.jsonPath].append(arg.stringValue)
            placed = True
        else:
            self._texts.pop(arg.jsonPath, None)
            if arg.stringValue is not None:
                self._texts[arg.jsonPath] = [arg.stringValue]
            placed = _put(self.arguments, steps, _value(arg))
        (self._open.add if arg.willContinue else self._open.discard)(arg.jsonPath)
        return placed

    def end(self) -> None:
        for path, pieces in self._texts.items():
            _put(self.arguments, _steps(path), "".join(pieces))

    def part(self) -> bytes:
        """The call as a part that came whole."""
        call = {"name": self.name, "args": self.arguments, **({"id": self.id} if self.id else {})}
        signed = {"thoughtSignature": self.signature} if self.signature else {}
        return msgspec.json.encode({"functionCall": call, **signed})


def _value(arg: PartialArg) -> object:
    if arg.stringValue is not None:
        return arg.stringValue
    if arg.boolValue is not None:
        return arg.boolValue
    number = arg.numberValue
    return int(number) if number is not None and number.is_integer() and abs(number) < 2**53 else number


def _steps(path: str) -> list[str | int]:
    """The names and indexes in a path; none if it cannot be read."""
    steps: list[str | int] = []
    at = 1 if path.startswith("$") else 0
    path = path if at else f".{path}"
    while at < len(path):
        found = _step.match(path, at)
        if found is None or len(steps) == MAX_STEPS:
            return []
        name, index, single, double = found.groups()
        quoted = re.sub(r"\\(.)", r"\1", single or double or "")
        steps.append(name if name is not None else int(index) if index is not None else quoted)
        at = found.end()
    return steps


def _put(target: dict[str, object], steps: list[str | int], value: object) -> bool:
    """Put the value at its place, and make the objects and arrays on the way.

    False if there is no such place.
    """
    holder: Any = target
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(step, int):
            if not isinstance(holder, list) or step > len(holder):
                return False
            if step == len(holder):
                holder.append(None)
        elif not isinstance(holder, dict):
            return False
        if following is None:
            holder[step] = value
            return True
        inner = holder[step] if isinstance(step, int) else holder.get(step)
        if inner is None:
            inner = holder[step] = [] if isinstance(following, int) else {}
        holder = inner
    return False
