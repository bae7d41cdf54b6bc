"""The process that talks to MCP servers, with the official SDK.

The SDK uses asyncio, and its stdio client does not work under gevent's patches, so it gets its own
process, which imports nothing else of chatapp.

    __main__   starts it
    pump       requests in, replies out
    sessions   the servers and their connections
    calls      what a call that runs tells, and asks
    sloppy     mends messages that do not keep to the protocol

Standard input has one JSON object per line, first the settings:

    {"start_timeout_s": 20, "servers": {"time": {"command": …, "args": [], "env": {}},
                                        "far": {"url": …, "headers": {}}}}

then requests, whose replies go to standard output:

    {"id": 1, "server": "time"}                                 {"id": 1, "tools": [{"name", …}],
                                                                 "left_out": {"name": "why"}}
    {"id": 2, "server": "time", "tool": "f", "arguments": {},   {"id": 2, "result": …}
                                    "meta": {"traceparent": …}} or {"id": 2, "error": "…"}
    {"id": 2, "cancel": true}

Before its reply a call may tell how far it is, ask its user something, and take that back:

    {"id": 2, "progress": {"done": 3, "total": 10, "message": ""}}
    {"id": 2, "question": 1, "message": "Which one?", "schema": {…}}
    {"id": 2, "withdrawn": 1}

to which the answer is `{"id": 2, "question": 1, "action": "accept", "content": {…}}`, whose action
may also be `decline` or `cancel`.

A server starts at the first request for it, and again after it has died. All servers end when
standard input does, and so also when the process at its other end is killed; the kernel ends them
if this process is killed itself.
"""
