"""Search finds the same by the index as without it, and the index lets go of what is gone."""

import gevent
import pytest
from alembic import command
from alembic.config import Config
from drivers import an_answer, delete_for_good
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from waiting import BOUND_S

from chatapp.chat import Ask, Message
from chatapp.storage import searching
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database
from chatapp.storage.indexing import Indexer
from chatapp.storage.schema import MIGRATIONS
from chatapp.storage.search_terms import terms_of, wanted_terms
from chatapp.storage.searching import QUEUED, SLICE, Search

WORDS = ["Zugspitze", "天气", "气很好", "Äpfel", "a_b", "100%", '"of', "go", "needle"]


def say(conversations: Conversations, *texts: str, owner: str = "ann") -> str:
    said = [Message("user", each) for each in texts]
    return conversations.create(owner, said, {}).id


def index_all(database: Database) -> None:
    indexer = Indexer(database.engine)
    while indexer.index():
        pass


def found(database: Database, *words: str, owner: str = "ann") -> list[str]:
    """All pages."""
    texts, before = [], ""
    while True:
        hits, before, _ = Search(database.engine).find(owner, [*words], 10, before)
        texts += [hit.text for hit in hits]
        if not before:
            return texts


def count(database: Database, table: str) -> int:
    with database.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT COUNT(*) FROM {table}")).scalar_one())


def test_the_index_finds_what_the_texts_themselves_tell(database: Database) -> None:
    conversations = Conversations(database.engine)
    say(conversations, "今天天气很好, on the Zugspitze", 'ÄPFEL and 100% "of a_b\0', "goes to the zugspitze", "x")
    say(conversations, "the Zugspitze of another owner", owner="bob")
    queries = [(word,) for word in WORDS] + [("zugspitze", "天气"), ("zugspitze", "go"), ("nothing",)]
    before = [found(database, *query) for query in queries]
    assert [len(texts) for texts in before] == [2, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0]
    index_all(database)
    assert count(database, "search_queue") == 0 and count(database, "search_rows") == 5
    assert [found(database, *query) for query in queries] == before


def test_the_pages_of_many_hits_are_all_of_them_once_and_the_newest_first(database: Database) -> None:
    conversations = Conversations(database.engine)
    texts = [f"needle {number}" for number in range(SLICE + 30)]
    say(conversations, *texts)
    say(conversations, *texts, owner="bob")
    index_all(database)
    say(conversations, "a needle that waits to be indexed")
    assert found(database, "needle") == ["a needle that waits to be indexed", *reversed(texts)]


def test_while_the_index_is_filled_what_was_just_said_is_found_and_more_is_announced(database: Database) -> None:
    conversations, search = Conversations(database.engine), Search(database.engine)
    texts = [f"needle {number}" for number in range(QUEUED + 10)]
    say(conversations, *texts)
    hits, rest, indexing = search.find("ann", ["needle"], 5000)
    assert [hit.text for hit in hits] == texts[: -QUEUED - 2 : -1] and not rest and indexing
    index_all(database)
    hits, rest, indexing = search.find("ann", ["needle"], 5000)
    assert [hit.text for hit in hits] == texts[::-1] and not rest and not indexing


@pytest.mark.parametrize("words", [["needle"], ["le"]])
def test_a_request_looks_at_so_much_and_says_where_it_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(searching, "MOST_CHARS", 20 * searching.ROW_CHARS)
    monkeypatch.setattr(searching, "HIT_CHARS", 0)
    conversations, search = Conversations(database.engine), Search(database.engine)
    texts = [f"{'needle' if number % 7 else 'thread'} {number}" for number in range(50)]
    say(conversations, *texts)
    index_all(database)
    pages, rest = [], ""
    while True:
        hits, rest, _ = search.find("ann", words, 100, rest)
        pages.append([hit.text for hit in hits])
        if not rest:
            break
    assert len(pages) == 3 and max(map(len, pages)) <= 20
    assert [said for page in pages for said in page] == [said for said in reversed(texts) if "needle" in said]


def test_an_answer_is_found_once_it_is_finished_and_no_more_once_it_is_gone(database: Database) -> None:
    conversations = Conversations(database.engine)
    begun = conversations.begin(Ask(said=[Message("user", "question")], keep=True), "ann", "mock", "words")
    index_all(database)
    conversations.finish(begun.answer.id, an_answer("the needle", run_id=begun.answer.id))
    assert found(database, "needle") == ["the needle"]
    index_all(database)
    assert found(database, "needle") == ["the needle"]
    conversations.finish(begun.answer.id, an_answer("the other", run_id=begun.answer.id))
    index_all(database)
    assert found(database, "needle") == [] and found(database, "other") == ["the other"]
    delete_for_good(database.engine, "ann", begun.answer.conversation_id)
    index_all(database)
    assert found(database, "other") == [] and count(database, "search_rows") == count(database, "search_queue") == 0
    say(conversations, "other words")
    index_all(database)
    assert found(database, "other") == ["other words"]


def test_titles_are_found(database: Database) -> None:
    conversations, search = Conversations(database.engine), Search(database.engine)
    ids = [say(conversations, said) for said in ("Bergwetter in ÖTZ", "something else", "Ötztal")]
    assert [hit.conversation.id for hit in search.titles("ann", ["ötz"], 5)] == [ids[2], ids[0]]
    assert search.titles("ann", ["ötz", "BERG"], 5)[0].marks == [(0, 4), (14, 17)]
    assert search.titles("bob", ["ötz"], 5) == []


def test_a_conversation_that_ends_while_its_title_is_looked_at_hides_no_other(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    conversations = Conversations(database.engine)
    stays, ends = (say(conversations, said) for said in ("needle 1", "needle 2"))
    look = searching._has

    def and_it_ends(title: str, words: list[str]) -> bool:
        monkeypatch.setattr(searching, "_has", look)
        gevent.spawn(delete_for_good, database.engine, "ann", ends).get(timeout=BOUND_S)
        return look(title, words)

    monkeypatch.setattr(searching, "_has", and_it_ends)
    found = [hit.conversation.id for hit in Search(database.engine).titles("ann", ["needle"], 5)]
    assert [id for id in found if id != ends] == [stays]


def test_the_migration_goes_back_and_forth_and_loses_nothing(database: Database) -> None:
    conversations = Conversations(database.engine)
    say(conversations, "a needle")
    index_all(database)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    for step, revision in ((command.downgrade, "0013"), (command.upgrade, "head")):
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            step(config, revision)
    assert count(database, "search_queue") == 1 and found(database, "needle") == ["a needle"]
    index_all(database)
    assert found(database, "needle") == ["a needle"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(st.text(max_size=60), st.integers(0, 59), st.integers(1, 20))
def test_each_part_of_a_text_has_terms_that_the_text_has(said: str, start: int, length: int) -> None:
    words = said[start : start + length].lower().split()
    if said.lower() == said:  # few letters grow in lower case
        assert set(wanted_terms(words)) <= set(terms_of(said, "ann"))
