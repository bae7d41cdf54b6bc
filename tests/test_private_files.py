"""What is kept is its owner's alone, whatever the umask, and whatever was there before."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from chatapp.app import create_app
from chatapp.private_files import private_database, private_folder, write_whole
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.web import EXTENSION


@pytest.fixture(autouse=True)
def careless_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path) -> set[int]:
    """Of all files in it and below."""
    return {mode(path) for path in folder.rglob("*") if path.is_file()}


def serve(data: Path) -> None:
    app = create_app(Settings(data=data))
    service: ChatService = app.extensions[EXTENSION]
    client: FlaskClient = app.test_client()
    assert client.post("/api/v1/messages", json={"prompt": "hi", "provider": "mock"}).status_code == 202
    assert {path.suffix for path in data.iterdir()} >= {".sqlite3-wal", ".sqlite3"}
    (data / "mcp.log").touch()
    databases = [
        path for path in data.rglob("*") if path.is_file() and ("sqlite3" in path.name or path.name == "secret_key")
    ]
    assert {mode(path) for path in databases} == {0o600} and mode(data) == 0o700
    service.drain(0)
    service.close()


def test_new_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    serve(tmp_path / "var")


def test_files_that_others_could_read_are_closed(tmp_path: Path) -> None:
    data = tmp_path / "var"
    serve(data)
    data.chmod(0o755)
    assert mode(data / "mcp.log") == 0o666
    for path in data.iterdir():
        path.chmod(0o644 if path.is_file() else 0o755)
    private_folder(data, "data")
    assert modes(data) == {0o600} and mode(data) == 0o700
    serve(data)


def test_what_stands_beside_a_database_is_closed_too(tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE t (a)")
        connection.commit()
        assert modes(tmp_path) != {0o600}
        private_database(path)
        assert modes(tmp_path) == {0o600} and len(list(tmp_path.iterdir())) == 3
        connection.execute("INSERT INTO t VALUES (1)")


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    private_folder(tmp_path / "a" / "b", "data")
    assert mode(tmp_path / "a" / "b") == 0o700


def test_a_file_is_written_whole_once(tmp_path: Path) -> None:
    path = tmp_path / "key"
    (tmp_path / f"key.{os.getpid()}").write_text("of a process that was killed")
    write_whole(path, "first")
    write_whole(path, "second")
    assert path.read_text() == "first" and modes(tmp_path) == {0o600} and list(tmp_path.iterdir()) == [path]
