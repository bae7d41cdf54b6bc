"""Requests in, replies out: one JSON object per line; the package's docstring has their forms."""

import asyncio
import json
import logging
import os
import sys
from typing import Any

from mcp import MCPError

from chatapp.tools.mcp.helper.calls import Call
from chatapp.tools.mcp.helper.sessions import Server

LINE_BYTES = 64 * 1024 * 1024  # of arguments; chatapp has refused larger ones before
REPLY_BYTES = 16 * 1024 * 1024  # a larger reply never reaches chatapp, whatever its settings allow

logger = logging.getLogger(__name__)


class Helper:
    def __init__(self, settings: dict[str, Any], report: int) -> None:
        start_s = settings["start_timeout_s"]
        self._servers = {name: Server(config, start_s) for name, config in settings["servers"].items()}
        self._report = report
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._calls: dict[int, Call] = {}

    def take(self, request: dict[str, Any]) -> None:
        id = request["id"]
        if request.get("cancel"):
            if id in self._tasks:
                self._tasks[id].cancel()
        elif "question" in request:
            if id in self._calls:
                self._calls[id].take(request)
        else:
            self._tasks[id] = asyncio.create_task(self._answer(request))
            self._tasks[id].add_done_callback(lambda task: self._tasks.pop(id, None))

    async def close(self) -> None:
        await asyncio.gather(*(server.close() for server in self._servers.values()))

    async def _answer(self, request: dict[str, Any]) -> None:
        server = self._servers[request["server"]]
        try:
            if "tool" in request:
                reply = await self._call(server, request)
            else:
                reply = {"tools": await server.tools(), "left_out": server.left_out}
        except MCPError as error:
            reply = {"error": str(error)}
        except Exception as error:  # a server, and the SDK, may raise anything
            logger.exception("MCP server %s failed", request["server"])
            reply = {"error": _innermost(error)}
        self._say({"id": request["id"], **reply})

    async def _call(self, server: Server, request: dict[str, Any]) -> dict[str, Any]:
        id = request["id"]
        call = self._calls[id] = Call(lambda told: self._say({"id": id, **told}))
        try:
            return await server.call(request["tool"], request["arguments"], request.get("meta"), call)
        finally:
            del self._calls[id]
            call.close()

    def _say(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode()
        if len(data) > REPLY_BYTES:
            too_large = f"The result is too large: {len(data)} bytes; the limit is {REPLY_BYTES}. Ask for less."
            data = json.dumps({"id": message["id"], "error": too_large}).encode()
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
