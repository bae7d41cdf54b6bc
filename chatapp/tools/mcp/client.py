"""The tools of MCP servers, through one helper process (`helper.py`), in which the official SDK lives.

The helper is started by the first request, started again after it has died, and ends with this process: its standard
input is a pipe that only this process holds. Requests and replies are lines; a request that is stopped is cancelled
there too. What the helper and its servers complain of is in `mcp.log`.
"""

import json
import logging
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Literal

import gevent
from gevent.event import AsyncResult
from gevent.queue import Queue

from chatapp.cancel import CancelScope
from chatapp.chat import ToolSpec
from chatapp.tools import Arguments, ToolFailed

KEPT_S, FAILURE_KEPT_S = (
    30.0,
    10.0,
)  # how long a list of tools is believed; how soon a server that failed is asked again
GRACE_S = 5.0  # beyond the limit of a start: for the SDK to end a server that has not started
CLOSE_S = 5.0  # for the servers to end themselves; the SDK kills them before
LOG_BYTES = 1_000_000  # `mcp.log` begins anew before it would be larger
COMPLAINT_BYTES = 8192  # read at once
LAST_WORDS_S = 1.0  # for what a helper that has ended still had to say

Reply = dict[str, Any]

logger = logging.getLogger(__name__)


class MCPHelper:
    """One per process; make it in the process that uses it. `servers` as in the first line of `helper.py`."""

    def __init__(self, servers: Mapping[str, Mapping[str, object]], start_timeout_s: float, log: Path) -> None:
        self.start_timeout_s = start_timeout_s
        self._settings = {"start_timeout_s": start_timeout_s, "servers": servers}
        self._log = log
        self._ids = count(1)
        self._process: _Process | None = None
        self._closed = False

    def ask(self, request: Reply, scope: CancelScope) -> Reply:
        """The reply: `tools`, `result` or `error`. Waits in the scope; a stop or a time limit cancels the request."""
        if self._closed:
            return {"error": "The MCP servers are stopping."}
        if self._process is None or self._process.ended:
            self._process = _Process(self._settings, self._log)
        process, id = self._process, next(self._ids)
        waiting = process.send({"id": id, **request})
        try:
            scope.run(waiting.wait)
        except BaseException:  # whatever stops it: the server need not go on
            process.send({"id": id, "cancel": True})
            raise
        reply = waiting.get()
        assert reply is not None
        return reply

    def close(self) -> None:
        """End the helper, and its servers with it. Idempotent."""
        self._closed = True
        if self._process is not None:
            self._process.close()


class MCPServer:
    """One MCP server as a source of tools. Who asks first waits for it to start; later a list that is old is renewed
    while it is used, so that a server that hangs holds up nobody."""

    def __init__(self, name: str, helper: MCPHelper) -> None:
        self.name = name
        self._helper = helper
        self._tools: Sequence[MCPTool] = ()
        self._problem = ""
        self._known_until = 0.0
        self._first: gevent.Greenlet[..., None] | None = None

    def tools(self) -> Sequence["MCPTool"]:
        if time.monotonic() >= self._known_until:
            self._known_until = math.inf  # until the answer is there: it is asked once
            asking = gevent.spawn(self._ask)
            if self._first is None:
                self._first = asking
        assert self._first is not None
        self._first.join()
        return self._tools

    def problem(self) -> str:
        return self._problem

    def close(self) -> None:
        self._helper.close()

    def _ask(self) -> None:
        try:
            with gevent.Timeout(self._helper.start_timeout_s + GRACE_S):
                reply = self._helper.ask({"server": self.name}, CancelScope())
        except gevent.Timeout:
            reply = {"error": f"It did not answer within {self._helper.start_timeout_s:g} s."}
        self._problem = reply.get("error", "")
        self._tools = [MCPTool(self.name, tool, self._helper) for tool in reply.get("tools", ())]
        self._known_until = time.monotonic() + (FAILURE_KEPT_S if self._problem else KEPT_S)
        if self._problem:
            logger.warning("MCP server %s: %s", self.name, self._problem)


