"""The command `chatapp`: it registers the commands, one module for each of them or for a group.

A module here holds options and output. It imports what does the work inside the command, so that
`serve` and completion pay for none of it.
"""

import logging

import click

from chatapp import __version__
from chatapp.ops.cli import chat, completion, config, db, doctor, keys, probe, runs, serve, usage
from chatapp.ops.cli.common import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """A streaming chat server: a reply is a log, and every response reads it."""
    logging.getLogger("chatapp").setLevel(logging.ERROR)  # `serve` sets up its own


for command in (
    serve.serve,
    chat.chat,
    probe.probe,
    doctor.doctor,
    keys.keys,
    runs.runs,
    usage.usage,
    db.db,
    config.config,
    config.settings,
    completion.completion,
):
    main.add_command(command)
