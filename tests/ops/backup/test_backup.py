"""A backup is of one moment, and a restore loses nothing that was there."""

import gzip
import io
import sqlite3
import stat
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from drivers import an_answer

from chatapp.app import build_service
from chatapp.chat import Ask, Message
from chatapp.errors import ConfigError
from chatapp.ops.backup import CONVERSATIONS, LOG, SECRET_KEY, BackupError, InUse, Manifest
from chatapp.ops.backup.archive import MANIFEST
from chatapp.ops.backup.restore import unpacked
from chatapp.ops.backup.take import take_backup
from chatapp.settings import Settings
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database
from chatapp.storage.folder import DataFolder

# It ends with the process of the tests, however that ends.
BUSY_WRITER = """
import os, sqlite3, sys
tests = os.getppid()
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
print("writes", flush=True)
number = 0
while os.getppid() == tests:
    number += 1
    connection.execute("INSERT INTO written (number) VALUES (?)", (number,))
"""


def silent(name: str, done: int, total: int) -> None:
    pass


def say(data: Path, *texts: str) -> None:
    """An answer in the conversations for each text."""
    database = open_database("", data)
    conversations = Conversations(database.engine)
    for text in texts:
        begun = conversations.begin(Ask(said=[Message("user", text)]), "me", "mock", "m")
        conversations.finish(begun.answer.id, an_answer(text))
    database.close()


