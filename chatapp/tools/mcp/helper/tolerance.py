"""Stands between the SDK and the messages of one server.

It mends what the SDK would refuse, and notes for which call a server asks. Over HTTP a question
comes in the response to its call, and so in the context of the task that made it.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from mcp.shared._context_streams import create_context_streams

from chatapp.tools.mcp.helper.calls import RUNNING, Call
from chatapp.tools.mcp.helper.sloppy import mend_result, usable_tool

MAX_NOTED = 1000  # questions whose call is known: one that is never asked must not stay for ever


class Tolerance:
    """`heard` is set by a message that is not JSON-RPC, which no request gets for an answer.
    `left_out` are the tools that were taken out of a listing."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.left_out: dict[str, str] = {}
        self._asked: dict[Any, tuple[str, Any]] = {}  # id of a request -> its method and its tool
        self._output_schemas: dict[str, dict[str, Any]] = {}
        self._askers: dict[Any, Call] = {}  # id of a server's request -> the call that it belongs to

    @asynccontextmanager
    async def around(self, transport: Any) -> AsyncIterator[Any]:
        async with transport as (read, write), anyio.create_task_group() as tasks:
            to_session, from_server = anyio.create_memory_object_stream[Any](0)
            to_server, from_session = create_context_streams[Any](0)
            tasks.start_soon(_forward, read, to_session, self._take)
            tasks.start_soon(_forward, from_session, write, self._note)
            try:
                yield from_server, to_server
            finally:
                tasks.cancel_scope.cancel()

    def asker(self, request_id: Any) -> Call | None:
        """The call in whose course the server sent this request, if that is known."""
        return self._askers.pop(request_id, None)

    def _note(self, message: Any) -> None:
        request = message.message
        if getattr(request, "method", None) in ("tools/list", "tools/call"):
            self._asked[request.id] = request.method, (request.params or {}).get("name")

    def _take(self, message: Any) -> None:
        if isinstance(message, Exception):
            self.heard.set()
        reply = getattr(message, "message", None)
        if getattr(reply, "method", None) == "elicitation/create" and (call := RUNNING.get()):
            if len(self._askers) < MAX_NOTED and (id := getattr(reply, "id", None)) is not None:
                self._askers[id] = call
            return
        method, tool = self._asked.pop(getattr(reply, "id", None), ("", None))
        result = getattr(reply, "result", None)
        if not isinstance(result, dict):
            return
        if method == "tools/list" and isinstance(result.get("tools"), list):
            result["tools"] = [mended for listed in result["tools"] if (mended := self._tool(listed))]
        elif method == "tools/call" and {"content", "structuredContent"} & result.keys():
            mend_result(result, self._output_schemas.get(tool))

    def _tool(self, listed: Any) -> dict[str, Any] | None:
        """What is needed of a tool, None if it cannot be called."""
        name = listed.get("name") if isinstance(listed, dict) else None
        if not isinstance(name, str) or not name:
            self.left_out[f"tool {len(self.left_out) + 1}"] = "it has no name"
            return None
        try:
            tool = usable_tool(listed)
        except ValueError as error:
            self.left_out[name] = str(error)
            return None
        if isinstance(output := listed.get("outputSchema"), dict):
            self._output_schemas[name] = output
        return tool


async def _forward(source: Any, target: Any, look: Any) -> None:
    """Pass messages on until either end is closed; `look` may change each.

    A message is passed on for the call for which it was sent.
    """
    async with target:
        async for message in source:
            sender = getattr(source, "last_context", None)
            RUNNING.set(sender.get(RUNNING) if sender is not None else None)
            look(message)
            try:
                await target.send(message)
            except (anyio.ClosedResourceError, anyio.BrokenResourceError):
                return
