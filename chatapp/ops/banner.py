"""What is printed when the server is ready: where it is, and a line for a shell for each dialect. Pure."""

import json

PROMPT = {"prompt": "Hello"}
SAID = [{"role": "user", "content": "Hello"}]
PARTS = [{"role": "user", "parts": [{"type": "text", "text": "Hello"}]}]


def greeting(url: str) -> str:
    lines = {
        "token": _post(f"{url}/chat/stream", PROMPT),
        "session": f"curl -N '{url}/chat?sessionId=mine&prompt=Hello'",
        "reasoning": f"curl -N '{url}/api/chat?thinking=true&prompt=Hello'",
        "delta": f"curl -N '{url}/ask/stream?question=Hello'",
        "message": _post(f"{url}/api/v1/messages", PROMPT),
        "": f"curl -N {url}/api/v1/messages/ID/events",
        "openai": _post(f"{url}/v1/chat/completions", {"stream": True, "messages": SAID}),
        "responses": _post(f"{url}/v1/responses", {"stream": True, "input": "Hello"}),
        "anthropic": _post(f"{url}/v1/messages", {"stream": True, "messages": SAID}),
        "ui_message": _post(f"{url}/api/ui/chat", {"id": "mine", "messages": PARTS}),
        "agui": _post(f"{url}/api/agui", {"threadId": "mine", "runId": "1", "messages": SAID}),
    }
    listed = "".join(f"  {name:<12}{line}\n" for name, line in lines.items())
    return f"\nchatapp is ready: {url}\n\n{listed}"


def _post(url: str, body: object) -> str:
    return f"curl -N {url} -H 'Content-Type: application/json' -d '{json.dumps(body)}'"
