"""MCP servers that do not keep to the protocol: what can be used of them is used, and none is left behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
from drivers import NoApprovals
from waiting import soon

from chatapp.cancel import CancelScope
from chatapp.settings import Settings
from chatapp.settings.tables import MCPServerConfig
from chatapp.tools import ToolFailed
from chatapp.tools.catalog import ToolCatalog
from chatapp.tools.mcp.config import mcp_servers

RAW = Path(__file__).with_name("raw_server.py")

pytestmark = pytest.mark.slow

RESULTS: dict[str, object] = {
    "no-structure": "useful",
    "wrong-structure": "useful",
    "right-structure": {"y": "right"},
    "impossible-schema": {"y": "right"},
    "only-structure": {"y": "right"},
    "null-content": {"y": "right"},
    "list-structure": "useful",
    "only-list-structure": "[1]",
    "unknown-part": "useful\n[video: a part of an unknown form]",
    "odd-parts": "plain\nmore\n[int: a part of an unknown form]",
    "one-part": "useful",
}
PINGS = ("ping-list", "ping-error", "ping-unknown")
MODES = (*RESULTS, *PINGS, "failed", "bad-tools", "newer")


def catalog_of(data: Path, *modes: str) -> ToolCatalog:
    """A server for each mode, with its process ids in a file of its own."""
    servers = {
        mode: MCPServerConfig(command=sys.executable, args=(str(RAW), mode), env={"PIDS": str(data / f"{mode}.pids")})
        for mode in modes
    }
    settings = Settings(data=data, mcp_servers=servers)
    return ToolCatalog(settings, mcp_servers(settings, {}), NoApprovals())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("raw")


@pytest.fixture(scope="module")
def catalog(folder: Path) -> Iterator[ToolCatalog]:
    catalog = catalog_of(folder, *MODES)
    yield catalog
    catalog.close()


def call(catalog: ToolCatalog, mode: str) -> object:
    (echo,) = catalog.choose([f"{mode}__echo"])
    return echo.call({"x": "a"}, CancelScope())


@pytest.mark.parametrize("mode", RESULTS)
def test_of_a_result_what_can_be_used_is_used(catalog: ToolCatalog, mode: str) -> None:
    assert call(catalog, mode) == RESULTS[mode]


def test_a_failure_keeps_its_words(catalog: ToolCatalog) -> None:
    with pytest.raises(ToolFailed, match="^useful$"):
        call(catalog, "failed")


def test_a_bad_tool_is_left_out_by_name_and_the_others_stay(catalog: ToolCatalog) -> None:
    offered = {tool.long_name for tool in catalog.all() if tool.server == "bad-tools"}
    assert offered == {"bad-tools__echo", "bad-tools__typeless"}
    problem = catalog.problems()["bad-tools"]
    assert "'schemaless' is left out: its inputSchema" in problem and "'listing'" in problem
    assert problem.count("it has no name") == 3
    assert call(catalog, "bad-tools") == "useful"


def test_a_server_that_knows_only_the_newer_protocol_is_spoken_to_by_it(catalog: ToolCatalog) -> None:
    assert call(catalog, "newer") == "useful"


@pytest.mark.parametrize("mode", PINGS)
def test_any_answer_to_a_ping_is_a_sign_of_life(catalog: ToolCatalog, folder: Path, mode: str) -> None:
    assert call(catalog, mode) == "useful"
    first = pids(folder, mode)
    assert call(catalog, mode) == "useful"
    assert pids(folder, mode) == first  # not started again


def test_no_server_outlives_the_catalog_whatever_it_ignores(tmp_path: Path) -> None:
    modes = ("never-starts", "deaf", "deaf-parent", "leaves-child")
    catalog = catalog_of(tmp_path, *modes)
    gevent.spawn(catalog.all)
    soon(lambda: all(pids(tmp_path, mode) for mode in modes))
    assert call(catalog, "deaf-parent") == call(catalog, "leaves-child") == "useful"
    running = [pid for mode in modes for pid in pids(tmp_path, mode)]
    assert len(alive(running)) == 6
    catalog.close()
    soon(lambda: not alive(running))


def test_no_server_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    """The helper sees the end of its standard input; if it is killed too, the kernel ends the servers."""
    script = f"""
from gevent import monkey; monkey.patch_all()
from pathlib import Path
from chatapp.settings import Settings
from chatapp.settings.tables import MCPServerConfig
from chatapp.tools.mcp.config import mcp_servers
config = MCPServerConfig(command={sys.executable!r}, args=({str(RAW)!r}, "deaf-parent"),
                         env={{"PIDS": {str(tmp_path / "deaf-parent.pids")!r}}})
[server] = mcp_servers(Settings(data=Path({str(tmp_path)!r}), mcp_servers={{"raw": config}}), {{}}).values()
print(len(server.tools()), flush=True)
__import__("gevent").sleep(600)
"""
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert owner.stdout and owner.stdout.readline() == "1\n"
    running = pids(tmp_path, "deaf-parent")
    helper = parent(parent(running[0]))
    owner.kill()
    owner.wait()
    os.kill(helper, signal.SIGKILL)
    soon(lambda: not alive(running))
    owner.stdout.close()


def test_what_a_server_that_died_has_started_ends_with_it(tmp_path: Path) -> None:
    catalog = catalog_of(tmp_path, "leaves-child")
    assert call(catalog, "leaves-child") == "useful"
    server, child = pids(tmp_path, "leaves-child")
    os.kill(server, signal.SIGKILL)
    soon(lambda: not alive([child]))
    assert call(catalog, "leaves-child") == "useful"
    catalog.close()


def pids(folder: Path, mode: str) -> list[int]:
    file = folder / f"{mode}.pids"
    return [int(pid) for pid in file.read_text().split()] if file.exists() else []


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def alive(running: list[int]) -> list[int]:
    return [pid for pid in running if Path(f"/proc/{pid}").exists() and _state(pid) not in "ZX"]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
