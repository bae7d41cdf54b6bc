"""Tool calls, put together from what providers stream of them."""

import pytest

from chatapp.events import ToolCall, ToolInputDelta, ToolResult
from chatapp.providers.tool_calls import UNREAD_CHARS, ProviderToolCalls, ToolCallAssembler


@pytest.fixture
def calls():
    return ToolCallAssembler("acme")


def whole(calls, cut_off=False):
    return [item for item in calls.end(cut_off=cut_off) if isinstance(item, ToolCall)]


def test_fragments_of_calls_side_by_side_are_kept_apart(calls):
    assert not calls
    told = [
        *calls.take(0, "a", "f", ""),
        *calls.take(1, "b", "g", '{"y"'),
        *calls.take(0, None, None, '{"x":1}'),
        *calls.take(1, None, None, ":2}"),
    ]
    assert told == [
        ToolInputDelta("b", "g", '{"y"'),
        ToolInputDelta("a", "f", '{"x":1}'),
        ToolInputDelta("b", "g", ":2}"),
    ]
    assert calls
    assert list(calls.end(cut_off=False)) == [
        ToolCall("a", "function", "f", {"x": 1}),
        ToolCall("b", "function", "g", {"y": 2}),
    ]


def test_nothing_is_told_before_the_name(calls):
    assert list(calls.take(0, "a", None, '{"x"')) == []
    assert list(calls.take(0, None, "f", ":1}")) == [ToolInputDelta("a", "f", '{"x"'), ToolInputDelta("a", "f", ":1}")]


def test_a_new_id_with_a_name_begins_another_call_under_the_same_index(calls):
    for id in ("a", "a", "b"):
        list(calls.take(0, id, "f", "" if id == "a" else "{}"))
    assert [call.id for call in whole(calls)] == ["a", "b"]


def test_a_call_without_an_id_gets_one(calls):
    list(calls.take(None, None, "f", "{}"))
    assert [call.id for call in whole(calls)] == ["call_0"]


def test_whole_arguments_count_only_if_there_were_no_fragments(calls):
    assert list(calls.take_whole(0, "a", "f", '{"x":1}')) == [ToolInputDelta("a", "f", '{"x":1}')]
    assert list(calls.take_whole(0, "a", "f", '{"x":2}')) == []
    assert whole(calls)[0].arguments == {"x": 1}


def test_arguments_that_are_no_object_are_told_to_the_model(calls):
    list(calls.take(0, "a", "f", "[" * 1000))
    assert list(calls.end(cut_off=False)) == [ToolCall("a", "function", "f", {}, unread="[" * UNREAD_CHARS)]


def test_a_call_that_a_limit_cut_off_is_left_out(calls):
    list(calls.take(0, "a", "f", "{}"))
    list(calls.take(1, "b", "g", '{"x'))
    assert [call.id for call in whole(calls, cut_off=True)] == ["a"]


def test_a_call_of_the_providers_own_is_shown_with_its_result():
    calls = ProviderToolCalls("acme")
    calls.call("a", "search", '{"q":"x"}')
    calls.call("b", "echo", "", "mcp")
    assert list(calls.result("b", None, "no")) == [
        ToolCall("b", "mcp", "echo", {}, by_provider=True),
        ToolResult("b", None, "no"),
    ]
    assert list(calls.result("a", [1])) == [
        ToolCall("a", "function", "search", {"q": "x"}, by_provider=True),
        ToolResult("a", [1]),
    ]


def test_a_result_without_its_call_is_not_shown():
    calls = ProviderToolCalls("acme")
    calls.call("a", "search", "{}")
    list(calls.result("a", 1))
    assert list(calls.result("a", 2)) == list(calls.result("unknown", 1)) == []
