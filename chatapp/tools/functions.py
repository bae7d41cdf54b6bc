"""`@tool`: a typed Python function as a tool. Its signature makes the schema, its docstring the description.

    @tool
    def current_time(timezone: str = "UTC") -> dict[str, str]:
        '''The current date and time in a time zone.

        Args:
            timezone: a name such as Europe/Paris
        '''

Such a function runs in a greenlet: what it waits for may be stopped and is limited in time, but one that only
computes holds up the whole process until it returns, so it must bound its own work.
"""

import inspect
import re
from collections.abc import Callable
from typing import Any, Literal, get_type_hints, overload

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.tools import Arguments, ToolFailed


class FunctionTool:
    """A function as a tool; called directly it is still the function."""

    type: Literal["function", "mcp"] = "function"

    def __init__(self, function: Callable[..., object], ask: bool) -> None:
        self._function = function
        self._arguments = _struct_of(function)
        description, meanings = _read_docstring(inspect.getdoc(function) or "")
        self.ask = ask
        self.spec = ToolSpec(function.__name__, description, _schema(self._arguments, meanings))

    def __call__(self, *args: Any, **kwargs: Any) -> object:
        return self._function(*args, **kwargs)

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        try:
            typed = msgspec.convert(arguments, self._arguments)
        except msgspec.ValidationError as error:
            raise ToolFailed(f"The arguments are not valid: {error}") from None
        return scope.run(self._function, **{name: getattr(typed, name) for name in typed.__struct_fields__})


@overload
def tool(function: Callable[..., object]) -> FunctionTool: ...


@overload
def tool(*, ask: bool = False) -> Callable[[Callable[..., object]], FunctionTool]: ...


def tool(function: Callable[..., object] | None = None, *, ask: bool = False) -> Any:
    """Make a function a tool. `ask`: each call waits until its owner has approved it.

    Raises TypeError for a signature that no schema can be made of.
    """
    if function is None:
        return lambda function: FunctionTool(function, ask)
    return FunctionTool(function, ask)


def _struct_of(function: Callable[..., object]) -> type[msgspec.Struct]:
    hints = get_type_hints(function, include_extras=True)
    fields: list[Any] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in hints or parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{function.__name__}: the parameter {name} needs a type and a name of its own")
        required = parameter.default is parameter.empty
        fields.append((name, hints[name]) if required else (name, hints[name], parameter.default))
    return msgspec.defstruct(function.__name__, fields, kw_only=True, forbid_unknown_fields=True)


def _schema(struct: type[msgspec.Struct], meanings: dict[str, str]) -> dict[str, object]:
    """The schema of an object, not a reference to one: several providers take nothing else."""
    (_,), components = msgspec.json.schema_components([struct])
    schema: dict[str, Any] = components.pop(struct.__name__)
    del schema["title"]
    for name, meaning in meanings.items():
        if name in schema["properties"]:
            schema["properties"][name].setdefault("description", meaning)
    return {**schema, "$defs": components} if components else schema


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """What stands before the first section, and the lines of `Args:`."""
    description, _, rest = text.partition("\nArgs:\n")
    arguments = re.split(r"\n(?=\S)", rest)[0]
    meanings = re.findall(r"^ +(\w+)(?: \([^)]*\))?: (.+(?:\n {5,}.+)*)", arguments, re.MULTILINE)
    return _joined(re.split(r"\n(?=\w+:\n)", description)[0]), {name: _joined(meaning) for name, meaning in meanings}


def _joined(text: str) -> str:
    return " ".join(text.split())
