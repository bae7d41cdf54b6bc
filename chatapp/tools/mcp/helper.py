"""The script of the process that talks to MCP servers, with the official SDK.

The SDK uses asyncio, and its stdio client does not work under gevent's patches, so it gets its own
process. The script imports nothing of chatapp. Standard input has one JSON object per line, first
the settings:

    {"start_timeout_s": 20, "servers": {"time": {"command": …, "args": [], "env": {}},
                                        "far": {"url": …, "headers": {}}}}

then requests, whose replies go to standard output:

    {"id": 1, "server": "time"}                                 {"id": 1, "tools": [{"name", …}]}
    {"id": 2, "server": "time", "tool": "f", "arguments": {}}   {"id": 2, "result": …}
                                                                or {"id": 2, "error": "…"}
    {"id": 2, "cancel": true}

A server starts at the first request for it, and again after it has died. All servers end when
standard input does, and so also when the process at its other end is killed.
"""

import asyncio
import json
import logging
import os
import sys
import warnings
from contextlib import AsyncExitStack
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPDeprecationWarning

CONNECTION_CLOSED, METHOD_NOT_FOUND = -32000, -32601  # JSON-RPC's codes, as MCP uses them
LINE_BYTES = 64 * 1024 * 1024  # of arguments; chatapp has refused larger ones before
REPLY_BYTES = 16 * 1024 * 1024  # a larger reply never reaches chatapp, whatever its settings allow
PING_S = 3.0  # a server that does not answer a ping in this time is busy, not dead
PAGES = 50  # of a list of tools: ends a list that has no end

# `ping` is deprecated: servers of protocol 2026-07-28 and later refuse it, older ones need it.
warnings.simplefilter("ignore", MCPDeprecationWarning)

logger = logging.getLogger("chatapp.tools.mcp.helper")


class Server:
    """One MCP server: connected at first use, and again after the connection is lost.

    The SDK requires that one task both opens and closes a connection, so each has its own task.
    """

    def __init__(self, config: dict[str, Any], start_timeout_s: float) -> None:
        self._config = config
        self._start_timeout_s = start_timeout_s
        self._lock = asyncio.Lock()
        self._client: asyncio.Future[Client] | None = None
        self._task: asyncio.Task[None] | None = None
        self._let_go = asyncio.Event()

    async def tools(self) -> list[dict[str, Any]]:
        client = await self._connected()
        found: list[dict[str, Any]] = []
        cursor = None
        for _ in range(PAGES):
            page = await client.list_tools(cursor=cursor, cache_mode="refresh")
            found += [
                {"name": tool.name, "description": tool.description or tool.title or "", "schema": tool.input_schema}
                for tool in page.tools
            ]
            cursor = page.next_cursor
            if not cursor:
                break
        return found

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        client = await self._connected()
        result = await client.call_tool(tool, arguments)
        text = "\n".join(map(_text, result.content))
        if result.is_error:
            return {"error": text or "The tool failed without giving a reason."}
        return {"result": text if result.structured_content is None else result.structured_content}

    async def close(self) -> None:
        task, self._client, self._task = self._task, None, None
        self._let_go.set()
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    async def _connected(self) -> Client:
        async with self._lock:
            if self._client is not None and self._client.done() and not await _answers(self._client):
                await self.close()
            if self._client is None:
                self._let_go = asyncio.Event()
                self._client = asyncio.get_running_loop().create_future()
                self._task = asyncio.create_task(self._hold(self._client, self._let_go))
            return await asyncio.shield(self._client)  # a cancelled request leaves the start alone

    async def _hold(self, ready: asyncio.Future[Client], let_go: asyncio.Event) -> None:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._start_timeout_s):
                    client = await stack.enter_async_context(await _client(self._config, stack))
                ready.set_result(client)
                await let_go.wait()
        except TimeoutError:
            ready.set_exception(OSError(f"The server did not start within {self._start_timeout_s:g} s."))
        except Exception as error:  # a server, and the SDK, may raise anything
            if ready.done():
                raise
            ready.set_exception(error)


class Helper:
    def __init__(self, settings: dict[str, Any], report: int) -> None:
        start_s = settings["start_timeout_s"]
        self._servers = {name: Server(config, start_s) for name, config in settings["servers"].items()}
        self._report = report
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def take(self, request: dict[str, Any]) -> None:
        id = request["id"]
        if request.get("cancel"):
            if id in self._tasks:
                self._tasks[id].cancel()
            return
        self._tasks[id] = asyncio.create_task(self._answer(request))
        self._tasks[id].add_done_callback(lambda task: self._tasks.pop(id, None))

    async def close(self) -> None:
        await asyncio.gather(*(server.close() for server in self._servers.values()))

    async def _answer(self, request: dict[str, Any]) -> None:
        server = self._servers[request["server"]]
        try:
            if "tool" in request:
                reply = await server.call(request["tool"], request["arguments"])
            else:
                reply = {"tools": await server.tools()}
        except MCPError as error:
            reply = {"error": str(error)}
        except Exception as error:  # a server, and the SDK, may raise anything
            logger.exception("MCP server %s failed", request["server"])
            reply = {"error": _innermost(error)}
        data = json.dumps({"id": request["id"], **reply}).encode()
        if len(data) > REPLY_BYTES:
            too_large = f"The result is too large: {len(data)} bytes; the limit is {REPLY_BYTES}. Ask for less."
            data = json.dumps({"id": request["id"], "error": too_large}).encode()
        _write(self._report, data + b"\n")


async def main() -> None:
    report = _take_stdout()
    loop = asyncio.get_running_loop()
    stdin = asyncio.StreamReader(limit=LINE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stdin), sys.stdin)
    helper = Helper(json.loads(await stdin.readline()), report)
    while line := await stdin.readline():
        helper.take(json.loads(line))
    await helper.close()


async def _client(config: dict[str, Any], stack: AsyncExitStack) -> Client:
    if "command" in config:
        return Client(StdioServerParameters(**config))
    http = httpx2.AsyncClient(headers=config["headers"], timeout=httpx2.Timeout(30, read=300))
    await stack.enter_async_context(http)
    return Client(streamable_http_client(config["url"], http_client=http))


async def _answers(connected: asyncio.Future[Client]) -> bool:
    """Whether the server is alive. One that has died is started again before it is used."""
    if connected.exception() is not None:
        return False
    client = connected.result()
    try:
        async with asyncio.timeout(PING_S):
            await client.send_ping()
    except TimeoutError:
        return True
    except MCPError as error:
        return error.code == METHOD_NOT_FOUND
    except Exception:  # the SDK may raise anything on a lost connection
        logger.exception("lost the connection")
        return False
    return True


def _text(content: Any) -> str:
    """A piece of a result as text for the model."""
    match content.type:
        case "text":
            return str(content.text)
        case "image" | "audio" as kind:
            return f"[{kind}, {content.mime_type}, {len(content.data) * 3 // 4} bytes]"
        case "resource_link":
            return f"[{content.name}: {content.uri}]"
        case _:
            resource = getattr(content, "resource", None)
            return str(getattr(resource, "text", "") or f"[{content.type}: {getattr(resource, 'uri', '')}]")


def _innermost(error: BaseException) -> str:
    """The cause: the SDK wraps its errors in groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def _take_stdout() -> int:
    """Keep standard output for the replies: anything else that is printed goes to the log."""
    report = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return report


def _write(report: int, data: bytes) -> None:
    while data:
        data = data[os.write(report, data) :]


if __name__ == "__main__":
    asyncio.run(main())
