"""The tar of a backup: written file by file, and read by name, so that no path in it is
believed."""

import io
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from pathlib import Path
from typing import Final

import msgspec

from chatapp.ops.backup import CONVERSATIONS, FORMAT, LOG, SECRET_KEY, BackupError, Manifest

MANIFEST: Final = "backup.json"
NAMES = (CONVERSATIONS, LOG, SECRET_KEY)
MAX_MANIFEST_BYTES = 65_536
BROKEN = (tarfile.TarError, zlib.error, LZMAError, EOFError, OSError)


@contextmanager
def writing(path: Path) -> Iterator[tarfile.TarFile]:
    """The tar for a new backup at `path`. It has its name only once it is complete."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600, exist_ok=False)
        with tarfile.open(unfinished, "w") as tar:
            yield tar
        unfinished.replace(path)
    except OSError as error:
        raise BackupError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def add_manifest(tar: tarfile.TarFile, manifest: Manifest) -> None:
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mode, member.mtime = len(data), 0o600, int(manifest.made)
    tar.addfile(member, io.BytesIO(data))


def add_file(tar: tarfile.TarFile, name: str, path: Path) -> None:
    member = tarfile.TarInfo(name)
    stat = path.stat()
    member.size, member.mode, member.mtime = stat.st_size, 0o600, int(stat.st_mtime)
    with path.open("rb") as file:
        tar.addfile(member, file)


def unpack(path: Path, folder: Path) -> Manifest:
    """Write the files of a backup into the folder, with mode 0600; compressed tars will do. Raises
    BackupError."""
    try:
        with tarfile.open(path, "r:*") as tar:
            manifest = _manifest(tar, path)
            for name in NAMES:
                if name in tar.getnames():
                    _unpack_one(tar, name, folder / name)
    except BROKEN as error:
        raise BackupError(f"{path}: not a backup of chatapp, or damaged: {error}") from None
    if not (folder / CONVERSATIONS).exists():
        raise BackupError(f"{path}: damaged: {CONVERSATIONS} is missing")
    return manifest


def _manifest(tar: tarfile.TarFile, path: Path) -> Manifest:
    file = tar.extractfile(MANIFEST) if MANIFEST in tar.getnames() else None
    if file is None:
        raise BackupError(f"{path}: not a backup of chatapp: {MANIFEST} is missing")
    try:
        manifest = msgspec.json.decode(file.read(MAX_MANIFEST_BYTES), type=Manifest)
    except msgspec.DecodeError as error:
        raise BackupError(f"{path}: {MANIFEST}: {error}") from None
    if manifest.format != FORMAT:
        raise BackupError(f"{path}: written by chatapp {manifest.chatapp}; this version cannot read it")
    return manifest


def _unpack_one(tar: tarfile.TarFile, name: str, target: Path) -> None:
    member = tar.getmember(name)
    file = tar.extractfile(member) if member.isreg() else None
    if file is None:
        raise BackupError(f"{name}: not a plain file in the backup")
    target.touch(mode=0o600)
    with target.open("wb") as out:
        shutil.copyfileobj(file, out)
