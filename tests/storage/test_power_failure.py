"""A cut of the power at any write: the conversations open, whole up to the last commit that reached
the disk, and with FULL that is the last one that was made."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from drivers import BOUND_S
from power import cuts, record

from chatapp.storage.conversations import Conversations
from chatapp.storage.database import FILE, open_database
from chatapp.storage.usage import UsageReport, usage_query

pytestmark = pytest.mark.slow

ANSWERS = 25
PREFIXES = 12  # of some hundred: opening a database takes its time

WRITES = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
import gevent
from drivers import an_answer
from chatapp.chat import Ask, Message
from chatapp.sqlite import Checkpointer
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import open_database

database = open_database("", Path(sys.argv[1]), synchronous=sys.argv[2])
checkpointer = Checkpointer(Path(sys.argv[1]) / "{FILE}", passive_bytes=100_000, truncate_bytes=200_000,
    look_s=0.01, pause_s=0.02)
checkpointer.start()
conversations = Conversations(database.engine)
os.write(1, b"durable 0\\n")
for number in range(1, {ANSWERS} + 1):
    begun = conversations.begin(Ask(said=[Message("user", str(number))], keep=True), "ann", "mock", "words", str(number))
    conversations.finish(begun.answer.id, an_answer(f"answer {{number}} " * 500))
    os.write(1, b"durable %d\\n" % number)
    gevent.sleep(0.005)
os._exit(0)  # as a cut does: nothing is closed
"""


def answers_after(folder: Path) -> int:
    """How many answers are there when the database is opened again, which are the first ones."""
    database = open_database("", folder)
    try:
        conversations = Conversations(database.engine)
        found = [conversations.find("ann", str(number), "") for number in range(1, ANSWERS + 1)]
        whole = [begun.answer.content for begun in found if begun and not begun.answer.running]
        assert whole == [f"answer {number} " * 500 for number in range(1, len(whole) + 1)]
        # Their receipts are of the same commits.
        assert sum(each.runs for each in UsageReport(database.engine).sums(usage_query(["owner"]))) == len(whole)
        return len(whole)
    finally:
        database.close()
        with closing(sqlite3.connect(folder / FILE)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.timeout(12 * BOUND_S)
@pytest.mark.parametrize("synchronous", ["NORMAL", "FULL"])
def test_after_a_cut_at_any_write_the_conversations_are_whole(tmp_path: Path, synchronous: str) -> None:
    done = record(tmp_path, WRITES, synchronous, str(Path(__file__).parents[1]))
    begun = next(at for at, call in enumerate(done) if call.name == "durable")  # before, it is being made
    for folder, said, keeps_unsynced in cuts(done, tmp_path, PREFIXES, first=begun):
        promised = said if keeps_unsynced or synchronous == "FULL" else 0
        assert answers_after(folder) >= promised, (folder.name, said)
