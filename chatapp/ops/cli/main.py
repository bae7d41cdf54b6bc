"""The command `chatapp`."""

import os
import sys

import click

from chatapp import __version__
from chatapp.errors import ConfigError
from chatapp.ops.cli.keys import keys
from chatapp.settings import HELP, Settings
from chatapp.settings.loading import PREFIX, load


@click.group()
@click.version_option(__version__)
def main() -> None:
    """A streaming chat server: a reply is a log, and every response reads it."""


@main.command()
@click.argument("gunicorn_options", nargs=-1, type=click.UNPROCESSED)
def serve(gunicorn_options: tuple[str, ...]) -> None:
    """Serve the page and every endpoint with gunicorn's gevent worker.

    HOST, PORT and WEB_CONCURRENCY set the address and the number of workers. Write options for
    gunicorn after `--`.
    """
    try:
        load(os.environ)
    except ConfigError as error:
        raise click.ClickException(error.message) from None
    command = [sys.executable, "-m", "gunicorn", "-c", "python:chatapp.ops.gunicorn_config", "chatapp.wsgi:app"]
    os.execv(sys.executable, [*command, *gunicorn_options])


@main.command()
def settings() -> None:
    """Print every setting: its variable, its default and its purpose."""
    defaults = Settings()
    for name, text in HELP.items():
        click.echo(f"{PREFIX}{name.upper()} = {getattr(defaults, name)}\n    {text}")


main.add_command(keys)
