"""The script of the process that talks to MCP servers, with the official SDK.

The SDK uses asyncio, and its stdio client does not work under gevent's patches, so it gets its own
process. The script imports nothing of chatapp. Standard input has one JSON object per line, first
the settings:

    {"start_timeout_s": 20, "servers": {"time": {"command": …, "args": [], "env": {}},
                                        "far": {"url": …, "headers": {}}}}

then requests, whose replies go to standard output:

    {"id": 1, "server": "time"}                                 {"id": 1, "tools": [{"name", …}],
                                                                 "left_out": {"name": "why"}}
    {"id": 2, "server": "time", "tool": "f", "arguments": {},   {"id": 2, "result": …}
                                    "meta": {"traceparent": …}  or {"id": 2, "error": "…"}
    {"id": 2, "cancel": true}

A server starts at the first request for it, and again after it has died. All servers end when
standard input does, and so also when the process at its other end is killed; the kernel ends them
if this process is killed itself.

Many servers do not keep to the protocol, and the SDK refuses all of what one part spoils. So their
messages pass through `Tolerance`, which keeps what can be used.
"""

import asyncio
import json
import logging
import os
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import httpx2
import jsonschema
from jsonschema.exceptions import SchemaError, UnknownType
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPDeprecationWarning
from mcp.types import ContentBlock
from pydantic import TypeAdapter, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

# The SDK's codes for a connection that is lost and a session that the server has forgotten. An
# error with any other code is an answer: the server lives.
LOST = (-32000, -32600)
LINE_BYTES = 64 * 1024 * 1024  # of arguments; chatapp has refused larger ones before
REPLY_BYTES = 16 * 1024 * 1024  # a larger reply never reaches chatapp, whatever its settings allow
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
    os.close(pipe)  # whoever reads there sees the server's end
os.waitpid(server, 0)
os.killpg(0, signal.SIGKILL)
"""

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
        self._tolerance = Tolerance()

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

    async def call(self, tool: str, arguments: dict[str, Any], meta: Any) -> dict[str, Any]:
        client = await self._connected()
        result = await client.call_tool(tool, arguments, meta=meta or None)
        text = "\n".join(map(_text, result.content))
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
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(self._start_timeout_s):
                    client = await stack.enter_async_context(await _client(self._config, stack, self._tolerance))
                ready.set_result(client)
                await let_go.wait()
        except TimeoutError:
            ready.set_exception(OSError(f"The server did not start within {self._start_timeout_s:g} s."))
        except Exception as error:  # a server, and the SDK, may raise anything
            if ready.done():
                raise
            ready.set_exception(error)


class Tolerance:
    """Stands between the SDK and the messages of one server, and mends what the SDK would refuse.

    `heard` is set by a message that is not JSON-RPC, which no request gets for an answer.
    `left_out` are the tools that were taken out of a listing."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.left_out: dict[str, str] = {}
        self._asked: dict[Any, tuple[str, Any]] = {}  # id of a request -> its method and its tool
        self._output_schemas: dict[str, dict[str, Any]] = {}

    @asynccontextmanager
    async def around(self, transport: Any) -> AsyncIterator[Any]:
        async with transport as (read, write), anyio.create_task_group() as tasks:
            to_session, from_server = anyio.create_memory_object_stream[Any](0)
            to_server, from_session = anyio.create_memory_object_stream[Any](0)
            tasks.start_soon(_forward, read, to_session, self._take)
            tasks.start_soon(_forward, from_session, write, self._note)
            try:
                yield from_server, to_server
            finally:
                tasks.cancel_scope.cancel()

    def _note(self, message: Any) -> None:
        request = message.message
        if getattr(request, "method", None) in ("tools/list", "tools/call"):
            self._asked[request.id] = request.method, (request.params or {}).get("name")

    def _take(self, message: Any) -> None:
        if isinstance(message, Exception):
            self.heard.set()
        reply = getattr(message, "message", None)
        method, tool = self._asked.pop(getattr(reply, "id", None), ("", None))
        result = getattr(reply, "result", None)
        if not isinstance(result, dict):
            return
        if method == "tools/list" and isinstance(result.get("tools"), list):
            result["tools"] = [mended for listed in result["tools"] if (mended := self._tool(listed))]
        elif method == "tools/call" and {"content", "structuredContent"} & result.keys():
            self._mend_result(result, self._output_schemas.get(tool))

    def _tool(self, listed: Any) -> dict[str, Any] | None:
        """What is needed of a tool, None if it cannot be called."""
        name = listed.get("name") if isinstance(listed, dict) else None
        if not isinstance(name, str) or not name:
            self.left_out[f"tool {len(self.left_out) + 1}"] = "it has no name"
            return None
        schema = listed.get("inputSchema")
        if not isinstance(schema, dict) or schema.get("type", "object") != "object":
            self.left_out[name] = "its inputSchema is not a JSON schema of an object"
            return None
        if isinstance(output := listed.get("outputSchema"), dict):
            self._output_schemas[name] = output
        description = listed.get("description") or listed.get("title")
        return {
            "name": name,
            "description": description if isinstance(description, str) else "",
            "inputSchema": {**schema, "type": "object"},
        }

    def _mend_result(self, result: dict[str, Any], schema: dict[str, Any] | None) -> None:
        content = result.get("content")
        parts = content if isinstance(content, list) else [] if content is None else [content]
        result["content"] = [_content_block(part) for part in parts]
        result["isError"] = result.get("isError") is True
        structured = result.pop("structuredContent", None)
        if structured is None:
            return
        if isinstance(structured, dict) and (_is_valid(structured, schema) or not parts):
            result["structuredContent"] = structured
        elif not parts:
            result["content"] = [_text_block(json.dumps(structured))]


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
                reply = await server.call(request["tool"], request["arguments"], request.get("meta", {}))
            else:
                reply = {"tools": await server.tools(), "left_out": server.left_out}
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


