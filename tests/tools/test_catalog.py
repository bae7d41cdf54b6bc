"""All tools, and the choice of those that a run gets: by name, by pattern, by default."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import gevent
import pytest

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.errors import ConfigError, InvalidField
from chatapp.settings import Settings
from chatapp.tools import Arguments, Decision, Tool
from chatapp.tools.catalog import NamedTool, ToolCatalog


class NoApprovals:
    def decision(self, run_id: str, call_id: str) -> Decision | None:
        return None

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        return decision


class FarTool:
    type: Literal["function", "mcp"] = "mcp"
    ask = False

    def __init__(self, name: str) -> None:
        self.spec = ToolSpec(name, "", {"type": "object"})

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        return self.spec.name


class FarServer:
    def __init__(self, *names: str) -> None:
        self.asked = 0
        self._tools = [FarTool(name) for name in names]

    def tools(self) -> Sequence[Tool]:
        self.asked += 1
        return self._tools

    def problem(self) -> str:
        return "" if self._tools else "it is away"

    def is_listed(self) -> bool:
        return self.asked > 0 and bool(self._tools)

    def close(self) -> None:
        pass


class HungServer(FarServer):
    def tools(self) -> Sequence[Tool]:
        super().tools()
        gevent.sleep(1000)
        return []


def tools(servers: dict[str, FarServer] | None = None, **settings: tuple[str, ...]) -> ToolCatalog:
    return ToolCatalog(Settings(**settings), servers or {}, NoApprovals())  # type: ignore[arg-type]


def names(found: Sequence[NamedTool]) -> list[str]:
    return [tool.spec.name for tool in found]


def test_only_an_agent_gets_tools_unasked() -> None:
    assert tools().choose(None) == [] and tools().choose([]) == []
    assert names(tools().choose(None, agent=True)) == ["current_time", "calculate", "sample_stock_quote"]


def test_defaults_are_patterns_of_either_name() -> None:
    servers = {"web": FarServer("fetch", "search"), "disk": FarServer("search")}
    found = tools(servers, default_tools=("calc*", "web__*")).choose(None)
    assert names(found) == ["calculate", "fetch", "web__search"]
    assert names(tools(servers, default_tools=("*",)).choose(["calculate", "calculate"])) == ["calculate"]


def test_servers_are_not_asked_for_tools_that_are_here() -> None:
    server = FarServer("fetch")
    offered = tools({"web": server})
    offered.choose(["calculate"])
    assert server.asked == 0
    assert names(offered.choose(["calculate", "web__fetch"])) == ["calculate", "fetch"]
    assert server.asked == 1


def test_a_server_that_hangs_does_not_delay_another_servers_tool() -> None:
    hung, web = HungServer(), FarServer("fetch")
    with gevent.Timeout(5):
        found = tools({"hung": hung, "web": web}).choose(["calculate", "web__fetch"])
    assert names(found) == ["calculate", "web__fetch"] and hung.asked == 0


def test_a_short_name_never_means_whichever_server_answers() -> None:
    servers = {"web": FarServer("fetch"), "away": FarServer()}
    with pytest.raises(InvalidField, match="long names, as these servers do not answer: away.*: .*web__fetch"):
        tools(servers).choose(["fetch"])
    assert names(tools(servers, default_tools=("fetch",)).choose(None)) == []
    assert names(tools(servers, default_tools=("web__fetch",)).choose(None)) == ["web__fetch"]


def test_a_second_tool_of_the_same_name_does_not_keep_the_first_from_asking() -> None:
    servers = {"a": FarServer("wipe", "wi/pe"), "b": FarServer("wipe")}
    asking = {tool.spec.name for tool in tools(servers, ask_tools=("wipe",)).all() if tool.ask}
    assert asking == {"a__wipe", "b__wipe"}
    numbered = tools({"a": FarServer("w.p", "w_p")}, ask_tools=("a__w_p",))
    assert [tool.spec.name for tool in numbered.all() if tool.ask] == ["a__w_p", "a__w_p_2"]
    odd = tools({"a": FarServer("wi/pe")}, ask_tools=("wi/pe", "nothing"))
    assert [tool.spec.name for tool in odd.all() if tool.ask] == ["wi_pe"]


def test_a_tool_whose_name_starts_with_another_servers_is_found() -> None:
    servers = {"web": FarServer("fetch"), "hub": FarServer("web__search")}
    assert names(tools(servers).choose(["web__search"])) == ["web__search"]


def test_every_provider_accepts_the_names() -> None:
    [tool] = [tool for tool in tools({"my disk": FarServer("read/file.txt" + "x" * 80)}).all() if tool.server]
    assert tool.spec.name == ("read_file_txt" + "x" * 80)[:64]
    assert tool.long_name.startswith("my_disk__read_file_txt")
    assert tool.call({}, CancelScope()) == "read/file.txt" + "x" * 80


def test_tools_whose_names_become_equal_are_each_found() -> None:
    told = ("a.b", "a_b", "x" * 70 + "1", "x" * 70 + "2", "hub__a_b")
    offered = tools({"hub": FarServer(*told)})
    far = [tool for tool in offered.all() if tool.server]
    assert names(far[:2]) == ["hub__a_b_2", "hub__a_b_3"] and max(map(len, names(far))) == 64
    for tool, name in zip(far, told, strict=True):
        [found] = offered.choose([tool.spec.name])
        assert found.call({}, CancelScope()) == name
        [found] = offered.choose([tool.long_name])
        assert found.call({}, CancelScope()) == name


def test_patterns_tell_whose_calls_ask() -> None:
    offered = tools({"web": FarServer("fetch")}, ask_tools=("web__*",))
    assert [tool.spec.name for tool in offered.all() if tool.ask] == ["fetch"]


def test_an_unknown_name_is_refused_with_the_available_ones() -> None:
    with pytest.raises(InvalidField, match=r"tools: unknown tool .x.; available: current_time, .*fetch"):
        tools({"web": FarServer("fetch")}).choose(["x"])
    assert tools({"web": FarServer()}).problems() == {"web": "it is away"}


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import nothing_of_this_name", "nothing_of_this_name"),
        ("from chatapp.tools.functions import tool\n@tool\ndef f(x): pass", "parameter x needs a type"),
        (
            "from chatapp.tools.functions import tool\n@tool\ndef calculate() -> int:\n    return 1",
            "several tools are named",
        ),
    ],
)
def test_a_module_that_cannot_be_used_stops_the_start(
    code: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = f"tools_{abs(hash(code))}"
    (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=message):
        tools(tool_modules=(module,))
