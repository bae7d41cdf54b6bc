"""Tools of third-party MCP servers, over both transports, through the helper process."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import gevent
import pytest
from gevent.event import Event
from servers import free_port, listens
from waiting import START_S, soon

from chatapp.cancel import CancelScope
from chatapp.errors import InvalidField
from chatapp.events import ToolCall, ToolResult
from chatapp.settings import Settings
from chatapp.settings.tables import MCPServerConfig
from chatapp.tools import Decision
from chatapp.tools.catalog import ToolCatalog
from chatapp.tools.mcp.client import MCPHelper, MCPServer
from chatapp.tools.mcp.config import mcp_servers

BIN = Path(sys.executable).parent
EVERYTHING = BIN.parent / "npm/node_modules/.bin/mcp-server-everything"
TIME = MCPServerConfig(command=str(BIN / "mcp-server-time"), args=("--local-timezone", "UTC"))
FETCH = MCPServerConfig(command=str(BIN / "mcp-server-fetch"), args=("--ignore-robots-txt", "--allow-private-ips"))

pytestmark = pytest.mark.slow


class Stopped(Exception):
    pass


class NoApprovals:
    def decision(self, run_id: str, call_id: str) -> Decision | None:
        return None

    def decide(self, run_id: str, call_id: str, decision: Decision) -> Decision:
        return decision


class Site(ThreadingHTTPServer):
    """A page on loopback to fetch, and `/endless`, which sets `asked` and never answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.asked = Event()
        self.leaving = Event()


class Page(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        if self.path == "/endless":
            self.server.asked.set()
            self.server.leaving.wait()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<html><body><article><h1>Heading</h1><p>A page on loopback.</p></article></body></html>")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        serving = gevent.spawn(server.serve_forever)
        yield server
        server.leaving.set()
        server.shutdown()
        serving.join(5)


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Callable[..., ToolCatalog]]:
    made: list[ToolCatalog] = []

    def make(start_timeout_s: float = START_S, **servers: MCPServerConfig) -> ToolCatalog:
        bounds = {"mcp_start_timeout_s": start_timeout_s, "tool_timeout_s": START_S}  # a call may start a server anew
        settings = Settings(data=tmp_path, mcp_servers=servers, **bounds)
        made.append(ToolCatalog(settings, mcp_servers(settings, os.environ), NoApprovals()))
        return made[-1]

    yield make
    for each in made:
        each.close()
    assert not children(), "the servers outlived the one they belong to"