async def _client(config: dict[str, Any], stack: AsyncExitStack, tolerance: Tolerance) -> Client:
    if "command" in config:
        return Client(tolerance.around(stdio_client(_ending_with_this_process(config))))
    http = httpx2.AsyncClient(headers=config["headers"], timeout=httpx2.Timeout(30, read=300))
    await stack.enter_async_context(http)
    return Client(tolerance.around(streamable_http_client(config["url"], http_client=http)))


def _ending_with_this_process(config: dict[str, Any]) -> StdioServerParameters:
    if sys.platform != "linux":
        return StdioServerParameters(**config)
    shim = ["-I", "-S", "-c", WITH_PARENT, str(os.getpid()), config["command"], *config["args"]]
    return StdioServerParameters(**{**config, "command": sys.executable, "args": shim})


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


async def _forward(source: Any, target: Any, look: Any) -> None:
    """Pass messages on until either end is closed; `look` may change each."""
    async with target:
        async for message in source:
            look(message)
            try:
                await target.send(message)
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                return


def _content_block(part: Any) -> dict[str, Any]:
    """A part of a result. One of a kind that the protocol does not know is named in its place."""
    if isinstance(part, str):
        return _text_block(part)
    try:
        _blocks.validate_python(part, by_name=False)
    except ValidationError:
        text = part.get("text") if isinstance(part, dict) else None
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        return _text_block(text if isinstance(text, str) else f"[{kind}: a part of an unknown form]")
    return dict(part)


_blocks: TypeAdapter[Any] = TypeAdapter(ContentBlock)


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _is_valid(value: dict[str, Any], schema: dict[str, Any] | None) -> bool:
    """Whether structured content follows its tool's schema. An invalid schema refuses nothing."""
    if schema is None:
        return True
    try:
        # The default registry fetches remote `$ref`s.
        validator = _without_patterns(jsonschema.validators.validator_for(schema))(schema, registry=Registry())
        return bool(validator.is_valid(value))
    except (SchemaError, UnknownType, Unresolvable, ValueError, TypeError, RecursionError):
        return True


def _without_patterns(dialect: Any) -> Any:
    """A pattern may take exponential time, and all servers of this process would wait."""
    keywords = ("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties")
    extend: Any = jsonschema.validators.extend
    return extend(dialect, {keyword: lambda *_: iter(()) for keyword in keywords})


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