def said(data: Path) -> list[str]:
    with sqlite3.connect(data / CONVERSATIONS) as connection:
        rows = connection.execute("SELECT content FROM messages WHERE role = 'assistant' ORDER BY id")
        return [content for (content,) in rows]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder in which something was said, as a server leaves it."""
    data = tmp_path / "data"
    build_service(Settings(data=data), {}).close()
    (data / SECRET_KEY).write_text("k3y")
    say(data, "one", "two")
    return data


@pytest.fixture
def taken(data: Path, tmp_path: Path) -> Path:
    take_backup(data, tmp_path / "b.tar", silent)
    return tmp_path / "b.tar"


def restore(path: Path, data: Path) -> Path | None:
    with unpacked(path, data) as found:
        return found.move_in()


def test_a_backup_is_restored_elsewhere_with_the_key_that_signs_cookies(taken: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert restore(taken, elsewhere) is None
    assert said(elsewhere) == ["one", "two"]
    assert (elsewhere / SECRET_KEY).read_text() == "k3y"
    build_service(Settings(data=elsewhere), {}).close()
    assert not [path for path in elsewhere.iterdir() if path.name.startswith(".")]


def test_a_backup_and_what_is_restored_are_readable_by_their_owner_alone(taken: Path, tmp_path: Path) -> None:
    restore(taken, tmp_path / "elsewhere")
    files = [taken, *((tmp_path / "elsewhere" / name) for name in (CONVERSATIONS, LOG, SECRET_KEY))]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_what_was_there_is_kept_aside_with_its_last_commits(taken: Path, data: Path) -> None:
    say(data, "three")
    aside = restore(taken, data)
    assert said(data) == ["one", "two"]
    assert aside is not None and said(aside) == ["one", "two", "three"]


def test_a_backup_tells_how_far_it_is(data: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    manifest = take_backup(data, tmp_path / "b.tar", lambda *step: told.append(step))
    assert {name for name, _, _ in told} == {CONVERSATIONS, LOG}
    assert told[-1][1] == told[-1][2] > 0
    assert (manifest.conversations, manifest.messages) == (0, 2)


def test_a_backup_ends_under_load_and_is_of_one_moment(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process commits all the time, in both files one after the other."""
    monkeypatch.setattr("chatapp.ops.backup.copy.STEP_PAGES", 1)
    for name in (CONVERSATIONS, LOG):
        with sqlite3.connect(data / name) as connection:
            connection.execute("CREATE TABLE written (number INTEGER)")
    with subprocess.Popen(
        [sys.executable, "-c", BUSY_WRITER, str(data / CONVERSATIONS)], stdout=subprocess.PIPE
    ) as busy:
        assert busy.stdout and busy.stdout.readline()
        try:
            take_backup(data, tmp_path / "b.tar", silent)
        finally:
            busy.kill()
    restore(tmp_path / "b.tar", tmp_path / "elsewhere")
    with sqlite3.connect(tmp_path / "elsewhere" / CONVERSATIONS) as connection:
        numbers = [number for (number,) in connection.execute("SELECT number FROM written ORDER BY rowid")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_folder_in_use_is_not_restored_and_not_changed(taken: Path, data: Path) -> None:
    service = build_service(Settings(data=data), {})
    with pytest.raises(InUse, match="stop the server"):
        restore(taken, data)
    service.close()
    assert restore(taken, data) is not None


def test_no_server_starts_during_a_restore(taken: Path, data: Path) -> None:
    with unpacked(taken, data), pytest.raises(ConfigError, match="being restored"):
        build_service(Settings(data=data), {})


def test_a_lock_ends_with_its_process(data: Path) -> None:
    code = f"from chatapp.storage.folder import *; f = DataFolder(Path({str(data)!r})); f.use(); print('has it', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline()
        with pytest.raises(InUse):
            restore(data / "none.tar", data)
        holder.kill()
        holder.wait()
    with DataFolder(data).alone():
        pass


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The backup with changed files; None leaves one out."""
    target = path.with_name("changed.tar")
    with tarfile.open(path) as old, tarfile.open(target, "w") as new:
        for member in old.getmembers():
            file = old.extractfile(member)
            assert file is not None
            if (data := change(member.name, file.read())) is not None:
                member.size = len(data)
                new.addfile(member, io.BytesIO(data))
    return target


def newer(name: str, data: bytes) -> bytes:
    if name != MANIFEST:
        return data
    manifest = msgspec.json.decode(data, type=Manifest)
    return msgspec.json.encode(msgspec.structs.replace(manifest, revision="9999"))


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda name, data: data[:-20_000] if name == CONVERSATIONS else data, "damaged"),
        (lambda name, data: data[:4096] + b"x" * (len(data) - 4096) if name == LOG else data, "damaged"),
        (lambda name, data: None if name == CONVERSATIONS else data, "is missing"),
        (lambda name, data: None if name == MANIFEST else data, "not a backup"),
        (lambda name, data: b"{}" if name == MANIFEST else data, "format"),
        (newer, "revision 9999"),
    ],
)
def test_a_backup_that_cannot_be_used_is_refused_before_anything_is_moved(
    taken: Path, data: Path, change: Callable[[str, bytes], bytes | None], wrong: str
) -> None:
    say(data, "three")
    with pytest.raises(BackupError, match=wrong):
        restore(rewritten(taken, change), data)
    assert said(data) == ["one", "two", "three"]


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b\x08 gzip", b"\0" * 2048])
def test_a_file_that_is_no_tar_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "b.tar").write_bytes(content)
    with pytest.raises(BackupError, match="not a backup"):
        restore(tmp_path / "b.tar", tmp_path / "elsewhere")


def test_no_path_in_a_tar_is_believed(taken: Path, tmp_path: Path) -> None:
    with tarfile.open(taken, "a") as tar:
        for name in ("../outside", "/tmp/outside", "inside"):
            tar.addfile(tarfile.TarInfo(name))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    restore(taken, tmp_path / "elsewhere")
    assert {path.name for path in (tmp_path / "elsewhere").iterdir()} == {CONVERSATIONS, LOG, SECRET_KEY, "use.lock"}


def test_a_compressed_backup_is_restored_too(taken: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar.gz").write_bytes(gzip.compress(taken.read_bytes()))
    restore(tmp_path / "b.tar.gz", tmp_path / "elsewhere")
    assert said(tmp_path / "elsewhere") == ["one", "two"]


def test_without_conversations_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="nothing to back up"):
        take_backup(tmp_path, tmp_path / "b.tar", silent)
    assert not list(tmp_path.iterdir())


def test_a_backup_that_fails_leaves_no_file_and_replaces_none(data: Path, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_text("before")
    database = data / CONVERSATIONS
    database.write_bytes(b"no database " * 1000)
    with pytest.raises(BackupError):
        take_backup(data, tmp_path / "b.tar", silent)
    assert (tmp_path / "b.tar").read_text() == "before"
    assert not [path for path in tmp_path.iterdir() if "unfinished" in path.name]