class MCPTool:
    type: Literal["function", "mcp"] = "mcp"
    ask = False

    def __init__(self, server: str, told: Reply, helper: MCPHelper) -> None:
        self.spec = ToolSpec(told["name"], told["description"], told["schema"])
        self._server = server
        self._helper = helper

    def call(self, arguments: Arguments, scope: CancelScope) -> object:
        request = {"server": self._server, "tool": self.spec.name, "arguments": arguments}
        reply = self._helper.ask(request, scope)
        if "error" in reply:
            raise ToolFailed(reply["error"])
        return reply["result"]


class _Process:
    """One helper process, from before its start until it is reaped. It lives in a greenlet of its own: a stop that
    lands in a caller touches no line that is being written or read."""

    def __init__(self, settings: Mapping[str, object], log: Path) -> None:
        self.ended = False
        self._log = log
        self._outbox: Queue[bytes | None] = Queue()
        self._waiting: dict[int, AsyncResult[Reply]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._keeper: gevent.Greenlet[..., None] | None = None
        self._outbox.put(_line(settings))
        self._greenlet = gevent.spawn(self._live)

    def send(self, request: Reply) -> "AsyncResult[Reply]":
        """Where the reply will be."""
        reply: AsyncResult[Reply] = AsyncResult()
        if request.get("cancel"):
            self._waiting.pop(request["id"], None)
        else:
            self._waiting[request["id"]] = reply
        self._outbox.put(_line(request))
        return reply

    def close(self) -> None:
        self._outbox.put(None)
        self._greenlet.join(CLOSE_S)
        if not self._greenlet.ready() and self._process is not None:
            self._process.kill()
            self._greenlet.join(CLOSE_S)

    def _live(self) -> None:
        try:
            with self._start() as process:
                self._process = process
                # Not closed with the others: a server that outlives the helper a little may still write to it.
                self._keeper, process.stderr = gevent.spawn(self._keep, process.stderr), None
                writer = gevent.spawn(self._write, process.stdin)
                self._read(process.stdout)
                writer.kill()
        except OSError as error:
            logger.error("MCP helper: %s", error)
        finally:
            self.ended = True
            for reply in self._waiting.values():
                reply.set({"error": "The MCP servers have ended; they are started again by the next call."})
            if self._keeper is not None:
                self._keeper.join(LAST_WORDS_S)

    def _start(self) -> "subprocess.Popen[bytes]":
        script = Path(__file__).with_name("helper.py")
        # By its path: importing the package would load the whole server. -P keeps the package's folder off the
        # module path. A session of its own: Ctrl-C in the server's terminal must not end calls under way.
        return subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def _keep(self, stderr: Any) -> None:
        with stderr:
            while complaint := stderr.read1(COMPLAINT_BYTES):
                try:
                    _append(self._log, complaint)
                except OSError as error:  # a full disk stops no server: the pipe is read on
                    logger.error("MCP helper: %s", error)

    def _write(self, stdin: Any) -> None:
        try:
            while (line := self._outbox.get()) is not None:
                stdin.write(line)
                stdin.flush()
            stdin.close()
        except OSError:
            return  # it has ended, which the reader sees too

    def _read(self, stdout: Any) -> None:
        for line in stdout:
            reply = json.loads(line)
            if waiting := self._waiting.pop(reply["id"], None):
                waiting.set(reply)


def _append(log: Path, data: bytes) -> None:
    """Other processes may append to the same file."""
    with open(log, "ab") as file:
        if os.fstat(file.fileno()).st_size + len(data) > LOG_BYTES:
            file.truncate(0)
        file.write(data)


def _line(value: Mapping[str, object]) -> bytes:
    return json.dumps(value).encode() + b"\n"
