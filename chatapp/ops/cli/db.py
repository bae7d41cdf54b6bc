"""`chatapp db`: the data folder's databases."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chatapp.ops.cli.common import Refusal, confirm, examples, read_settings, yes_option
from chatapp.settings import Settings

if TYPE_CHECKING:
    from chatapp.ops.backup import Progress


@click.group()
def db() -> None:
    """Upgrade, back up and restore what the server keeps."""


@db.command(epilog=examples("chatapp db upgrade"))
def upgrade() -> None:
    """Bring the database to the newest schema, as a start of the server does. Makes it if there is
    none."""
    from chatapp.storage.database import open_database
    from chatapp.storage.schema import revision

    settings = read_settings()
    database = open_database(settings.database_url, settings.data)
    click.echo(f"The database is at revision {revision(database.engine)}.")
    database.close()


@db.command(epilog=examples("chatapp db downgrade 0013"))
@click.argument("revision")
@yes_option
def downgrade(revision: str, yes: bool) -> None:
    """Take the database back to the schema of an older version, which can then be installed.

    REVISION is that version's newest, as its `chatapp db upgrade` prints it. What the older schema
    has no place for is lost: take a backup first. Refused while a server runs on the data folder.
    """
    from chatapp.storage.database import take_back_database
    from chatapp.storage.folder import FolderInUse
    from chatapp.storage.schema import revisions

    settings = read_settings()
    if revision not in revisions():
        raise Refusal(f"revision: expected one of {', '.join(reversed(revisions()))}; got {revision!r}")
    confirm(f"Take the database back to {revision}?", yes)
    try:
        take_back_database(settings.database_url, settings.data, revision)
    except FolderInUse:
        raise Refusal(f"data: a server runs on {settings.data}; stop it first") from None
    click.echo(f"The database is at revision {revision}. The next start of this version upgrades it again.")


@db.command(
    epilog=examples(
        "chatapp db backup chatapp.tar",
        'chatapp db backup "/backup/chatapp-$(date +%F).tar" --yes',
    )
)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@yes_option
def backup(file: Path, yes: bool) -> None:
    """Write all that the server keeps to FILE, a tar: the conversations, the event log and the key
    that signs cookies. The server may go on meanwhile.

    FILE is readable by you alone: it has what people said. Provider keys are not in it.
    """
    from chatapp.ops.backup.take import take_backup

    settings = read_settings()
    _refuse_other_databases(settings, f"pg_dump --format=custom --file={file}")
    if file.exists():
        confirm(f"{file} exists. Replace it?", yes)
    with _progress() as progress:
        made = take_backup(settings.data, file, progress)
    click.echo(f"{file}: {made.conversations} conversations, {made.messages} messages, {file.stat().st_size} bytes")
    if settings.log_url not in ("", "sqlite:"):
        click.echo("The event log is not in the data folder, so it is not in the backup.")


@db.command(epilog=examples("chatapp db restore chatapp.tar", "chatapp db restore chatapp.tar --yes"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@yes_option
def restore(file: Path, yes: bool) -> None:
    """Put the backup FILE into the data folder, in the place of what is there, which is kept aside.

    Refused while a server runs on the folder. FILE is checked first: it must be whole, and of a
    schema that this version knows; an older one is upgraded.
    """
    from chatapp.ops.backup.restore import unpacked
    from chatapp.storage.database import open_database

    settings = read_settings()
    _refuse_other_databases(settings, f"pg_restore --clean --if-exists --dbname=… {file}")
    with unpacked(file, settings.data) as found:
        made = found.manifest
        click.echo(f"{file}: {made.conversations} conversations, {made.messages} messages, of {_date(made.made)}")
        confirm(f"Put it into {settings.data}?", yes)
        aside = found.move_in()
    open_database(settings.database_url, settings.data).close()
    click.echo(f"Restored into {settings.data}." + (f" What was there is in {aside}." if aside else ""))


def _refuse_other_databases(settings: Settings, command: str) -> None:
    """A backup is of SQLite files in the data folder; other databases have tools of their own."""
    import shutil

    from chatapp.storage.database import FILE, sqlite_file

    path = sqlite_file(settings.database_url, settings.data)
    if path is not None and path.resolve() == (settings.data / FILE).resolve():
        return
    if path is not None:
        advice = f"back up {path} with: sqlite3 {path} '.backup COPY'"
    elif shutil.which(command.split()[0]):
        advice = f"use PostgreSQL's own tool: {command}"
    else:
        advice = f"use the tool of the database; for PostgreSQL install postgresql-client and run: {command}"
    raise Refusal(f"database_url: the conversations are not in the data folder; {advice}")


@contextmanager
def _progress() -> "Iterator[Progress]":
    """A bar for each file, on a terminal; elsewhere nothing."""
    import sys

    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as shown:
        tasks = {}

        def tell(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = shown.add_task(name, total=total)
            shown.update(tasks[name], completed=done, total=total)

        yield tell


def _date(seconds: float) -> str:
    import time

    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
