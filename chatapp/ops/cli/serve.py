"""`chatapp serve`."""

import os
import sys

import click

from chatapp.ops.address import address, check_free, workers
from chatapp.ops.cli.common import examples, read_settings


@click.command(
    epilog=examples(
        "chatapp serve",
        "PORT=9000 WEB_CONCURRENCY=2 chatapp serve",
        "chatapp serve -- --bind unix:/run/chatapp.sock",
    )
)
@click.argument("gunicorn_options", nargs=-1, type=click.UNPROCESSED)
def serve(gunicorn_options: tuple[str, ...]) -> None:
    """Serve the page and every endpoint with gunicorn's gevent worker.

    HOST, PORT and WEB_CONCURRENCY set the address and the number of workers. Write options for
    gunicorn after `--`.
    """
    read_settings()
    workers(os.environ)
    place = address(os.environ)
    if not _binds(gunicorn_options) and not _was_given_sockets():
        check_free(place)
    command = [sys.executable, "-m", "gunicorn", "-c", "python:chatapp.ops.gunicorn_config", "chatapp.wsgi:app"]
    os.execv(sys.executable, [*command, *gunicorn_options])


def _was_given_sockets() -> bool:
    """Whether systemd listens and hands its sockets over: LISTEN_FDS, for process LISTEN_PID."""
    return os.environ.get("LISTEN_PID") == str(os.getpid()) and os.environ.get("LISTEN_FDS", "0") != "0"


def _binds(options: tuple[str, ...]) -> bool:
    """Whether gunicorn is told another address."""
    words = (*options, *os.environ.get("GUNICORN_CMD_ARGS", "").split())
    return any(word.startswith(("-b", "--bind")) for word in words)
