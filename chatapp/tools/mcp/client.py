"""MCP servers as sources of tools, all through one helper process with the official SDK."""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Literal

import gevent

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.tools import Arguments, CallOwner, ToolFailed, UserInput
from chatapp.tools.mcp.process import LOG_BYTES, HelperProcess, Reply
from chatapp.trace import trace_headers

Hear = Callable[[Reply, Callable[[Reply], None]], None]

ACTIONS = {"accepted": "accept", "declined": "decline"}  # all else is a `cancel` to the server
KEPT_S = 30.0  # how long a list of tools counts as current
FAILURE_KEPT_S = 10.0  # how soon a server that failed is asked again
GRACE_S = 5.0  # beyond the limit for a start: the SDK needs it to end a server that did not start

logger = logging.getLogger(__name__)


class MCPHelper:
    """Sends requests to the helper process, which starts at the first one, and again after a crash.

    Make it in the process that uses it. `servers` is as in the first line that the helper reads.
    Complaints go to the file `log`, which is kept below `log_bytes`.
    """

    def __init__(
        self,
        servers: Mapping[str, Mapping[str, object]],
        start_timeout_s: float,
        log: Path,
        log_bytes: int = LOG_BYTES,
    ) -> None:
        self.start_timeout_s = start_timeout_s
        self._settings = {"start_timeout_s": start_timeout_s, "servers": servers}
        self._log = log
        self._log_bytes = log_bytes
        self._ids = count(1)
        self._process: HelperProcess | None = None
        self._closed = False

    def ask(self, request: Reply, scope: CancelScope, hear: "Hear | None" = None) -> Reply:
        """The reply, which has `tools`, `result` or `error`; `hear` gets what a call tells before
        it, with a function that sends something back.

        Cancelling `scope`, or a timeout, also cancels the request.
        """
        if self._closed:
            return {"error": "The MCP servers are stopping."}
        if self._process is None or self._process.ended:
            self._process = HelperProcess(self._settings, self._log, self._log_bytes)
        process, id = self._process, next(self._ids)

        def send_back(message: Reply) -> None:
            process.tell({"id": id, **message})

        waiting = process.send({"id": id, **request}, hear and (lambda told: hear(told, send_back)))
        try:
            scope.run(waiting.wait)
        except BaseException:  # a stop or a timeout: the server need not go on
            process.cancel(id)
            raise
        reply = waiting.get()
        assert reply is not None
        return reply

    def close(self) -> None:
        """End the helper process and with it the servers. Idempotent."""
        self._closed = True
        if self._process is not None:
            self._process.close()


class MCPServer:
    """One MCP server as a source of tools.

    The first `tools()` waits for the server to start. Later ones return the list at once, and renew
    it in the background when it is older than `kept_s`: a server that hangs delays nobody.
    """

    def __init__(
        self, name: str, helper: MCPHelper, kept_s: float = KEPT_S, failure_kept_s: float = FAILURE_KEPT_S
    ) -> None:
        self.name = name
        self._helper = helper
        self._kept_s = kept_s
        self._failure_kept_s = failure_kept_s
        self._tools: Sequence[MCPTool] = ()
        self._problem = ""
        self._is_listed = False
        self._current_until = 0.0
        self._first: gevent.Greenlet[..., None] | None = None

    def tools(self) -> Sequence["MCPTool"]:
        if time.monotonic() >= self._current_until:
            self._current_until = math.inf  # one request at a time: until its reply is here
            asking = gevent.spawn(self._ask)
            if self._first is None:
                self._first = asking
        assert self._first is not None
        self._first.join()
        return self._tools

    def problem(self) -> str:
        return self._problem

    def is_listed(self) -> bool:
        return self._is_listed

    def close(self) -> None:
        self._helper.close()

    def _ask(self) -> None:
        told = self._problem
        try:
            with gevent.Timeout(self._helper.start_timeout_s + GRACE_S):
                reply = self._helper.ask({"server": self.name}, CancelScope())
        except gevent.Timeout:
            reply = {"error": f"The server did not answer within {self._helper.start_timeout_s:g} s."}
        left_out = "; ".join(f"the tool {name!r} is left out: {why}" for name, why in reply.get("left_out", {}).items())
        failure = reply.get("error", "")
        self._problem, self._is_listed = failure or left_out, not failure
        self._tools = [MCPTool(self.name, listed, self._helper) for listed in reply.get("tools", ())]
        self._current_until = time.monotonic() + (self._failure_kept_s if failure else self._kept_s)
        if self._problem and self._problem != told:
            logger.warning("MCP server %s: %s", self.name, self._problem)


class MCPTool:
    """`listed` is the helper's `{"name", "description", "schema"}`."""

    type: Literal["function", "mcp"] = "mcp"
    ask = False

    def __init__(self, server: str, listed: dict[str, Any], helper: MCPHelper) -> None:
        self.spec = ToolSpec(listed["name"], listed["description"], listed["schema"])
        self._server = server
        self._helper = helper

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        return self.call_for(Nobody(), arguments, scope)

    def call_for(self, owner: CallOwner, arguments: Arguments, scope: CancelScope) -> object:
        meta = {name.lower(): value for name, value in trace_headers().items()}
        request = {"server": self._server, "tool": self.spec.name, "arguments": arguments, "meta": meta}
        reply = self._helper.ask(request, scope, Conversation(owner).hear)
        if "error" in reply:
            raise ToolFailed(reply["error"])
        return reply["result"]


class Nobody:
    """The owner of a call that has none (`CallOwner`)."""

    def progress(self, done: float, total: float | None, message: str) -> None:
        """Nobody listens."""

    def ask(self, message: str, schema: Mapping[str, object], told: Callable[[UserInput], None]) -> Callable[[], None]:
        told(UserInput("cancelled"))
        return lambda: None


class Conversation:
    """Passes on what a server tells and asks in the course of one call. The helper has bounded
    both."""

    def __init__(self, owner: CallOwner) -> None:
        self._owner = owner
        self._take_back: dict[int, Callable[[], None]] = {}

    def hear(self, told: Reply, send_back: Callable[[Reply], None]) -> None:
        if progress := told.get("progress"):
            self._owner.progress(progress["done"], progress["total"], progress["message"])
        elif (number := told.get("withdrawn")) is not None:
            self._take_back.pop(number, lambda: None)()
        else:
            self._ask(told, send_back)

    def _ask(self, told: Reply, send_back: Callable[[Reply], None]) -> None:
        number = told["question"]

        def decided(said: UserInput) -> None:
            content = {"content": said.content} if said.state == "accepted" else {}
            send_back({"question": number, "action": ACTIONS.get(said.state, "cancel"), **content})

        self._take_back[number] = self._owner.ask(told["message"], told["schema"], decided)
