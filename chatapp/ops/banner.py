"""The text printed when the server is ready: its URL, and a command for each dialect. Pure."""

import json

PROMPT = {"prompt": "Hello"}
MESSAGES = [{"role": "user", "content": "Hello"}]
UI_MESSAGES = [{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}]
KEY = " -H 'Authorization: Bearer '$KEY"


def banner(url: str, by_key: bool = False) -> str:
    """`by_key`: the commands send a key."""
    key = KEY if by_key else ""
    commands = {
        "token": _post(f"{url}/chat/stream", PROMPT),
        "session": f"curl -N '{url}/chat?sessionId=mine&prompt=Hello'",
        "reasoning": f"curl -N '{url}/api/chat?thinking=true&prompt=Hello'",
        "delta": f"curl -N '{url}/ask/stream?question=Hello'",
        "message": _post(f"{url}/api/v1/messages", PROMPT),
        "": f"curl -N {url}/api/v1/messages/ID/events",
        "openai": _post(f"{url}/v1/chat/completions", {"stream": True, "messages": MESSAGES}),
        "responses": _post(f"{url}/v1/responses", {"stream": True, "input": "Hello"}),
        "anthropic": _post(f"{url}/v1/messages", {"stream": True, "messages": MESSAGES}),
        "ui_message": _post(f"{url}/api/ui/chat", {"id": "mine", "messages": UI_MESSAGES}),
        "agui": _post(f"{url}/api/agui", {"threadId": "mine", "runId": "1", "messages": MESSAGES}),
    }
    listed = "".join(f"  {name:<12}{command}{key}\n" for name, command in commands.items())
    make = "  KEY=$(chatapp keys create NAME)\n" if by_key else ""
    return f"\nchatapp is ready: {url}\n\n{make}{listed}"


def _post(url: str, body: object) -> str:
    return f"curl -N {url} -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
