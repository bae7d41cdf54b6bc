"""A fake provider that writes long answers of markdown, at a rate: OpenAI's chat completions."""

import json
import random
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, islice, repeat
from typing import Any

SAID = "the river finds its way to sea because each stone lets water pass and no two days are like one another"
WORDS = SAID.split(" ")


def provider(shape: str, tokens: int, rate: float, ahead: int) -> ThreadingHTTPServer:
    """Serves in a thread until the process ends; `rate` is in tokens a second, `ahead` come at once."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    vars(server).update(shape=shape, tokens=tokens, rate=rate, ahead=ahead)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Provider(BaseHTTPRequestHandler):
    """OpenAI's chat completions. The server has the figures `tokens`, `rate` and `ahead`."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        began, ahead = time.monotonic(), self.server.ahead
        shape = answer(self.server.shape)
        if ahead:
            self._send("".join(islice(shape, ahead)))
        for number, token in enumerate(islice(shape, self.server.tokens - ahead)):
            time.sleep(max(0.0, began + number / self.server.rate - time.monotonic()))
            self._send(token)
        self.wfile.write(b"data: [DONE]\n\n")

    def _send(self, text: str) -> None:
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": None}
        self.wfile.write(f"data: {json.dumps({'id': 'bench', 'choices': [choice]})}\n\n".encode())

    def log_message(self, *_: object) -> None:
        pass


def answer(shape: str) -> Iterator[str]:
    """Endless tokens of about six characters, the same each time."""
    chance = random.Random(7)
    pieces = {"mixed": mixed, "paragraph": sentence, "list": item, "table": line_of_table, "code": line_of_code,
              "marks": lambda _: r"\[ x ", "quote": lambda c: f"> {sentence(c)}\n"}  # fmt: skip
    start = {"table": "| a | b | c |\n|---|--:|---|\n", "code": "```python\n"}.get(shape, "")
    text = chain([start], (pieces[shape](chance) for _ in repeat(None)))
    yield from (token for each in text for token in _cut(each))


def _cut(text: str) -> Iterator[str]:
    return (text[at : at + 6] for at in range(0, len(text), 6))


def sentence(chance: random.Random) -> str:
    words = [chance.choice(WORDS) for _ in range(12)]
    words[3], words[7] = f"**{words[3]}**", f"`{words[7]}`"
    return " ".join(words).capitalize() + ". "


def item(chance: random.Random) -> str:
    return f"- **{chance.choice(WORDS)}**: {sentence(chance)}\n"


def line_of_table(chance: random.Random) -> str:
    return (
        f"| {chance.choice(WORDS)} | {chance.random():.4f} | `{chance.choice(WORDS)}` and *{chance.choice(WORDS)}* |\n"
    )


def line_of_code(chance: random.Random) -> str:
    return (
        f"    {chance.choice(WORDS)} = [{chance.choice(WORDS)!r}, {chance.randrange(999)}]  # {chance.choice(WORDS)}\n"
    )


def mixed(chance: random.Random) -> str:
    many = [sentence(chance) for _ in range(chance.randint(2, 6))]
    items = "".join(item(chance) for _ in range(6))
    code = "".join(line_of_code(chance) for _ in range(30))
    rows = "".join(line_of_table(chance) for _ in range(8))
    formula = r"$$\sum_{i=1}^{n} \frac{x_i^2}{\sqrt{y_i}}$$ and \(a^2 + b^2\) inside."
    return (
        f"## {chance.choice(WORDS).title()} and {chance.choice(WORDS)}\n\n{''.join(many)}\n\n{items}\n"
        f"```python\n{code}```\n\n| a | b | c |\n|---|--:|---|\n{rows}\n{formula}\n\n"
    )
