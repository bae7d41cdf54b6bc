"""An MCP server without an SDK, which breaks the rules as the word on its command line says.

It writes its process id, and that of a child if it has one, to the file named by PIDS.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any, ClassVar

MODE = sys.argv[1]
NEEDS_Y = {"type": "object", "properties": {"y": {"type": "string"}}, "required": ["y"]}
ECHO: dict[str, Any] = {"name": "echo", "inputSchema": {"type": "object", "properties": {"x": {"type": "string"}}}}
TEXT: dict[str, Any] = {"type": "text", "text": "useful"}

TOOLS: dict[str, list[Any]] = {
    "no-structure": [{**ECHO, "outputSchema": NEEDS_Y}],
    "wrong-structure": [{**ECHO, "outputSchema": NEEDS_Y}],
    "right-structure": [{**ECHO, "outputSchema": NEEDS_Y}],
    "impossible-schema": [{**ECHO, "outputSchema": {"type": "nonsense", "$ref": "http://nowhere.invalid/x"}}],
    "bad-tools": [
        ECHO,
        {"name": "schemaless", "inputSchema": None},
        {"name": "listing", "inputSchema": {"type": "array"}},
        {"name": "", "inputSchema": {}},
        {"inputSchema": {}},
        "words",
        {"name": "typeless", "inputSchema": {}, "description": None, "annotations": 7, "icons": "none"},
    ],
}
RESULTS: dict[str, dict[str, Any]] = {
    "wrong-structure": {"content": [TEXT], "structuredContent": {"z": 1}},
    "right-structure": {"content": [TEXT], "structuredContent": {"y": "right"}},
    "impossible-schema": {"content": [TEXT], "structuredContent": {"y": "right"}},
    "only-structure": {"structuredContent": {"y": "right"}},
    "null-content": {"content": None, "structuredContent": {"y": "right"}},
    "list-structure": {"content": [TEXT], "structuredContent": [1]},
    "only-list-structure": {"structuredContent": [1]},
    "unknown-part": {"content": [TEXT, {"type": "video", "data": "x"}]},
    "odd-parts": {"content": ["plain", {"type": "text", "text": "more", "annotations": 3}, 7]},
    "one-part": {"content": TEXT},
    "failed": {"content": [TEXT], "isError": True, "structuredContent": {"code": 3}},
}
FORM = {"type": "object", "properties": {"name": {"type": "string"}}}
QUESTIONS: dict[str, list[dict[str, Any]]] = {
    "asks": [{"message": "Who?", "requestedSchema": FORM}],
    "asks-late": [{"message": "Who?", "requestedSchema": FORM}],
    "asks-twice": [{"message": "Who?", "requestedSchema": FORM}, {"message": "And who?", "requestedSchema": FORM}],
    "asks-nested": [{"message": "Where?", "requestedSchema": {**FORM, "properties": {"place": FORM}}}],
    "asks-elsewhere": [{"mode": "url", "message": "Go", "url": "https://nowhere.test", "elicitationId": "1"}],
    "asks-much": [{"message": f"{number}?", "requestedSchema": FORM} for number in range(30)],
    "takes-back": [{"message": "Who?", "requestedSchema": FORM}],
}
NEWER = {"resultType": "complete", "ttlMs": 0, "cacheScope": "private"}  # what protocol 2026-07-28 wants
PINGS: dict[str, dict[str, Any]] = {
    "ping-list": {"result": []},
    "ping-error": {"error": {"code": -32603, "message": "no ping"}},
    "ping-unknown": {"error": {"code": -32601, "message": "Method not found"}},
}


def main() -> None:
    if MODE in ("deaf", "deaf-parent"):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
    pids = [os.getpid()]
    if MODE in ("deaf-parent", "leaves-child"):
        pids.append(subprocess.Popen([sys.executable, __file__, "deaf"], env={**os.environ, "PIDS": os.devnull}).pid)
    if path := os.environ.get("PIDS"):
        with open(path, "w") as file:
            file.write(" ".join(map(str, pids)))
    if MODE in ("deaf", "never-starts"):
        while True:
            signal.pause()
    for line in sys.stdin:
        answer(json.loads(line))
    while MODE == "deaf-parent":
        signal.pause()


def answer(request: dict[str, Any]) -> None:
    match request.get("method"):
        case "initialize" if MODE == "newer":
            say(request, error={"code": -32601, "message": "Method not found"})
        case "server/discover" if MODE == "newer":
            info = {"name": "raw", "version": "1"}
            found = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "serverInfo": info}
            say(request, result={**found, **NEWER})
        case "initialize":
            version = request["params"]["protocolVersion"]
            info = {"name": "raw", "version": "1"}
            say(request, result={"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})
        case "ping":
            say(request, **PINGS.get(MODE, {"result": {}}))
        case "tools/list":
            say(request, result={"tools": TOOLS.get(MODE, [ECHO]), **(NEWER if MODE == "newer" else {})})
        case "tools/call" if MODE == "meta":
            say(request, result={"content": [{"type": "text", "text": json.dumps(request["params"].get("_meta"))}]})
        case "tools/call" if MODE in QUESTIONS:
            Asking(request).go()
        case "tools/call":
            say(request, result={**RESULTS.get(MODE, {"content": [TEXT]}), **(NEWER if MODE == "newer" else {})})
        case _ if "id" in request:
            say(request, error={"code": -32601, "message": "Method not found"})


class Asking:
    """A call that asks; its result is what is said, in the order of the questions."""

    late: ClassVar[list[Any]] = []  # what was said after the call

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request

    def go(self) -> None:
        if MODE == "asks-late":
            self.end(self.late)
        for number, params in enumerate(QUESTIONS[MODE]):
            self.tell(method="elicitation/create", id=f"q{number}", params=params)
        if MODE == "takes-back":
            self.tell(method="notifications/cancelled", params={"requestId": "q0"})
            self.end(["taken back"])
            return
        said: dict[str, Any] = {}
        while len(said) < len(QUESTIONS[MODE]):
            reply = json.loads(sys.stdin.readline())
            if "method" in reply:
                answer(reply)
            else:
                said[reply["id"]] = reply.get("result") or reply["error"]["message"]
        if MODE == "asks-late":
            self.late.extend(said.values())
        else:
            self.end([said[id] for id in sorted(said, key=lambda id: int(id[1:]))])

    def tell(self, **message: Any) -> None:
        print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)

    def end(self, said: list[Any]) -> None:
        say(self.request, result={"content": [{"type": "text", "text": json.dumps(said)}]})


def say(request: dict[str, Any], **reply: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **reply}), flush=True)


if __name__ == "__main__":
    main()
