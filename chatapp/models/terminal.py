"""`python -m chatapp.models`: streams an answer to a terminal. It knows no provider.

Control characters from models, tools and providers never reach the terminal, where some would set
the clipboard or the window's title.
"""

import logging
import re
import sys
from typing import Any

import click
import msgspec

from chatapp.errors import ChatappError
from chatapp.events import (
    AttemptReset,
    CitedSource,
    File,
    ReasoningDelta,
    RunEnd,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolResult,
)
from chatapp.models import model as model_of

CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0, DEL and C1, except tab and newline
    r"\u202a-\u202e\u2066-\u2069"  # what reorders the text around it
    r"\ud800-\udfff]"  # half a character, which cannot be written
)


@click.command()
@click.argument("provider")
@click.argument("prompt", required=False)
@click.option("--model", help="The model to ask, instead of the provider's default.")
@click.option("--thinking/--no-thinking", default=None, help="Switch thinking on or off, if the model can.")
@click.option("--max-tokens", type=click.IntRange(min=1))
@click.option("--temperature", type=click.FloatRange(0, 2))
def main(provider: str, prompt: str | None, **more: Any) -> None:
    """Ask PROVIDER to answer PROMPT, or the text on standard input."""
    logging.getLogger("chatapp").setLevel(logging.ERROR)  # no warning that there is no local model
    try:
        screen = Screen()
        for event in model_of(provider).events(prompt or sys.stdin.read(), **more):
            screen.show(event)
    except ChatappError as error:
        raise click.ClickException(plain(error.message)) from None
    if screen.failed:
        sys.exit(1)


class Screen:
    """Prints events: thinking dimmed, tool calls on lines of their own, usage at the end."""

    def __init__(self) -> None:
        self.failed = False
        self._last: type[StreamEvent] | None = None

    def show(self, event: StreamEvent) -> None:
        match event:
            case TextDelta():
                self._write(event, plain(event.text))
            case ReasoningDelta():
                self._write(event, click.style(plain(event.text), dim=True))
            case ToolCall():
                arguments = msgspec.json.encode(event.arguments).decode()
                self._line(event, click.style(plain(f"{event.name} {arguments}"), fg="cyan"))
            case ToolResult(error=None):
                result = msgspec.json.encode(event.result).decode()
                self._line(event, click.style(plain(f"→ {result}"), fg="cyan"))
            case ToolResult():
                self._line(event, click.style(plain(f"→ {event.error}"), fg="red"))
            case CitedSource():
                self._line(event, click.style(plain(" ".join(filter(None, (event.title, event.url)))), fg="cyan"))
            case File():
                self._line(
                    event,
                    click.style(
                        plain(f"{event.name or event.media_type}: {event.error or event.url or _size(event)}"),
                        fg="cyan",
                    ),
                )
            case AttemptReset():
                self._line(event, click.style(plain(f"The answer starts again: {event.reason}"), fg="yellow"))
            case RunEnd():
                self._end(event)
            case _:
                pass  # details of the events above, or events for other clients

    def _write(self, event: StreamEvent, text: str) -> None:
        """Print a piece of text, after a blank line if the previous event was of another type."""
        if self._last not in (None, type(event)):
            click.echo("\n")
        self._last = type(event)
        click.echo(text, nl=False)
        sys.stdout.flush()

    def _line(self, event: StreamEvent, text: str) -> None:
        if self._last is not None:
            click.echo()
        self._last = type(event)
        click.echo(text, nl=False)

    def _end(self, end: RunEnd) -> None:
        self.failed = end.error is not None
        if end.error is not None:
            self._line(end, click.style(plain(end.error.message), fg="red"))
        click.echo("\n")
        click.echo(click.style(statistics(end), dim=True))


def plain(text: str) -> str:
    return CONTROL.sub("", text)


def statistics(end: RunEnd) -> str:
    usage, timing = end.usage, end.timing
    about = "about " if usage.estimated else ""
    first = "" if timing.first_token_ms is None else f", the first after {timing.first_token_ms / 1000:.2f} s"
    return (
        f"{end.reason} · {about}{usage.prompt} + {usage.completion} = {usage.total} tokens{first} · "
        f"{timing.total_ms / 1000:.2f} s"
    )


def _size(file: File) -> str:
    return f"{len(file.bytes)} bytes"
