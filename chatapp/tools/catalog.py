"""All tools (built in, a developer's own, those of MCP servers) and the choice of a run's tools.

A tool of an MCP server is offered under its own name if no other tool has it, and otherwise as
`server__name`. A request may always use the long name. Names that become equal are numbered. While
a server has not told its tools, no other server's tool goes by a short name: it might be the one
that is not known yet. Patterns for approval match all names of a tool, as asking too often does no
harm.
"""

import importlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from types import ModuleType
from typing import Any, Literal

import gevent
import msgspec

from chatapp.cancel import CancelScope
from chatapp.errors import ConfigError, InvalidField
from chatapp.settings import Settings
from chatapp.tools import Approvals, Arguments, AsksOwner, CallOwner, Tool, ToolSource, UserInputs
from chatapp.tools.builtin.tools import TOOLS
from chatapp.tools.functions import FunctionTool
from chatapp.tools.toolbox import Limits, Toolbox

NAME_CHARS = 64  # every provider accepts a name this long, of letters, digits, `_` and `-`
_odd = re.compile(r"[^a-zA-Z0-9_-]+")


class NamedTool:
    """A tool under the name that the model is offered. `server` is its MCP server, or empty.
    `asking` are the patterns for approval."""

    def __init__(self, tool: Tool, name: str, long_name: str, server: str, asking: Sequence[str]) -> None:
        self._tool = tool
        self.spec = msgspec.structs.replace(tool.spec, name=name)
        self.long_name = long_name
        self.server = server
        own = tool.spec.name
        self.ask = tool.ask or _match({name, long_name, own, _name(own), f"{server}__{own}"}, asking)

    @property
    def type(self) -> Literal["function", "mcp"]:
        return self._tool.type

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        return self._tool.call(arguments, scope)

    def call_for(self, owner: CallOwner, arguments: Arguments, scope: CancelScope) -> object:
        if isinstance(self._tool, AsksOwner):
            return self._tool.call_for(owner, arguments, scope)
        return self._tool.call(arguments, scope)


