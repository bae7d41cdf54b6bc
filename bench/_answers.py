"""A fake provider that writes long answers of markdown, at a rate: OpenAI's chat completions."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain, islice, repeat
from typing import Any

SAID = "the river finds its way to sea because each stone lets water pass and no two days are like one another"
WORDS = SAID.split(" ")
FRAME = 500  # tokens in one frame of those that come at once


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
        for _ in range(0, ahead, FRAME):
            self._send("".join(islice(shape, FRAME)))
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
    text = chain([STARTS.get(shape, "")], (SHAPES[shape](chance) for _ in repeat(None)))
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


def nested(chance: random.Random) -> str:
    """Items of five levels, without an end to the list."""
    return "".join(f"{'  ' * level}{item(chance)}" for level in (0, 1, 2, 3, 4, 2, 1))


def formulas(chance: random.Random) -> str:
    """A paragraph with formulas, and one by itself."""
    a, b = chance.randrange(2, 99), chance.choice("xyz")
    inline = rf"{sentence(chance)}With ${b}_{{{a}}} \le \sqrt{{{a}}}$ and \({b}^2 + {a}\) it holds. "
    return (
        inline * 3
        + rf"\n\n$$\sum_{{i=1}}^{{{a}}} \frac{{{b}_i^2}}{{\sqrt{{{b}_i + {a}}}}} = \int_0^\infty e^{{-{b}}}\,d{b}$$\n\n"
    )


def chinese(chance: random.Random) -> str:
    """A paragraph without spaces, and a list."""
    said = "".join(chance.sample("河流总能找到大海因为水往低处走石头让开两天从不相同雨落在高地上汇成小溪", 24))
    return f"{said[:12]}，**{said[12:16]}**，{said[16:]}。" * 4 + f"\n\n- {said[:9]}\n- `{said[9]}`：{said[10:]}\n\n"


def linked(chance: random.Random) -> str:
    """Links of each kind, and footnotes with their texts behind them."""
    name = f"n{chance.randrange(10**9)}"
    link = f"[{chance.choice(WORDS)} and {chance.choice(WORDS)}](https://example.com/{chance.randrange(999)})"
    return f"{sentence(chance)}{link}, https://example.org/{name} and a note.[^{name}]\n\n[^{name}]: {sentence(chance)}\n\n"


def defined(chance: random.Random) -> str:
    """Links whose addresses are defined below the text that mentions them."""
    name = f"r{chance.randrange(10**9)}"
    return f"{sentence(chance)}See [{chance.choice(WORDS)}][{name}].\n\n[{name}]: https://example.com/{name}\n\n"


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


# Each makes a piece of an answer; some add to one block that never ends.
SHAPES: dict[str, Callable[[random.Random], str]] = {
    "mixed": mixed,
    "paragraph": sentence,
    "list": item,
    "nested": nested,
    "table": line_of_table,
    "code": line_of_code,
    "formulas": formulas,
    "quote": lambda chance: f"> {sentence(chance)}\n",
    "chinese": chinese,
    "links": linked,
    "definitions": defined,
    "marks": lambda _: r"\[ x ",
}
STARTS = {"table": "| a | b | c |\n|---|--:|---|\n", "code": "```python\n"}
