"""Files and folders that nobody but this process's user may read, whatever the umask.

Those that are there already, from a version or a hand that was less careful, are closed; what
cannot be closed is refused. It knows no format.
"""

import os
import stat
from contextlib import suppress
from pathlib import Path

from chatapp.errors import ConfigError

FOLDER, FILE = 0o700, 0o600
BESIDE = ("", "-wal", "-shm", "-journal")  # SQLite gives new ones the mode of the database


def private_folder(folder: Path, setting: str) -> None:
    """Make it, with its parents, or close it and what is in it to others. Raises ConfigError, which
    names `setting`."""
    try:
        folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        _close_to_others(folder.resolve(), FOLDER)
        for path in folder.iterdir():
            with suppress(FileNotFoundError):  # another worker's draft
                _close_to_others(path, FOLDER if path.is_dir() else FILE)
    except OSError as error:
        raise ConfigError(f"{setting}: cannot make the folder {folder} for this user alone: {error.strerror}") from None


def private_database(path: Path) -> None:
    """Make an empty file for SQLite to fill, or close one to others. Raises OSError.

    It opens no file that is there: closing it again would drop the locks of all connections that
    this process has to it.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))
    except FileExistsError:
        pass
    for end in BESIDE:
        try:
            _close_to_others(Path(f"{path}{end}"), FILE)
        except FileNotFoundError:
            continue


def write_whole(path: Path, text: str) -> None:
    """Write a new file, owner-only, that is there whole or not at all, also after a power cut.

    Of several processes that do so the first wins. Raises OSError.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)  # of a process that was killed here
    try:
        with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _close_to_others(path: Path, mode: int) -> None:
    """A symbolic link is left alone: what it names is not ours."""
    now = os.lstat(path).st_mode
    if not stat.S_ISLNK(now) and stat.S_IMODE(now) & 0o077:
        os.chmod(path, mode)


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