class ToolCatalog:
    """All tools of this process. `servers` are the MCP servers by name, which start when needed.

    `around` puts something around each tool of a run, which sees each call. `functions` are tools
    beside those of `tool_modules`, whose modules are imported when it is built. Raises ConfigError.
    """

    def __init__(
        self,
        settings: Settings,
        servers: Mapping[str, ToolSource],
        approvals: Approvals,
        inputs: UserInputs | None = None,
        around: Callable[[Tool], Tool] | None = None,
        functions: Sequence[FunctionTool] = (),
    ) -> None:
        importlib.import_module("chatapp.tools.schemas")  # see `validation`
        self._around = around
        self.approvals = approvals
        self._inputs = inputs
        self._functions = offered_functions(settings.tool_modules, functions)
        self._servers = servers
        self._ask = settings.ask_tools
        self._default = settings.default_tools
        self._limits = limits(settings)

    def all(self) -> list[NamedTool]:
        """All tools. Waits for starting servers, for a bounded time; leaves out those that fail."""
        *_, everything = self._as_servers_answer(self._servers)
        return everything

    def problems(self) -> dict[str, str]:
        """The MCP servers that failed to list their tools, with the reason."""
        return {name: problem for name, source in self._servers.items() if (problem := source.problem())}

    def is_default(self, tool: NamedTool, agent: bool = False) -> bool:
        """Whether a model, or an agent, is offered it when a request names no tools."""
        if agent and not self._default:
            return not tool.server and tool.spec.name in {each.spec.name for each in TOOLS}
        return _match({tool.spec.name, tool.long_name}, self._default)

    def choose(self, names: Sequence[str] | None, agent: bool = False) -> list[NamedTool]:
        """The tools with these names. Raises InvalidField for an unknown name.

        None: the default tools. If no default is configured, an agent gets the built-in ones.
        """
        if names is None and self._default:
            return [tool for tool in self.all() if self.is_default(tool)]
        if names is None:
            names = [tool.spec.name for tool in TOOLS] if agent else []
        by_name = self._find(names) if names else {}
        for name in names:
            if name not in by_name:
                available = ", ".join({tool.spec.name: None for tool in by_name.values()})
                silent = ", ".join(server for server in self._servers if not self._servers[server].is_listed())
                why = f" (only long names, as these servers do not answer: {silent})" if silent else ""
                raise InvalidField(f"tools: unknown tool {name!r}; available{why}: {available}")
        return list({by_name[name].spec.name: by_name[name] for name in names}.values())

    def toolbox(self, run_id: str, chosen: Sequence[NamedTool], owner: str = "") -> Toolbox:
        around = self._around
        tools = {tool.spec.name: around(tool) if around else tool for tool in chosen}
        return Toolbox(run_id, tools, self._limits, self.approvals, self._inputs, owner)

    def close(self) -> None:
        for server in self._servers.values():
            server.close()

    def _find(self, names: Sequence[str]) -> dict[str, NamedTool]:
        """Tools by their short and long names, including these names as far as they exist.

        Asks no server, and waits for none, unless a name may need it: a server that hangs must not
        delay a request for another server's tool.
        """
        by_name: dict[str, NamedTool] = {}
        for servers in (self._likely(names), self._servers):
            for known in self._as_servers_answer(servers):
                by_name = {tool.long_name: tool for tool in known} | {tool.spec.name: tool for tool in known}
                if by_name.keys() >= set(names):
                    return by_name
        return by_name

    def _likely(self, names: Sequence[str]) -> Collection[str]:
        """The servers that may have these names.

        A long name starts with its server's. Any server may have a short name, unless it is a
        function's.
        """
        functions = {tool.spec.name for tool in self._functions}
        named = [
            [server for server in self._servers if name.startswith(_name(f"{server}__"))]
            for name in names
            if name not in functions
        ]
        return set().union(*named) if all(named) else self._servers.keys()

    def _as_servers_answer(self, servers: Collection[str]) -> Iterator[list[NamedTool]]:
        """Yields a growing list: functions first, then again after each server's answer."""
        listed: list[tuple[str, Tool]] = [("", tool) for tool in self._functions]
        yield self._offered(listed)
        asked = {name: gevent.spawn(self._servers[name].tools) for name in self._servers if name in servers}
        for _ in gevent.iwait(list(asked.values())):
            answered = {name: greenlet.value or () for name, greenlet in asked.items() if greenlet.ready()}
            yield self._offered([*listed, *((name, tool) for name, tools in answered.items() for tool in tools)])

    def _offered(self, listed: Iterable[tuple[str, Tool]]) -> list[NamedTool]:
        listed, all_listed = list(listed), all(server.is_listed() for server in self._servers.values())
        count = Counter(_name(tool.spec.name) for _, tool in listed)
        taken = set(count)
        offered = []
        for server, tool in listed:
            name = _name(tool.spec.name)
            long_name = _free(_name(f"{server}__{tool.spec.name}"), taken) if server else name
            is_certain = not server or (all_listed and count[name] == 1)
            offered.append(NamedTool(tool, name if is_certain else long_name, long_name, server, self._ask))
        return offered


def limits(settings: Settings) -> Limits:
    """The limits for the tools of a run."""
    return Limits(
        calls=settings.max_tool_calls,
        seconds=settings.tool_timeout_s,
        result_bytes=settings.max_tool_result_bytes,
        approval_s=settings.approval_timeout_s,
    )


def _name(name: str) -> str:
    return _odd.sub("_", name)[:NAME_CHARS]


def _free(name: str, taken: set[str]) -> str:
    """The name, with a number if it is taken: different names may become equal.

    Adds it to `taken`.
    """
    found, number = name, 1
    while found in taken:
        number += 1
        end = f"_{number}"
        found = name[: NAME_CHARS - len(end)] + end
    taken.add(found)
    return found


def _match(names: Collection[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def offered_functions(modules: Sequence[str], given: Sequence[FunctionTool] = ()) -> list[FunctionTool]:
    """The built-in tools, all in these modules and those that are given. Raises ConfigError."""
    found = [*TOOLS, *given, *(tool for name in modules for tool in _tools_in(_import(name)))]
    count = Counter(tool.spec.name for tool in found)
    if twice := [name for name, number in count.items() if number > 1]:
        raise ConfigError(f"tool_modules: several tools are named {twice[0]!r}; rename all but one")
    return found


def _tools_in(module: ModuleType) -> list[FunctionTool]:
    values: Iterable[Any] = vars(module).values()
    return [value for value in values if isinstance(value, FunctionTool)]


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (ImportError, SyntaxError, TypeError) as error:  # TypeError: by `@tool`
        raise ConfigError(f"tool_modules: cannot import {name}: {type(error).__name__}: {error}") from None
