"""`@tool` turns a typed Python function into a tool.

Its signature gives the schema, its docstring the descriptions:

    @tool
    def current_time(timezone: str = "UTC") -> dict[str, str]:
        '''The current date and time in a time zone.

        Args:
            timezone: a name such as Europe/Paris
        '''

The function runs in a greenlet. A wait in it can be stopped and has a time limit, but a pure
computation blocks the whole process until it returns, so it must bound its own work.
"""

import inspect
from collections.abc import Callable
from typing import Any, Literal, get_type_hints, overload

import docstring_parser
import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.tools import Arguments, ToolFailed


class FunctionTool:
    """A function as a tool. Calling the object itself still calls the function."""

    type: Literal["function", "mcp"] = "function"

    def __init__(self, function: Callable[..., object], ask: bool) -> None:
        self._function = function
        self._arguments = _struct_of(function)
        description, meanings = _read_docstring(inspect.getdoc(function) or "")
        self.ask = ask
        self.spec = ToolSpec(function.__name__, description, _schema(self._arguments, meanings))

    def __call__(self, *args: Any, **kwargs: Any) -> object:
        return self._function(*args, **kwargs)

    def around(self, wrap: Callable[[Callable[..., object]], Callable[..., object]]) -> "FunctionTool":
        """The same tool of a wrapped function, whose signature and docstring stay."""
        return FunctionTool(wrap(self._function), self.ask)

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
    """Make a function a tool. With `ask` each call waits for its owner's approval.

    Raises TypeError if a parameter has no type, no name of its own, or a type without a schema.
    """
    if function is None:
        return lambda function: FunctionTool(function, ask)
    return FunctionTool(function, ask)


def _struct_of(function: Callable[..., object]) -> type[msgspec.Struct]:
    hints = get_type_hints(function, include_extras=True)
    fields: list[Any] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if name not in hints or parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(
                f"{function.__name__}: parameter {name} needs a type, and must be one that can be passed by name"
            )
        required = parameter.default is parameter.empty
        fields.append((name, hints[name]) if required else (name, hints[name], parameter.default))
    return msgspec.defstruct(function.__name__, fields, kw_only=True, forbid_unknown_fields=True)


def _schema(struct: type[msgspec.Struct], meanings: dict[str, str]) -> dict[str, object]:
    """The schema itself rather than a reference to it: some providers accept nothing else.

    A description in the signature, `Annotated[…, Meta(description=…)]`, overrides the docstring's.
    """
    (_,), components = msgspec.json.schema_components([struct])
    schema: dict[str, Any] = components.pop(struct.__name__)
    del schema["title"]
    for name, meaning in meanings.items():
        if name in schema["properties"]:
            schema["properties"][name].setdefault("description", meaning)
    return {**schema, "$defs": components} if components else schema


def _read_docstring(text: str) -> tuple[str, dict[str, str]]:
    """The description, and the meaning of each parameter. Reads Google, NumPy and reST style.

    A docstring whose sections cannot be parsed is all description.
    """
    try:
        docstring = docstring_parser.parse(text)
    except (docstring_parser.ParseError, IndexError):  # IndexError: by a line such as `: :`
        return _joined(text), {}
    meanings = {
        name.strip(): _joined(parameter.description)
        for parameter in docstring.params
        if parameter.description
        for name in parameter.arg_name.split(",")  # NumPy style: `x, y : int`
    }
    return _joined(docstring.description or ""), meanings


def _joined(text: str) -> str:
    return " ".join(text.split())
