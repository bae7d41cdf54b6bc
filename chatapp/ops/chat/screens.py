"""Two screens: of a terminal, and of a pipe, which gets the answer alone.

Neither lets control characters of a model, a tool or a server through: some would set the clipboard
or the window's title.
"""

import json
import sys
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markdown import Markdown
from rich.text import Text

from chatapp.errors import ChatappError
from chatapp.models.terminal import plain
from chatapp.ops.chat.blocks import Blocks
from chatapp.ops.chat.following import Heard

REFRESHES = 15  # a second: more, and nobody sees it
SHOWN_CHARS = 500  # of a call's arguments, and of its result
ABOVE_TAIL = 3  # rows of the terminal that the growing block leaves free


class NobodyToAsk(ChatappError):
    code = "nobody_to_ask"


class TerminalScreen:
    """Finished blocks are rendered as Markdown; the one that grows is shown as it is, below them.
    Thinking is dim, calls have lines of their own."""

    def __init__(self, console: Console, yes: bool = False) -> None:
        self._console = console
        self._yes = yes
        self._blocks = Blocks()
        self._live: Live | None = None
        self._open_line = False  # thinking, whose line does not end yet

    def show(self, heard: Heard) -> None:
        data = heard.data
        match heard.name:
            case "content_delta":
                self._text(plain(str(data["delta"])))
            case "reasoning_delta":
                self._thinking(plain(str(data["delta"])))
            case "reset":
                self._forget()
                self._line("The answer starts again.", "yellow")
            case "completed":
                self.close()
                self._line(statistics(data), "dim")
            case "error":
                self.close()
                self._line(str(data.get("message")), "red")
            case _:
                if line := side_line(heard):
                    self._line(*line)

    def cut(self, problem: str) -> None:
        self._line(f"{problem}; trying again …", "yellow")

    def approve(self, tool: str) -> bool:
        self.close()
        if self._yes:
            return True
        answer = self._console.input(Text(f"Allow this call of {plain(tool)}? [y/n] ", style="bold yellow"))
        return answer.strip().lower() in ("y", "yes")

    def close(self) -> None:
        """Render what is left; the line is free then."""
        if rest := self._blocks.flush():
            self._print(rest)
        if self._live is not None:
            self._live.stop()
            self._live = None
        self._end_line()

    def _text(self, text: str) -> None:
        self._end_line()
        if self._live is None:
            self._live = Live(
                console=self._console, transient=True, refresh_per_second=REFRESHES, get_renderable=self._visible_tail
            )
            self._live.start()
        for block in self._blocks.feed(text):
            self._print(block)

    def _print(self, block: str) -> None:
        self._console.print(Markdown(block, hyperlinks=False))
        self._console.print()

    def _visible_tail(self) -> Text:
        """The last lines of the block that grows: more would scroll away and could not be
        replaced."""
        rows = max(self._console.height - ABOVE_TAIL, 1)
        return Text("\n".join(self._blocks.tail[-rows * self._console.width :].split("\n")[-rows:]))

    def _thinking(self, text: str) -> None:
        if not self._open_line:
            self.close()
        self._console.print(Text(text, style="dim"), end="", soft_wrap=True)
        self._open_line = True

    def _line(self, text: str, style: str) -> None:
        self.close()
        self._console.print(Text(plain(text), style=style))

    def _forget(self) -> None:
        self._blocks = Blocks()
        self.close()

    def _end_line(self) -> None:
        if self._open_line:
            self._console.print("\n")
            self._open_line = False


class PipeScreen:
    """Standard output gets the answer's text, word by word; standard error what went wrong.

    What was written cannot be taken back. If the server sends an answer again, it is written on
    from where it was as long as it is the same.
    """

    def __init__(self, yes: bool = False) -> None:
        self._yes = yes
        self._written: list[str] = []
        self._again = ""  # what the server is expected to repeat

    def show(self, heard: Heard) -> None:
        match heard.name:
            case "content_delta":
                self._write(plain(str(heard.data["delta"])))
            case "reset":
                self._again = "".join(self._written)
                self._written = []
            case "error":
                self._warn(str(heard.data.get("message")))

    def cut(self, problem: str) -> None:
        self._warn(f"{problem}; trying again")

    def approve(self, tool: str) -> bool:
        if self._yes:
            return True
        if sys.stdin.isatty():
            print(f"Allow this call of {plain(tool)}? [y/n] ", end="", file=sys.stderr, flush=True)
            return sys.stdin.readline().strip().lower() in ("y", "yes")
        raise NobodyToAsk(
            f"the call of {plain(tool)} needs your approval, and standard input is no terminal; --yes approves all calls"
        )

    def close(self) -> None:
        if self._written and not self._written[-1].endswith("\n"):
            self._out("\n")

    def _write(self, text: str) -> None:
        self._written.append(text)
        if self._again:
            same = self._again.startswith(text)
            self._again, text = (self._again.removeprefix(text), "") if same else ("", self._differs(text))
        self._out(text)

    def _differs(self, text: str) -> str:
        """What to write of a text that is not, or not all, a repetition."""
        if text.startswith(self._again):
            return text.removeprefix(self._again)
        self._warn("the answer starts again")
        return "\n" + "".join(self._written)

    def _out(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    def _warn(self, text: str) -> None:
        print(f"chatapp: {plain(text)}", file=sys.stderr, flush=True)


def side_line(heard: Heard) -> tuple[str, str] | None:
    """What an event beside the text says, on one line, and its style."""
    data = heard.data
    match heard.name:
        case "tool_call":
            return f"{data['name']} {_short(data['arguments'])}", "cyan"
        case "tool_result" if "error" in data:
            return f"→ {_short(data['error'])}", "red"
        case "tool_result":
            return f"→ {_short(data.get('result'))}", "cyan"
        case "tool_approval" if data["state"] != "asked":
            return f"{data['state']}", "yellow"
        case "plan_step":
            return f"{'▸' if data.get('begun') else ' '} {data['index']}. {data['text']}", "magenta"
        case "source":
            return f"[{data.get('title') or data.get('id')}] {data.get('url') or ''}", "cyan"
        case "file":
            return f"{data.get('name') or data.get('media_type')}: {data.get('error') or data.get('url')}", "cyan"
    return None


def statistics(data: dict[str, Any]) -> str:
    """Of the event `completed`, on one line."""
    usage, timing = data["usage"], data["timing"]
    about = "about " if usage.get("estimated") else ""
    first = timing.get("first_token_ms")
    waited = "" if first is None else f", the first after {first / 1000:.2f} s"
    tokens = f"{about}{usage['prompt']} + {usage['completion']} tokens{waited}"
    return f"{data['finish_reason']} · {tokens} · {timing['total_ms'] / 1000:.2f} s"


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]} …"
