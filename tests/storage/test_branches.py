"""Versions of answers and questions: all of them are kept and can be reached; one path is shown."""

import pytest
from drivers import an_answer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from chatapp.chat import Ask, Message
from chatapp.errors import InvalidField, NotFound
from chatapp.events import FinishReason
from chatapp.storage import Begun, StoredMessage
from chatapp.storage.branching import Branches
from chatapp.storage.conversations import Conversations
from chatapp.storage.database import Database, open_database
from chatapp.storage.tables import MessageRow


class Store:
    """One conversation, and short words for what one does in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.conversations = Conversations(database.engine)
        self.branches = Branches(database.engine)
        first = self._begin(Ask(said=[Message("user", "q0")], keep=True))
        self.id = first.answer.conversation_id or ""
        self.finish(first, "a0")

    def ask(self, said: str = "", **more: str) -> Begun:
        messages = [Message("user", said)] if said else []
        place = {} if more else {"conversation_id": self.id}
        return self._begin(Ask(said=messages, keep=True, **{**place, **more}))  # type: ignore[arg-type]

    def finish(self, begun: Begun, text: str, reason: FinishReason = "stop") -> str:
        self.conversations.finish(begun.answer.id, an_answer(text, run_id=begun.answer.id, reason=reason))
        return begun.answer.id

    def answered(self, text: str, said: str = "", reason: FinishReason = "stop", **more: str) -> str:
        return self.finish(self.ask(said, **more), text, reason)

    def choose(self, message_id: str) -> None:
        assert self.branches.choose("ann", message_id) == self.id

    def shown(self) -> list[StoredMessage]:
        return self.conversations.get("ann", self.id)[1]

    def texts(self) -> list[str]:
        return [message.content for message in self.shown()]

    def versions(self) -> dict[str, list[str]]:
        """Of all messages, shown or not."""
        with self.database.engine.connect() as connection:
            ids = connection.scalars(select(MessageRow.id).where(MessageRow.conversation_id == self.id)).all()
        return self.branches.versions("ann", self.id, self.branches.messages("ann", sorted(ids)))

    def _begin(self, ask: Ask) -> Begun:
        return self.conversations.begin(ask, "ann", "mock", "words")


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


def test_an_answer_that_fails_when_it_is_made_again_leaves_the_good_one_to_be_chosen(store: Store) -> None:
    good = store.shown()[-1].id
    bad = store.answered("", retry_of=good, reason="error")
    assert store.versions()[bad] == [good, bad] and store.shown()[-1].id == bad
    store.choose(good)
    assert store.texts() == ["q0", "a0"]
    assert [message.text for message in store.ask("q1").messages] == ["q0", "a0", "q1"]


def test_an_edited_question_is_another_branch(store: Store) -> None:
    store.answered("a1", said="q1")
    question = store.shown()[2].id
    begun = store.ask("q1 edited", edit_of=question)
    assert [message.text for message in begun.messages] == ["q0", "a0", "q1 edited"]
    store.finish(begun, "a1 edited")
    assert store.texts() == ["q0", "a0", "q1 edited", "a1 edited"]
    edited = store.shown()[2].id
    assert store.versions()[edited] == [question, edited]
    store.choose(question)
    assert store.texts() == ["q0", "a0", "q1", "a1"]


def test_the_first_question_can_be_edited_too(store: Store) -> None:
    first = store.shown()[0].id
    begun = store.ask("other", edit_of=first)
    assert [message.text for message in begun.messages] == ["other"]
    assert store.versions()[first] == [first, store.shown()[0].id]


def test_an_answer_that_was_cut_off_goes_on_and_is_told_as_one(store: Store) -> None:
    cut = store.answered("one, two, th", said="count", reason="length")
    begun = store.ask(continue_of=cut)
    assert [message.role for message in begun.messages] == ["user", "assistant", "user", "assistant", "user"]
    assert begun.answer.parent == cut and begun.answer.continues
    rest = store.finish(begun, "ree, fo", "cancelled")
    assert store.texts()[-2:] == ["one, two, th", "ree, fo"]
    again = store.ask(continue_of=rest)
    assert again.messages[-2] == Message("assistant", "one, two, three, fo")
    store.finish(again, "ur")
    assert [message.text for message in store.ask("thanks").messages][-2:] == ["one, two, three, four", "thanks"]


@pytest.mark.parametrize("field", ["retry_of", "edit_of", "continue_of"])
def test_what_cannot_be_is_refused_by_name(store: Store, field: str) -> None:
    question, answer = (message.id for message in store.shown())
    wrong = answer if field == "edit_of" else question
    said = "new" if field == "edit_of" else ""
    for named in (wrong, "msg_none"):
        with pytest.raises((InvalidField, NotFound)):
            store.ask(said, **{field: named})
    with pytest.raises(InvalidField, match="continue_of"):
        store.ask(continue_of=answer)  # it is whole
    other = store.conversations.begin(Ask(said=[Message("user", "x")], keep=True), "bob", "mock", "words")
    with pytest.raises(NotFound):
        store.ask(said, **{field: other.answer.id})
    with pytest.raises(NotFound):
        store.branches.choose("bob", answer)
    assert store.texts() == ["q0", "a0"]


def test_what_followed_a_deleted_message_can_still_be_reached(store: Store) -> None:
    first = store.shown()[-1].id
    second = store.answered("a0 again", retry_of=first)
    store.answered("a1", said="q1")
    store.conversations.delete_message("ann", second)
    assert store.texts() == ["q0", "q1", "a1"]
    store.choose(first)
    assert store.texts() == ["q0", "a0"]


steps = st.lists(
    st.tuples(
        st.sampled_from(["ask", "retry", "edit", "continue", "choose", "leave running", "delete"]), st.integers(0, 99)
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps)
def test_every_message_is_reachable_and_what_is_shown_is_a_path(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    database = open_database("", tmp_path_factory.mktemp("branches"))
    store = Store(database)
    for step, number in steps:
        _act(store, step, number)
        _is_a_path(store)
    for message_id in store.versions():
        store.choose(message_id)
        _is_a_path(store)
        assert message_id in [message.id for message in store.shown()]
    database.close()


def _act(store: Store, step: str, number: int) -> None:
    everything = [*store.versions()]
    if not everything:
        return
    message = store.branches.messages("ann", [everything[number % len(everything)]])[0]
    try:
        match step:
            case "ask":
                store.answered("a", said="q", reason="length" if number % 2 else "stop")
            case "leave running":
                store.ask("q")
            case "retry":
                store.answered("again", retry_of=message.id)
            case "edit":
                store.answered("a", said="edited", edit_of=message.id)
            case "continue":
                store.answered("more", continue_of=message.id, reason="length")
            case "choose":
                store.choose(message.id)
            case "delete":
                store.conversations.delete_message("ann", message.id)
    except (InvalidField, NotFound):
        pass  # it may not be done to this message


def _is_a_path(store: Store) -> None:
    parent = None
    for message in store.shown():
        assert message.parent == parent
        parent = message.id
