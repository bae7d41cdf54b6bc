"""The tools of a request: functions, tools that take free text, namespaces of both, the tool
search.

A provider gets one flat list of functions, whatever the client calls them; the dialect gives each
call back in the client's own words. Tools that OpenAI runs itself, such as `web_search`, are passed
on as they are to a provider that has them. The response object does not repeat them: whether they
are left out is known only later.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from chatapp.chat import HostedTool, ToolSpec
from chatapp.dialects.request_parts import choice_word, named_choice, refuse_none_allowed, tool_of
from chatapp.errors import InvalidField

NAME_CHARS = 64  # of a function, at most providers
PROTOCOL = "openai-responses"
HOSTED = re.compile(r"(web_search|file_search|code_interpreter|image_generation|mcp|x_search)(_\w+)?")
DEFAULT_NAMESPACE = "functions"  # of the tools that are in none
TOOL_SEARCH = "tool_search"
FREE_TEXT: dict[str, object] = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The whole input of the tool, as it is."}},
    "required": ["input"],
    "additionalProperties": False,
}

_not_in_names = re.compile(r"[^a-zA-Z0-9_-]")


class OfferedTool(msgspec.Struct, frozen=True, omit_defaults=True):
    """`tools` are those of a namespace; `format` says what a `custom` tool takes; a `tool_search`
    is run by the client if `execution` says so."""

    type: str = "function"
    name: str = ""
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None
    tools: "list[OfferedTool] | None" = None
    format: dict[str, object] | None = None
    execution: str | None = None


def hosted_tools(tools: Sequence[Mapping[str, object]]) -> list[HostedTool]:
    """Those that the provider runs, as they came."""
    types = [(str(tool.get("type")), tool) for tool in tools]
    return [HostedTool(PROTOCOL, type, dict(tool)) for type, tool in types if HOSTED.fullmatch(type)]


class ChosenTool(msgspec.Struct, frozen=True):
    """One tool that must be called, or, as `allowed_tools`, those that may be."""

    type: str
    name: str = ""
    namespace: str = ""
    mode: Literal["none", "auto", "required"] = "auto"
    tools: "list[ChosenTool] | None" = None


class ClientTool(msgspec.Struct, frozen=True):
    """A tool that the client runs: for the provider `spec`, for the client `name` in
    `namespace`."""

    spec: ToolSpec
    kind: Literal["function", "custom", "tool_search"]
    name: str
    namespace: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether client and provider use the same words for it."""
        return self.kind == "function" and not self.namespace


class ClientTools:
    """The client's tools, in the order of the request."""

    def __init__(self) -> None:
        self._tools: dict[str, ClientTool] = {}  # by the provider's name
        self._flat: dict[tuple[str, str], str] = {}  # the provider's name by the client's and its namespace

    def add(self, field: str, tools: Sequence[OfferedTool], again: bool = False, namespace: str = "") -> None:
        """Add what the client runs of these tools. `again`: they may be there already."""
        for index, tool in enumerate(tools):
            self._add(f"{field}[{index}]", tool, again, namespace)

    @property
    def specs(self) -> list[ToolSpec]:
        return [tool.spec for tool in self._tools.values()]

    def takes_free_text(self, name: str) -> bool:
        """Whether the tool with this name of the provider's does."""
        tool = self._tools.get(name)
        return tool is not None and tool.spec.custom is not None

    def named(self, name: str, namespace: str = "") -> str:
        """The provider's name of a tool, also of one that is not offered any more."""
        namespace = "" if namespace == DEFAULT_NAMESPACE else namespace
        return self._flat.get((name, namespace)) or flat_name(name, namespace)

    def repeated(self) -> list[dict[str, object]]:
        """The tools for the response object."""
        return [
            {
                "type": "function",
                "name": spec.name,
                "description": spec.description,
                "parameters": spec.parameters,
                "strict": spec.strict,
            }
            for spec in self.specs
        ]

    def unlike(self) -> dict[str, dict[str, str]]:
        """By the provider's name: the tools that the client calls otherwise."""
        return {
            flat: {"kind": tool.kind, "name": tool.name, "namespace": tool.namespace}
            for flat, tool in self._tools.items()
            if not tool.is_plain
        }

    def choice(self, choice: str | ChosenTool | None) -> tuple[str, list[ToolSpec]]:
        """The choice for the provider, and the tools that it may call."""
        if not isinstance(choice, ChosenTool):
            return choice_word(choice), self.specs
        if choice.type == "allowed_tools":
            field = "tool_choice.tools"
            allowed = {self._chosen(f"{field}[{index}]", tool) for index, tool in enumerate(choice.tools or ())}
            refuse_none_allowed(field, choice.mode, allowed)
            return choice.mode, [spec for spec in self.specs if spec.name in allowed]
        return self._chosen("tool_choice", choice), self.specs

    def _chosen(self, field: str, choice: ChosenTool) -> str:
        if choice.type not in ("function", "custom"):
            raise InvalidField(f"{field}: type {choice.type!r} is not supported; use function")
        return named_choice(field, self.named(choice.name, choice.namespace), self._tools)

    def _add(self, field: str, tool: OfferedTool, again: bool, namespace: str) -> None:
        match tool.type:
            case "namespace":
                below = "" if tool.name == DEFAULT_NAMESPACE else tool.name
                self.add(f"{field}.tools", tool.tools or (), again, below)
            case "function":
                flat = flat_name(tool.name, namespace)
                spec = tool_of(field, flat, tool.description, tool.parameters, tool.strict)
                self._keep(field, ClientTool(spec, "function", tool.name, namespace), again)
            case "custom":
                flat = flat_name(tool.name, namespace)
                spec = tool_of(field, flat, _described(tool), FREE_TEXT)
                spec = msgspec.structs.replace(spec, custom=tool.format or {"type": "text"})
                self._keep(field, ClientTool(spec, "custom", tool.name, namespace), again)
            case "tool_search" if tool.execution == "client":
                spec = tool_of(field, TOOL_SEARCH, tool.description, tool.parameters)
                self._keep(field, ClientTool(spec, "tool_search", TOOL_SEARCH), again)

    def _keep(self, field: str, tool: ClientTool, again: bool) -> None:
        known = self._tools.get(tool.spec.name)
        if known is None:
            self._tools[tool.spec.name] = tool
            self._flat.setdefault((tool.name, tool.namespace), tool.spec.name)
        elif not again:
            raise InvalidField(f"{field}: another tool is already named {tool.spec.name!r}")


def flat_name(name: str, namespace: str) -> str:
    """The two in one name that providers take; a long one ends with a digest instead of its end."""
    if not namespace:
        return name
    flat = _not_in_names.sub("_", f"{namespace.removesuffix('__')}__{name}")
    if len(flat) <= NAME_CHARS:
        return flat
    return f"{flat[: NAME_CHARS - 9]}_{hashlib.sha256(flat.encode()).hexdigest()[:8]}"


def _described(tool: OfferedTool) -> str:
    """For a provider that knows functions only: the grammar, too, is something to read."""
    grammar = (tool.format or {}).get("definition")
    parts = [tool.description or "", f"The input follows this grammar:\n{grammar}" if grammar else ""]
    return "\n\n".join(part for part in parts if part)
