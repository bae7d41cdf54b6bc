"""An MCP server without an SDK, which breaks the rules as the word on its command line says.

It writes its process id, and that of a child if it has one, to the file named by PIDS.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

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
        case "initialize":
            version = request["params"]["protocolVersion"]
            info = {"name": "raw", "version": "1"}
            say(request, result={"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info})
        case "ping":
            say(request, **PINGS.get(MODE, {"result": {}}))
        case "tools/list":
            say(request, result={"tools": TOOLS.get(MODE, [ECHO])})
        case "tools/call" if MODE == "meta":
            say(request, result={"content": [{"type": "text", "text": json.dumps(request["params"].get("_meta"))}]})
        case "tools/call":
            say(request, result=RESULTS.get(MODE, {"content": [TEXT]}))
        case _ if "id" in request:
            say(request, error={"code": -32601, "message": "Method not found"})


def say(request: dict[str, Any], **reply: Any) -> None:
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **reply}), flush=True)


if __name__ == "__main__":
    main()