def children() -> list[tuple[int, str]]:
    """The helpers and MCP servers below this process: pid and command line."""
    found, parents = [], {os.getpid()}
    for entry in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with contextlib.suppress(OSError, IndexError):
            state, parent = entry.joinpath("stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) in parents and state != "Z":
                parents.add(int(entry.name))
                found.append((int(entry.name), entry.joinpath("cmdline").read_text().replace("\0", " ")))
    return [(pid, command) for pid, command in found if re.search(r"mcp.(helper|server)|sleep", command)]


def pid_of(word: str) -> int:
    [pid] = [pid for pid, command in children() if word in command and "watcher" not in command]
    return pid


def call(tools: ToolCatalog, name: str, **arguments: object) -> ToolResult:
    box = tools.toolbox("run", tools.choose([name]))
    with gevent.Timeout(START_S):
        *_, result = box.call_all([ToolCall("a", "mcp", name, arguments)], CancelScope())
    assert isinstance(result, ToolResult)
    return result


def everything() -> MCPServerConfig:
    if not EVERYTHING.exists():
        pytest.skip("npm's @modelcontextprotocol/server-everything is missing: `make test` installs it")
    return MCPServerConfig(command=str(EVERYTHING), args=("stdio",))


def test_a_server_starts_at_first_use_and_ends_with_its_owner(tools: Callable[..., ToolCatalog]) -> None:
    offered = tools(time=TIME)
    assert not children()
    result = call(offered, "convert_time", source_timezone="UTC", time="12:00", target_timezone="Asia/Tokyo")
    assert result.error is None and "21:00" in str(result.result)
    [tool] = [tool for tool in offered.all() if tool.spec.name == "convert_time"]
    assert (tool.type, tool.server) == ("mcp", "time")
    helper = pid_of("mcp/helper")
    call(offered, "get_current_time", timezone="UTC")
    assert pid_of("mcp/helper") == helper
    offered.close()
    assert not children()


def test_a_server_that_died_is_started_again_for_the_next_call(tools: Callable[..., ToolCatalog]) -> None:
    offered = tools(time=TIME)
    call(offered, "get_current_time", timezone="UTC")
    os.kill(pid_of("mcp-server-time"), signal.SIGKILL)
    assert call(offered, "get_current_time", timezone="UTC").error is None


def test_a_helper_that_died_is_started_again_and_its_calls_are_errors(
    tools: Callable[..., ToolCatalog], site: Site
) -> None:
    offered = tools(web=FETCH)
    calling = gevent.spawn(call, offered, "fetch", url=f"{site.url}/endless")
    assert site.asked.wait(START_S)
    os.kill(pid_of("mcp/helper"), signal.SIGKILL)
    assert "have ended" in str(calling.get(timeout=START_S).error)
    assert call(offered, "fetch", url=site.url).error is None


def test_what_the_server_refuses_is_an_error_result(tools: Callable[..., ToolCatalog]) -> None:
    offered = tools(time=TIME)
    assert "Mars" in str(call(offered, "get_current_time", timezone="Mars").error)
    assert "not valid" in str(call(offered, "get_current_time").error)


def test_a_stopped_call_leaves_the_server_to_others(tools: Callable[..., ToolCatalog], site: Site) -> None:
    offered = tools(web=FETCH)
    [tool] = offered.choose(["fetch"])
    scope = CancelScope()
    calling = gevent.spawn(tool.call, {"url": f"{site.url}/endless"}, scope)
    assert site.asked.wait(START_S)
    scope.cancel(Stopped)
    with pytest.raises(Stopped):
        calling.get(timeout=10)
    server = pid_of("mcp-server-fetch")
    assert call(offered, "fetch", url=site.url).error is None
    assert pid_of("mcp-server-fetch") == server


def test_the_hub_goes_on_while_servers_start(tools: Callable[..., ToolCatalog]) -> None:
    offered = tools(time=TIME)
    listing = gevent.spawn(offered.all)
    longest = 0.0
    while not listing.ready():
        with gevent.Timeout(START_S):
            began = gevent.get_hub().loop.now()
            gevent.sleep(0.01)
            gevent.get_hub().loop.update_now()
            longest = max(longest, gevent.get_hub().loop.now() - began)
    assert longest < 0.5
    assert {"convert_time", "current_time"} <= {tool.spec.name for tool in listing.value}


def test_names_that_clash_are_prefixed_and_found_in_any_case(tools: Callable[..., ToolCatalog]) -> None:
    offered = tools(here=TIME, there=TIME)
    names = {tool.spec.name for tool in offered.all() if tool.type == "mcp"}
    assert names == {
        f"{server}__{name}" for server in ("here", "there") for name in ("get_current_time", "convert_time")
    }
    alone = tools(here=TIME)
    [tool] = alone.choose(["here__convert_time"])
    assert tool.spec.name == "convert_time"


def test_a_server_that_cannot_be_started_is_left_out_and_named(tools: Callable[..., ToolCatalog]) -> None:
    away = MCPServerConfig(url="http://127.0.0.1:9/mcp")
    offered = tools(away=away, gone=MCPServerConfig(command="false"), time=TIME)
    assert {tool.server for tool in offered.all()} == {"", "time"}
    assert set(offered.problems()) == {"away", "gone"}
    with pytest.raises(InvalidField, match=r"tools: .*'x'.*convert_time"):
        offered.choose(["x"])


def test_a_server_that_says_nothing_is_not_waited_for_without_end(tmp_path: Path) -> None:
    helper = MCPHelper({"silent": started("sleep", "1000")}, 2.0, tmp_path / "mcp.log")
    with closing(MCPServer("silent", helper, failure_kept_s=0.0)) as server:
        assert not server.tools()
        assert re.search("did not (start|answer) within 2 s", server.problem())  # the helper starts in that time too
        with gevent.Timeout(0.5):
            assert not [tool for _ in range(3) for tool in server.tools()]
    assert not children()


def test_what_servers_complain_of_is_kept_within_bounds(tmp_path: Path) -> None:
    log = tmp_path / "mcp.log"
    complain = "head -c 300000 /dev/zero | tr '\\0' x >&2"
    helper = MCPHelper({"chatty": started("sh", "-c", complain)}, 15.0, log, log_bytes=20_000)
    with closing(MCPServer("chatty", helper)) as server:
        assert not server.tools() and server.problem()
    assert 0 < log.stat().st_size <= 20_000


def started(command: str, *args: str) -> dict[str, object]:
    return {"command": command, "args": args, "env": {}}


def test_fetch_reads_a_page(tools: Callable[..., ToolCatalog], site: Site) -> None:
    result = call(tools(web=FETCH), "fetch", url=site.url)
    assert result.error is None and "A page on loopback." in str(result.result)


def test_streamable_http(tools: Callable[..., ToolCatalog]) -> None:
    command = everything().command
    port = free_port()
    env = {**os.environ, "PORT": str(port)}
    output = subprocess.DEVNULL
    with subprocess.Popen([command, "streamableHttp"], env=env, stdout=output, stderr=output) as process:
        try:
            soon(lambda: listens(port), within=START_S)
            offered = tools(far=MCPServerConfig(url=f"http://127.0.0.1:{port}/mcp"))
            assert call(offered, "echo", message="over HTTP").result == "Echo: over HTTP"
        finally:
            process.kill()
