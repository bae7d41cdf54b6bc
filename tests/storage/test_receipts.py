"""One receipt for each run, whatever becomes of its answer; and the sums of them."""

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from drivers import a_start, delete_for_good, numbered
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from chatapp.chat import Ask, Message
from chatapp.errors import InvalidField, LimitExceeded
from chatapp.events import FinishReason, RunEnd, Timing, Usage
from chatapp.storage import UsageQuery, UsageSum
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database, open_database
from chatapp.storage.receipts import Receipts, day_of
from chatapp.storage.tables import ReceiptRow
from chatapp.storage.usage import UsageReport, usage_query
from chatapp.transcript import Transcript, transcript_of

TODAY = day_of(time.time())
USED = Usage(10, 20, 30, 4, 5, cost=0.000000123, currency="USD")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = open_database("", tmp_path)
    yield database
    database.close()


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database.engine)


def begin(conversations: Conversations, owner: str = "ann", provider: str = "up", **more: Any) -> str:
    return conversations.begin(Ask(said=[Message("user", "hi")], keep=True), owner, provider, "m", **more).answer.id


def ended(usage: Usage = USED, reason: FinishReason = "stop", **more: str) -> Transcript:
    return transcript_of(numbered([a_start(), RunEnd(reason, usage, Timing(), **more)]))  # type: ignore[arg-type]


def used(database: Database, *group_by: Any, owner: str | None = None) -> list[UsageSum]:
    return UsageReport(database.engine).sums(usage_query(group_by, owner=owner))


def receipt(database: Database, run_id: str) -> Any:
    with database.engine.begin() as connection:
        return connection.execute(select(ReceiptRow.__table__).where(ReceiptRow.run_id == run_id)).one()


def test_a_receipt_says_who_used_what_and_is_written_once(database: Database, conversations: Conversations) -> None:
    run_id = begin(conversations)
    assert receipt(database, run_id).ended is None and used(database, "day") == []
    conversations.finish(run_id, ended(reason="length"))
    conversations.finish(run_id, ended(Usage(1000)))  # as a process does that finds it again
    row = receipt(database, run_id)
    assert (row.owner, row.provider, row.model, row.reason) == ("ann", "up", "m", "length")
    assert (row.prompt, row.completion, row.cached, row.reasoning, row.cost) == (10, 20, 5, 4, 123)
    (total,) = used(database, "owner", "provider", "model", "day")
    assert total == UsageSum(
        owner="ann",
        provider="up",
        model="m",
        day=TODAY,
        runs=1,
        prompt=10,
        completion=20,
        cached=5,
        reasoning=4,
        cost=0.000000123,
        currency="USD",
    )


def test_the_provider_that_answered_is_charged(database: Database, conversations: Conversations) -> None:
    conversations.finish(begin(conversations), ended(provider="spare", model="s"))
    assert [(row.provider, row.model) for row in used(database, "provider", "model")] == [("spare", "s")]


def test_a_deleted_conversation_leaves_its_receipts_also_of_a_run_that_goes_on(
    database: Database, conversations: Conversations
) -> None:
    for _ in range(2):
        run_id = begin(conversations)
        delete_for_good(database.engine, "ann", conversations.answer("ann", run_id).conversation_id)
        conversations.finish(run_id, ended())
    (total,) = used(database, "owner")
    assert total.runs == 2 and total.prompt == 20


def test_a_run_that_was_lost_with_its_answer_is_found(database: Database, conversations: Conversations) -> None:
    run_id = begin(conversations)
    delete_for_good(database.engine, "ann", conversations.answer("ann", run_id).conversation_id)
    assert list(conversations.unfinished(time.time() + 1)) == [run_id]
    conversations.finish(run_id, ended(Usage(), "interrupted"))
    assert not conversations.unfinished(time.time() + 1)


def test_an_owner_has_so_many_runs_at_a_time_over_all_processes(tmp_path: Path, conversations: Conversations) -> None:
    other = open_database("", tmp_path)
    first = begin(conversations, max_running=2)
    begin(Conversations(other.engine), max_running=2)
    with pytest.raises(LimitExceeded, match="2 running answers"):
        begin(conversations, max_running=2)
    begin(conversations, "bob", max_running=2)
    conversations.finish(first, ended())
    begin(conversations, max_running=2)
    other.close()


