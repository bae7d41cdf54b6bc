"""MCP servers: one connection each, made at first use, and again after it is lost."""

import asyncio
import logging
import os
import sys
import warnings
from contextlib import AsyncExitStack
from typing import Any

import httpx2
from mcp import Client, MCPError
from mcp.client.context import ClientRequestContext
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp.types import CONNECTION_CLOSED, ElicitRequestFormParams, ElicitRequestParams, ElicitResult, ErrorData

from chatapp.tools.mcp.helper.calls import RUNNING, Call
from chatapp.tools.mcp.helper.sloppy import text_of
from chatapp.tools.mcp.helper.tolerance import Tolerance

# The SDK's codes for a connection that is lost and a session that the server has forgotten. An
# error with any other code is an answer: the server lives.
LOST = (-32000, -32600)
PING_S = 3.0  # a server that does not answer a ping in this time is busy, not dead
PAGES = 50  # of a list of tools: ends a list that has no end

# Runs a server, and kills all that it started: once it has ended, or when this process has,
# whatever they ignore. They are one process group, which the SDK makes. 1: PR_SET_PDEATHSIG.
WITH_PARENT = """
import ctypes, os, signal, sys
die_with_parent = lambda signal: ctypes.CDLL(None).prctl(1, signal)
signal.signal(signal.SIGUSR1, lambda *_: os.killpg(0, signal.SIGKILL))
signal.signal(signal.SIGTERM, lambda *_: None)  # the SDK sends it to all of them; the server decides
die_with_parent(signal.SIGUSR1)
if os.getppid() != int(sys.argv[1]):
    sys.exit()
watcher = os.getpid()
server = os.fork()
if not server:
    die_with_parent(signal.SIGKILL)
    for each in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(each, signal.SIG_DFL)
    if os.getppid() == watcher:
        os.execvp(sys.argv[2], sys.argv[2:])
for pipe in (0, 1):
    os.close(pipe)  # the reader there sees the server's end
os.waitpid(server, 0)
os.killpg(0, signal.SIGKILL)
"""

# `ping` is deprecated: servers of protocol 2026-07-28 and later refuse it, older ones need it.
warnings.simplefilter("ignore", MCPDeprecationWarning)

logger = logging.getLogger(__name__)


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
        self._tolerance = Tolerance()
        self._calls: list[Call] = []

    @property
    def left_out(self) -> dict[str, str]:
        """The tools of the last listing that cannot be offered, and why."""
        return self._tolerance.left_out

    async def tools(self) -> list[dict[str, Any]]:
        client = await self._connected()
        self._tolerance.left_out.clear()
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

    async def call(self, tool: str, arguments: dict[str, Any], meta: Any, call: Call) -> dict[str, Any]:
        client = await self._connected()
        RUNNING.set(call)
        self._calls.append(call)
        try:
            result = await client.call_tool(tool, arguments, meta=meta or None, progress_callback=call.progress)
        finally:
            self._calls.remove(call)
        text = "\n".join(map(text_of, result.content))
        if result.is_error:
            return {"error": text or "The tool failed without giving a reason."}
        return {"result": text if result.structured_content is None else result.structured_content}

    async def close(self) -> None:
        task, client, self._client, self._task = self._task, self._client, None, None
        self._let_go.set()
        if task is not None:
            if client is not None and not client.done():
                task.cancel()  # it is still starting: the SDK ends the process
            await asyncio.gather(task, return_exceptions=True)

    async def _connected(self) -> Client:
        async with self._lock:
            if (
                self._client is not None
                and self._client.done()
                and not await _answers(self._client, self._tolerance.heard)
            ):
                await self.close()
            if self._client is None:
                self._let_go = asyncio.Event()
                self._client = asyncio.get_running_loop().create_future()
                self._task = asyncio.create_task(self._hold(self._client, self._let_go))
            return await asyncio.shield(self._client)  # a cancelled request leaves the start alone

    async def _hold(self, ready: asyncio.Future[Client], let_go: asyncio.Event) -> None:
        RUNNING.set(None)  # the connection outlives the call that needed it first
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._start_timeout_s):
                    client = await self._opened(stack)
                ready.set_result(client)
                await let_go.wait()
        except TimeoutError:
            ready.set_exception(OSError(f"The server did not start within {self._start_timeout_s:g} s."))
        except Exception as error:  # a server, and the SDK, may raise anything
            if ready.done():
                raise
            ready.set_exception(error)

    async def _opened(self, stack: AsyncExitStack) -> Client:
        """A connection that a server can ask questions on, if it has one: since 2026-07-28 the
        protocol has none, and tools written for it before fail there."""
        try:
            async with AsyncExitStack() as attempt:
                client = await attempt.enter_async_context(await self._made(attempt, "legacy"))
                stack.push_async_exit(attempt.pop_all())
                return client
        except Exception as error:  # the SDK wraps its errors in groups
            if not _refused_handshake(error):
                raise
        return await stack.enter_async_context(await self._made(stack, "auto"))

    async def _made(self, stack: AsyncExitStack, mode: str) -> Client:
        if "command" in self._config:
            transport = stdio_client(_ending_with_this_process(self._config))
        else:
            # A server that asks its user is silent for as long as that takes; a call has its limit.
            timeout = httpx2.Timeout(30, read=None)
            http = httpx2.AsyncClient(headers=self._config["headers"], timeout=timeout)
            await stack.enter_async_context(http)
            transport = streamable_http_client(self._config["url"], http_client=http)
        return Client(self._tolerance.around(transport), mode=mode, elicitation_callback=self._ask)

    async def _ask(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        """Pass a question to the user of the call that it belongs to. Two users may call at once,
        and neither may answer for the other: if the call is not known, nobody is asked."""
        call = RUNNING.get() or self._tolerance.asker(context.request_id)
        if call is None and len(self._calls) == 1:
            call = self._calls[0]
        if call is None:
            logger.warning("a question of a server is cancelled: %d calls run that may ask it", len(self._calls))
            return ElicitResult(action="cancel")
        if not isinstance(params, ElicitRequestFormParams):
            return ElicitResult(action="decline")  # an address to visit: chatapp sends nobody there
        return await call.ask(params.message, params.requested_schema)


def _ending_with_this_process(config: dict[str, Any]) -> StdioServerParameters:
    if sys.platform != "linux":
        return StdioServerParameters(**config)
    shim = ["-I", "-S", "-c", WITH_PARENT, str(os.getpid()), config["command"], *config["args"]]
    return StdioServerParameters(**{**config, "command": sys.executable, "args": shim})


def _refused_handshake(error: BaseException) -> bool:
    """Whether a server answered that it does not know `initialize`, or its versions."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return isinstance(error, MCPError) and error.code != CONNECTION_CLOSED


async def _answers(connected: asyncio.Future[Client], heard: asyncio.Event) -> bool:
    """Whether the server is alive: anything it says to a ping will do. One that has died is started
    again before it is used."""
    if connected.exception() is not None:
        return False
    heard.clear()
    ping = asyncio.create_task(connected.result().send_ping())
    sign = asyncio.create_task(heard.wait())
    try:
        await asyncio.wait((ping, sign), timeout=PING_S, return_when=asyncio.FIRST_COMPLETED)
        if ping.done():
            ping.result()
    except MCPError as error:
        return error.code not in LOST
    except Exception:  # the SDK may raise anything on a lost connection
        logger.exception("lost the connection")
        return False
    finally:
        ping.cancel()
        sign.cancel()
        await asyncio.gather(ping, sign, return_exceptions=True)
    return True  # also without an answer: the server is busy
