"""Which revision a database has, without alembic."""

from pathlib import Path

from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from chatapp.storage.database import open_database
from chatapp.storage.schema import MIGRATIONS, revision, revisions


def test_files_are_named_by_their_revisions_in_order() -> None:
    walked = ScriptDirectory(str(MIGRATIONS)).walk_revisions()
    assert revisions() == [script.revision for script in walked]


def test_an_empty_database_has_none_and_a_migrated_one_the_newest(tmp_path: Path) -> None:
    assert revision(create_engine("sqlite://")) is None
    database = open_database("", tmp_path)
    assert revision(database.engine) == revisions()[0]
    database.close()