def test_what_was_spent_lately(database: Database, conversations: Conversations) -> None:
    receipts = Receipts(database.engine)
    assert receipts.spent("ann", time.time()) == (0, None, 0, 0.0)
    conversations.finish(begin(conversations), ended())
    conversations.finish(begin(conversations, "bob"), ended())
    now = time.time()
    minute, oldest, day, cost = receipts.spent("ann", now)
    assert (minute, day, cost) == (30, 30, 0.000000123) and oldest is not None and oldest <= now
    assert receipts.spent("ann", now + 61)[0] == 0


@pytest.mark.parametrize(
    ("group_by", "rows"),
    [
        ((), [(None, None, 4)]),
        (("owner",), [("ann", None, 3), ("bob", None, 1)]),
        (("provider", "owner"), [("bob", "a", 1), ("ann", "b", 3)]),
        (("day",), [(None, None, 4)]),
    ],
)
def test_the_sums_of_groups(
    database: Database, conversations: Conversations, group_by: tuple[Any, ...], rows: list[Any]
) -> None:
    for owner, provider in [("ann", "b"), ("ann", "b"), ("bob", "a"), ("ann", "b")]:
        conversations.finish(begin(conversations, owner, provider), ended())
    assert [(row.owner, row.provider, row.runs) for row in used(database, *group_by)] == rows


def test_an_owner_can_be_named(database: Database, conversations: Conversations) -> None:
    for owner in ("ann", "bob"):
        conversations.finish(begin(conversations, owner), ended())
    assert [row.owner for row in used(database, "owner", owner="bob")] == ["bob"]


def test_runs_without_a_price_stand_with_the_others_of_their_group(
    database: Database, conversations: Conversations
) -> None:
    conversations.finish(begin(conversations, provider="free"), ended(Usage(1)))
    assert [(row.cost, row.currency) for row in used(database, "day")] == [(None, None)]
    conversations.finish(begin(conversations), ended())
    (total,) = used(database, "day")
    assert (total.runs, total.prompt, total.cost, total.currency) == (2, 11, 0.000000123, "USD")


def test_more_rows_than_are_read_at_once(
    database: Database, conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chatapp.storage.usage.ROWS", 3)
    for number in range(10):
        conversations.finish(begin(conversations, f"o{number}", f"p{number % 4}"), ended())
    assert [row.runs for row in used(database, "owner")] == [1] * 10
    assert sum(row.runs for row in used(database, "provider")) == 10


@pytest.mark.parametrize(("since", "until"), [("2026-02-02", "2026-02-01"), ("2024-01-01", "2026-01-01")])
def test_days_that_make_no_sense_are_refused(since: str, until: str) -> None:
    with pytest.raises(InvalidField, match="from: expected a day"):
        usage_query(("day",), date.fromisoformat(since), date.fromisoformat(until))


COUNT = st.integers(0, 10**6)
NANO = st.integers(0, 10**12)
ENDS = st.builds(
    lambda p, c, r, a, nano: Usage(p, c, p + c, r, a, cost=nano and nano / 10**9, currency="USD"),
    COUNT,
    COUNT,
    COUNT,
    COUNT,
    NANO,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("ab"), ENDS), min_size=1, max_size=12))
def test_the_sum_of_the_receipts_is_the_sum_of_the_run_ends(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[str, Usage]]
) -> None:
    database = open_database("", tmp_path_factory.mktemp("sums"))
    conversations = Conversations(database.engine)
    for owner, usage in runs:
        conversations.finish(begin(conversations, owner), ended(usage))
    (total,) = UsageReport(database.engine).sums(UsageQuery((), TODAY, day_of(time.time())))
    whole = sum((usage for _, usage in runs[1:]), runs[0][1])
    assert (total.runs, total.prompt, total.completion) == (len(runs), whole.prompt, whole.completion)
    assert (total.cached, total.reasoning, total.cost) == (whole.cached, whole.reasoning, pytest.approx(whole.cost))
    database.close()
