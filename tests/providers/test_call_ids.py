"""Ids of calls keep to the rule of the protocol that is asked, whoever made them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.chat import Message
from chatapp.events import ToolCall
from chatapp.providers.call_ids import IdRule, with_fitting_ids

RULES = [
    IdRule("[a-zA-Z0-9_-]{1,64}", 29),
    IdRule("[!-~]{1,40}", 29),
    IdRule("[a-zA-Z0-9]{9}", 9, prefix=""),
]
ids = st.text(max_size=100) | st.sampled_from(["call_0", "functions.f:0", "abcdefgh1", "x" * 64, "x" * 65])
turns = st.lists(st.lists(ids, min_size=1, max_size=4, unique=True), max_size=5)


def conversation(turns):
    """Each turn calls with these ids, and each call gets its result."""
    for number, turn in enumerate(turns):
        calls = [ToolCall(id, "function", "f", {"place": [number, place]}) for place, id in enumerate(turn)]
        yield Message("assistant", "", tool_calls=calls)
        yield from (Message("tool", f"{number} {place}", tool_call_id=id) for place, id in enumerate(turn))


@pytest.mark.parametrize("rule", RULES)
@given(turns)
def test_every_call_gets_an_id_of_its_own_that_fits_and_its_result_the_same(rule, turns):
    fitting = with_fitting_ids(list(conversation(turns)), rule)

    made = [call.id for message in fitting for call in message.tool_calls]
    answered = [message.tool_call_id for message in fitting if message.role == "tool"]
    assert made == answered and len(set(made)) == len(made)
    assert all(re.fullmatch(rule.pattern, id) for id in made)


@pytest.mark.parametrize("rule", RULES)
@given(turns, turns)
def test_what_follows_changes_no_id(rule, turns, later):
    """Except for an id that a later call already has, which is its own."""
    before = list(conversation(turns))
    fitting = with_fitting_ids([*before, *conversation(later)], rule)
    if not {id for turn in later for id in turn if rule.takes(id)}:
        assert with_fitting_ids(before, rule) == fitting[: len(before)]
    assert with_fitting_ids(fitting, rule) == fitting


def test_an_id_that_fits_and_one_that_is_to_be_kept_stay():
    rule = IdRule("[a-z]{1,3}", 3, prefix="")
    messages = list(conversation([["abc"], ["functions.f:0"]]))
    assert with_fitting_ids(messages, rule, kept=["functions.f:0"]) == messages


def test_an_id_made_here_is_never_that_of_another_call():
    rule = IdRule("[0-9a-f_cl]{1,9}", 9)
    clash = rule.made("functions.f:0", 0)
    (first, _, second, _) = with_fitting_ids(list(conversation([["functions.f:0"], [clash]])), rule)
    assert second.tool_calls[0].id == clash != first.tool_calls[0].id


def test_results_of_two_calls_under_one_id_come_in_the_order_of_the_calls():
    calls = [ToolCall("call_0", "function", "f", {}), ToolCall("call_0", "function", "g", {})]
    results = [Message("tool", "f", tool_call_id="call_0"), Message("tool", "g", tool_call_id="call_0")]
    turn, *answers = with_fitting_ids([Message("assistant", "", tool_calls=calls), *results], RULES[0])
    assert [answer.tool_call_id for answer in answers] == [call.id for call in turn.tool_calls]
    assert len({call.id for call in turn.tool_calls}) == 2
