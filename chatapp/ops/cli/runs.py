"""`chatapp runs`: what ran, from the stores alone."""

import sys
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from chatapp.ops.cli.common import examples, json_option, print_json, print_table, read_settings

if TYPE_CHECKING:
    from chatapp.events import Entry

STATES = ("running", "stop", "length", "content_filter", "tool_limit", "cancelled", "interrupted", "error")
HEAD = ("id", "started", "owner", "provider", "model", "state", "tokens", "first token", "total")


@click.group()
def runs() -> None:
    """Look at runs in the data folder. No server is needed; one may run."""


@runs.command(
    "list",
    epilog=examples("chatapp runs list", "chatapp runs list --state error --limit 5", "chatapp runs list --json"),
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many.")
@click.option("--owner", help="Only this owner's.")
@click.option("--state", type=click.Choice(STATES), help="Only those that are running, or ended like this.")
@json_option
def list_runs(limit: int, owner: str | None, state: str | None, as_json: bool) -> None:
    """List the newest runs of all owners: state, tokens and times, never what was said."""
    from contextlib import closing

    import msgspec

    from chatapp.ops.runs import StoredRuns

    with closing(StoredRuns(read_settings())) as stored:
        found = stored.newest(limit, owner, state)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    print_table(
        HEAD,
        [
            (
                run.id,
                _time(run.created),
                run.owner,
                run.provider,
                run.model,
                f"{run.state}: {run.error}" if run.error else run.state,
                "" if run.prompt_tokens is None else f"{run.prompt_tokens} + {run.completion_tokens}",
                _seconds(run.first_token_ms),
                _seconds(run.total_ms),
            )
            for run in found
        ],
    )


@runs.command(epilog=examples("chatapp runs show msg_…", "chatapp runs show msg_… --entries | jq .event"))
@click.argument("run_id", metavar="ID")
@click.option("--entries", is_flag=True, help="Print its events, a line of JSON each, instead.")
def show(run_id: str, entries: bool) -> None:
    """Print the run ID as JSON, with what was said."""
    from contextlib import closing

    from chatapp.ops.runs import StoredRuns, described, entry_json
    from chatapp.transcript import transcript_of

    with closing(StoredRuns(read_settings())) as stored:
        answer = stored.answer(run_id)
        found = stored.entries(answer)
        if not entries:
            print_json(described(answer, transcript_of(found)))
            return
        for entry in found:
            print_json(entry_json(entry), indent=None)


@runs.command(
    epilog=examples(
        "chatapp runs replay msg_…",
        "chatapp runs replay msg_… --pace 1",
        "chatapp runs replay msg_… --dialect openai --pace 10",
    )
)
@click.argument("run_id", metavar="ID")
@click.option(
    "--pace", type=click.FloatRange(0.1, 100), help="As it came, so many times as fast. Without: all at once."
)
@click.option("--dialect", help="Print the frames of this dialect instead of the text.")
def replay(run_id: str, pace: float | None, dialect: str | None) -> None:
    """Print the answer of the run ID again. A run that goes on is followed to its end."""
    from contextlib import closing

    from chatapp.dialects.registry import DIALECTS
    from chatapp.ops.runs import StoredRuns

    if dialect is not None and dialect not in DIALECTS:
        raise click.BadParameter(
            f"unknown dialect {dialect!r}; available: {', '.join(DIALECTS)}", param_hint="--dialect"
        )
    with closing(StoredRuns(read_settings())) as stored:
        answer = stored.answer(run_id)
        if dialect is None:
            _print_text(stored.paced(answer, pace))
            return
        for piece in stored.frames(answer, DIALECTS[dialect](), pace):
            _write(piece)


def _print_text(entries: "Iterable[Entry]") -> None:
    """On a terminal with thinking, calls and figures; in a pipe the text alone."""
    from chatapp.events import TextDelta
    from chatapp.models.terminal import Screen
    from chatapp.models.terminal import plain as without_control

    screen, is_terminal = Screen(), sys.stdout.isatty()
    for entry in entries:
        if is_terminal:
            screen.show(entry.event)
        elif isinstance(entry.event, TextDelta):
            click.echo(without_control(entry.event.text), nl=False)
            sys.stdout.flush()
    if not is_terminal:
        click.echo()


def _write(piece: bytes) -> None:
    """Byte for byte, unless a terminal would obey some of them."""
    if sys.stdout.isatty():
        from chatapp.models.terminal import plain as without_control

        piece = without_control(piece.decode("utf-8", "replace")).encode()
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _time(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def _seconds(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.2f} s"
