"""What the commands share: settings or one line about them, questions, tables, JSON."""

import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import click

from chatapp.errors import ChatappError
from chatapp.settings import Settings
from chatapp.settings.loading import load

UNPRINTABLE = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # JSON escapes C0 itself

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
yes_option = click.option("--yes", is_flag=True, help="Answer every question with yes.")


class Refusal(click.ClickException):
    """What was asked for cannot be done: exit 2, as for a wrong option."""

    exit_code = 2


class Commands(click.Group):
    """A group whose commands may raise ChatappError: its message is the one line that is shown."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except ChatappError as error:
            raise click.ClickException(error.message) from None


def examples(*lines: str) -> str:
    """The end of a command's help."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def read_settings() -> Settings:
    """As the server reads them. Raises ConfigError."""
    return load(os.environ)


def confirm(question: str, yes: bool) -> None:
    """Go on only with the user's consent. Nobody is asked if `yes` is given, or if nobody is there
    to answer: then the command is refused (exit 2)."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question} Standard input is no terminal; add --yes if so.")
    click.confirm(question, abort=True)


def print_json(value: object, indent: int | None = 2) -> None:
    """What a terminal would obey is escaped; other letters are left as they are."""
    click.echo(UNPRINTABLE.sub(_escaped, json.dumps(value, indent=indent, ensure_ascii=False)))


def print_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as they need to be, never cut: ids are there to be copied."""
    lines = [[plain(str("" if cell is None else cell)) for cell in row] for row in (head, *rows)]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)]
        click.echo(click.style("  ".join(padded).rstrip(), bold=number == 0))


def plain(text: str) -> str:
    """On one line, without what a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _width(text: str) -> int:
    """In columns: letters of East Asia take two, accents none."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )
