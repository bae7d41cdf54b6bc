"""`chatapp config` and `chatapp settings`: what can be set, what is set, and whether it will do."""

import os
from collections.abc import Iterator
from typing import Any

import click

from chatapp.errors import ConfigError
from chatapp.ops.cli.common import Refusal, examples, json_option, plain, print_json, print_table, read_settings
from chatapp.settings import HELP, Settings
from chatapp.settings.loading import PREFIX, TABLES, origins


@click.command()
def settings() -> None:
    """Print every setting: its variable, its default and its purpose."""
    defaults = Settings()
    for name, text in HELP.items():
        click.echo(f"{PREFIX}{name.upper()} = {getattr(defaults, name)}\n    {text}")


@click.group()
def config() -> None:
    """Show and check the configuration."""


@config.command(epilog=examples("chatapp config show", "chatapp config show --changed", "chatapp config show --json"))
@click.option("--changed", is_flag=True, help="Only what does not have its default.")
@json_option
def show(changed: bool, as_json: bool) -> None:
    """Print every setting, its value and where it comes from: its variable, the file or `default`.

    Secrets are masked.
    """
    from chatapp.ops.masking import shown_settings

    values, sources = shown_settings(read_settings()), origins(os.environ)
    names = [name for name in HELP if not changed or sources[name] != "default"]
    if as_json:
        print_json({name: {"value": values[name], "source": sources[name]} for name in names})
        return
    rows = [(name, _text(values[name]), sources[name]) for name in names if name not in TABLES]
    print_table(("setting", "value", "source"), rows)
    for line in _tables({name: values[name] for name in names if name in TABLES}):
        click.echo(plain(line))


@config.command(epilog=examples("chatapp config check && systemctl restart chatapp"))
def check() -> None:
    """Say whether the server can start with this configuration.

    Exits 2 if a key or a value is wrong, 1 if something it names is missing (a provider's key, a
    module), and names it.
    """
    from chatapp.ops.configuration import check_parts

    try:
        checked = read_settings()
    except ConfigError as error:
        raise Refusal(error.message) from None
    check_parts(checked, os.environ)
    click.echo("The configuration is good.")


def _tables(tables: dict[str, dict[str, dict[str, Any]]]) -> Iterator[str]:
    for table, entries in tables.items():
        for name, fields in entries.items():
            yield ""
            yield f"[{table}.{name}]"
            yield from (f"{field} = {_text(value)}" for field, value in fields.items() if value not in (None, [], {}))


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
