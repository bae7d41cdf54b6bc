"""The data folder, the database and the event log: there, writable, of this version's schema."""

import stat
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from chatapp.app import open_log
from chatapp.errors import ChatappError, ConfigError
from chatapp.ops.doctor import Finding, ok, problem, warning
from chatapp.ops.masking import masked_text
from chatapp.settings import Settings
from chatapp.storage.database import open_as_it_is, sqlite_file

PRIVATE = ("secret_key", "chat_history", "conversations.sqlite3", "log.sqlite3")
LOG_FIX = "check CHATAPP_LOG_URL, and that its store runs"
FREE_ROOT = "make it writable for the server's user: chown, or another CHATAPP_DATA"


def look_at_stores(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    yield from _folder(settings.data)
    yield from _database(settings)
    yield from _log(settings)


def _folder(data: Path) -> Iterator[Finding]:
    place = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    if not place.is_dir():
        yield problem("data", f"{place} is no folder", "choose another CHATAPP_DATA")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=place):
            pass
    except OSError as error:
        yield problem("data", f"{place} cannot be written to: {error.strerror}", FREE_ROOT)
        return
    yield ok("data", f"{data} can be written to" if place == data else f"{data} will be made at the first start")
    if place == data:
        yield from _modes(data)


def _modes(data: Path) -> Iterator[Finding]:
    """Files inside a private folder are private."""
    if not stat.S_IMODE(data.stat().st_mode) & 0o077:
        return
    yield warning("modes", f"{data} is open to other users of this machine", f"chmod 700 {data}")
    for name in PRIVATE:
        path = data / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield warning("modes", f"{path} can be read by other users", f"chmod 600 {path}")


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        path = sqlite_file(settings.database_url, settings.data)
        if path is not None and not path.exists():
            yield ok("database", f"none yet; the first start makes {path}")
            return
        open_as_it_is(settings.database_url, settings.data).dispose()
    except ConfigError as error:
        yield problem("database", masked_text(error.message), _fix_of_database(error, settings))
        return
    shown = path or masked_text(settings.database_url)
    yield ok("database", f"{shown} opens; its migrations are complete")


def _fix_of_database(error: ConfigError, settings: Settings) -> str:
    if "db upgrade" in error.message:
        return "run `chatapp db upgrade`"
    if settings.database_url:
        return "check CHATAPP_DATABASE_URL and its server"
    return "restore a backup: `chatapp db restore FILE`; or move the file away, and begin with nothing"


def _log(settings: Settings) -> Iterator[Finding]:
    path = settings.data / "log.sqlite3"
    if settings.log_url == "sqlite:" and not path.exists():
        yield ok("log", f"none yet; the first start makes {path}")
        return
    try:
        log = open_log(settings)
        try:
            log.ping()
        finally:
            log.close()
    except ChatappError as error:
        fix = f"move {path} away: it holds the last runs alone" if settings.log_url == "sqlite:" else LOG_FIX
        yield problem("log", masked_text(error.message), fix)
    else:
        yield ok("log", f"{masked_text(settings.log_url)} answers")
