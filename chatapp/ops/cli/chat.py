"""`chatapp chat`."""

import os
import sys
from typing import TYPE_CHECKING

import click

from chatapp.ops.cli.common import examples, read_settings, yes_option

if TYPE_CHECKING:
    from chatapp.ops.chat.conversation import Conversation

FAILED, REFUSED, INTERRUPTED = 1, 2, 130


@click.command(
    epilog=examples(
        "chatapp chat",
        "chatapp chat --provider mock --model think",
        'chatapp chat "Name three rivers"',
        "git diff | chatapp chat 'Describe this change:' -",
        "echo hi | chatapp chat --url https://chat.example.com",
    )
)
@click.argument("words", metavar="[PROMPT]...", nargs=-1)
@click.option("--url", help="The server.  [default: http://HOST:PORT, of those variables]")
@click.option("--key", envvar="CHATAPP_KEY", show_envvar=True, help="An API key of the server.")
@click.option("--provider", help="The provider that answers.")
@click.option("--model", help="The model that answers.")
@click.option("--thinking/--no-thinking", default=None, help="Switch thinking on or off, if the model can.")
@click.option("--tool", "tools", multiple=True, help="Offer this tool; may be repeated.")
@click.option("--conversation", help="Go on with the conversation of this id.")
@yes_option
def chat(
    words: tuple[str, ...],
    url: str | None,
    key: str | None,
    provider: str | None,
    model: str | None,
    thinking: bool | None,
    tools: tuple[str, ...],
    conversation: str | None,
    yes: bool,
) -> None:
    """Talk to a running server.

    Ctrl-C stops an answer; a lost connection is taken up again where it broke. `/help` lists the
    commands.

    With PROMPT, or with standard input that is no terminal, it prints the answer and nothing else.
    `-` in PROMPT stands for standard input. A call that needs your approval is then refused (exit
    2), unless --yes approves all.
    """
    from chatapp.ops.address import address
    from chatapp.ops.chat.conversation import Choice, Conversation
    from chatapp.ops.http import Site

    site = Site(url or f"http://{address(os.environ)}", key)
    talk = Conversation(site, Choice(provider, model, thinking, list(tools) or None), conversation)
    if words or not (sys.stdin.isatty() and sys.stdout.isatty()):
        sys.exit(_once(talk, _prompt(words), yes))
    _talk(talk, yes)


def _prompt(words: tuple[str, ...]) -> str:
    if not words:
        return _standard_input()
    return " ".join(f"\n\n{_standard_input()}" if word == "-" else word for word in words)


def _standard_input() -> str:
    """What is no text in it is shown as such, instead of ending in a traceback."""
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _once(talk: "Conversation", prompt: str, yes: bool) -> int:
    """Print the answer; return the exit code."""
    from chatapp.ops.chat.screens import NobodyToAsk, PipeScreen

    if not prompt.strip():
        raise click.UsageError("PROMPT: must not be empty; give it as an argument or on standard input")
    try:
        outcome = talk.ask(prompt, PipeScreen(yes))
    except NobodyToAsk as error:
        click.echo(f"Error: {error.message}", err=True)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    if outcome.stopped:
        return INTERRUPTED
    return FAILED if outcome.failed else 0


def _talk(talk: "Conversation", yes: bool) -> None:
    from rich.console import Console

    from chatapp.ops.chat.prompt import history_in, line_reader
    from chatapp.ops.chat.session import Session

    console = Console(highlight=False)
    read = line_reader(history_in(read_settings().data), lambda: session.commands)
    session = Session(talk, console, read, yes)
    talk.site.get("/healthz")  # a wrong URL shows at once
    console.print(f"{talk.site.url}: /help lists the commands, Ctrl-D leaves.", style="dim", markup=False)
    if talk.id is not None:
        session.open(talk.id)
    session.run()
