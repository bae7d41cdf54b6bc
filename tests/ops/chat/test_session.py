import io
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from chatapp.ops.chat.conversation import Conversation, Outcome
from chatapp.ops.chat.session import Session
from chatapp.ops.http import NoConnection

ANSWERS: dict[str, Any] = {
    "/api/v1/providers": {
        "providers": [{"name": "mock", "models": ["words", "slow"]}, {"name": "far", "models": []}],
    },
    "/api/v1/tools": {"tools": [{"name": "calculate", "ask": True, "description": "Adds.\nMultiplies."}]},
    "/api/v1/conversations": {"conversations": [{"id": "conv_1", "title": "One"}, {"id": "conv_2", "title": ""}]},
    "/api/v1/conversations/conv_2": {
        "id": "conv_2",
        "messages": [{"role": "user", "content": "Q"}, {"role": "assistant", "content": "The **answer**"}],
    },
}


class FakeSite:
    url = "http://here"

    def get(self, path: str) -> Any:
        if path not in ANSWERS:
            raise NoConnection(f"cannot get {path}")
        return ANSWERS[path]


class Asked(Conversation):
    """Keeps what is asked, with the fields of the choice."""

    def __init__(self) -> None:
        super().__init__(FakeSite())  # type: ignore[arg-type]
        self.asked: list[tuple[str, str | None, dict[str, Any]]] = []

    def ask(self, prompt: str, screen: object) -> Outcome:
        self.asked.append((prompt, self.id, self.choice.fields()))
        return Outcome()


@pytest.fixture
def talk() -> Callable[..., tuple[Asked, str]]:
    def talk(*lines: str | BaseException) -> tuple[Asked, str]:
        conversation, out, left = Asked(), io.StringIO(), list(lines)

        def read(_status: str) -> str:
            if not left:
                raise EOFError
            line = left.pop(0)
            if isinstance(line, BaseException):
                raise line
            return line

        Session(conversation, Console(file=out, width=200), read).run()
        return conversation, out.getvalue()

    return talk


def test_a_line_is_a_question_and_so_is_a_path(talk: Any) -> None:
    conversation, _ = talk("hello", "  ", "/etc/passwd is what?", "/quit", "never")
    assert [prompt for prompt, *_ in conversation.asked] == ["hello", "/etc/passwd is what?"]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("slow", {"provider": "mock", "model": "slow"}),
        ("mock/slow", {"provider": "mock", "model": "slow"}),
        ("far", {"provider": "far"}),
        ("far/any/model", {"provider": "far", "model": "any/model"}),
        ("unlisted", {"model": "unlisted"}),
    ],
)
def test_model_picks_a_provider_a_model_or_both(talk: Any, name: str, fields: dict[str, str]) -> None:
    conversation, _ = talk(f"/model {name}", "hello")
    assert conversation.asked[0][2] == fields


def test_thinking_and_tools_are_chosen_for_the_next_question(talk: Any) -> None:
    conversation, _ = talk("/think on", "/tools a, b", "1", "/think off", "/tools none", "2", "/think", "3")
    assert [fields for *_, fields in conversation.asked] == [
        {"thinking": True, "tools": ["a", "b"]},
        {"thinking": False, "tools": []},
        {"tools": []},
    ]


def test_a_conversation_is_opened_by_its_number_and_shown(talk: Any) -> None:
    conversation, out = talk("/list", "/open 2", "hello", "/new", "again")
    assert "1  One" in out and "untitled" in out and "> Q" in out and "answer" in out
    assert [id for _, id, _ in conversation.asked] == ["conv_2", None]


def test_lists_are_printed(talk: Any) -> None:
    _, out = talk("/model", "/tools", "/help")
    assert "mock: words, slow" in out and "far: lists no models now" in out
    assert "calculate (asks you before each call): Adds. Multiplies." in out
    assert "/quit" in out


def test_mistakes_are_said_and_end_nothing(talk: Any) -> None:
    conversation, out = talk("/no", "/think maybe", "/open 7", "/open conv_9", KeyboardInterrupt(), "hello")
    assert "no such command" in out and "expected on, off" in out and "cannot get" in out and "/quit leaves" in out
    assert len(conversation.asked) == 1
