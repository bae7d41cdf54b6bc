"""How the conversations' database is opened."""

from pathlib import Path

from chatapp.storage.beginning import reading
from chatapp.storage.database import open_database


def test_a_connection_more_is_opened_while_somebody_has_the_lock(tmp_path: Path) -> None:
    """Waiting for it inside SQLite would stop the hub, and with it the greenlet that has it."""
    database = open_database("", tmp_path)
    with database.engine.begin() as writer:
        writer.exec_driver_sql("CREATE TABLE noted (number INTEGER)")
        with reading(database.engine).connect() as reader:
            assert reader.exec_driver_sql("SELECT COUNT(*) FROM messages").scalar() == 0
    database.close()


def test_a_new_file_gives_back_the_room_of_what_was_deleted(tmp_path: Path) -> None:
    database = open_database("", tmp_path)
    with database.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA auto_vacuum").scalar() == 2
    database.close()
