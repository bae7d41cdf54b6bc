"""What a provider is told of a conversation."""

from chatapp.chat import Message
from chatapp.events import ToolCall
from chatapp.storage.history import provider_messages


def called(*ids: str) -> Message:
    return Message("assistant", "", tool_calls=[ToolCall(id, "function", "f", {}) for id in ids])


def result(id: str) -> Message:
    return Message("tool", "done", tool_call_id=id)


def test_a_call_is_told_only_with_its_result_right_behind_it() -> None:
    said = [called("a", "b"), result("b"), result("a"), Message("user", "go on"), called("a"), Message("user", "?")]
    assert provider_messages([], said) == [*said[:4], said[5]]
    lost = provider_messages([], [called("a", "b"), result("a")])
    assert [call.id for call in lost[0].tool_calls] == ["a"]


def test_results_behind_another_turn_belong_to_that_one() -> None:
    said = [called("a"), Message("user", "wait"), result("a")]
    assert provider_messages([], said) == said[1:]
