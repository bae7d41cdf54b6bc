"""Calls run side by side, their results are sent back, and a failure is a result like any other."""

from collections.abc import Mapping, Sequence
from typing import Any

import gevent
import msgspec
import pytest
from drivers import NoApprovals, ScriptedProvider
from gevent.event import Event

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message, Native, ToolSpec
from chatapp.events import (
    AttemptReset,
    NativePiece,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.generation.run import Run
from chatapp.generation.tool_loop import ToolLoop
from chatapp.logs.memory import MemoryLog
from chatapp.providers import Finished, ReplyItem, Started, StepFinished
from chatapp.tools import Tool
from chatapp.tools.functions import tool
from chatapp.tools.toolbox import Limits, Toolbox

CHAT = Chat(model="m", messages=[Message("user", "go")], tool_choice="required")
LIMITS = Limits(calls=3, seconds=5.0, result_bytes=200, approval_s=60.0)


class Stopped(Exception):
    pass


class Model(ScriptedProvider):
    """Answers with one reply after the other, each of which begins by itself."""

    def __init__(self, *replies: list[ReplyItem]) -> None:
        super().__init__(*([Started(), *reply] for reply in replies))


@tool
def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


@tool
def hang() -> None:
    """Wait for ever."""
    gevent.sleep(1000)


@tool
def broken() -> None:
    """Always fails."""
    raise ZeroDivisionError("secret detail")


@tool
def long() -> str:
    """A long text."""
    return "x" * 1000


@tool(ask=True)
def guarded() -> str:
    """Needs approval."""
    return "done"


TOOLS = {t.spec.name: t for t in (double, hang, broken, long, guarded)}


def call(id: str, name: str, **arguments: object) -> ToolCall:
    return ToolCall(id, "function", name, arguments)


def toolbox(tools: Mapping[str, Tool] = TOOLS, **limits: float) -> Toolbox:
    return Toolbox("run", tools, msgspec.structs.replace(LIMITS, **limits), NoApprovals())


def play(model: Model, box: Toolbox | None = None, chat: Chat = CHAT) -> list[ReplyItem]:
    with gevent.Timeout(10):
        return list(ToolLoop(model, box or toolbox()).stream(chat, CancelScope()))


def results(items: Sequence[ReplyItem]) -> dict[str, Any]:
    return {i.tool_call_id: i.error or i.result for i in items if isinstance(i, ToolResult)}


STOP = Finished("stop", Usage(10, 5, 15))
ANSWER: list[ReplyItem] = [TextDelta("It is 42."), Finished("stop", Usage(20, 3, 23))]


def test_a_call_is_run_and_its_result_sent_back() -> None:
    pieces = [NativePiece("test", "model", ["signed"]), NativePiece("test", "model", ["so"], whole=True)]
    first: list[ReplyItem] = [
        ReasoningDelta("hm"),
        pieces[0],
        TextDelta("Let me see."),
        ToolInputDelta("a", "double", '{"number": 21}'),
        call("a", "double", number=21),
        pieces[1],
        Finished("stop", Usage(10, 5, 15)),
    ]
    model = Model(first, ANSWER)
    assert play(model) == [
        Started(),
        *first[:-1],
        ToolResult("a", 42),
        StepFinished(Usage(10, 5, 15)),
        Started(),
        *ANSWER,
    ]
    turn, answer = model.asked[1].messages[1:]
    assert turn == Message(
        "assistant",
        "Let me see.",
        tool_calls=[call("a", "double", number=21)],
        reasoning="hm",
        native=Native("test", ["signed", "so"], "model"),
    )
    assert answer == Message("tool", "42", tool_call_id="a")
    assert model.asked[1].tool_choice == "auto"


def test_a_turn_whose_call_got_another_id_is_not_whole_in_the_log_but_goes_back() -> None:
    piece = NativePiece("test", "model", ["signed"], whole=True)
    again: list[ReplyItem] = [call("a", "double", number=21), piece, STOP]
    model = Model(again, again, ANSWER)
    pieces = [item for item in play(model) if isinstance(item, NativePiece)]
    assert [item.whole for item in pieces] == [True, False]
    turns = [message for message in model.asked[2].messages if message.role == "assistant"]
    assert [turn.native for turn in turns] == [Native("test", ["signed"], "model")] * 2


def test_calls_of_one_turn_run_side_by_side_and_results_come_when_they_are_there() -> None:
    met = Event()

    @tool
    def waits() -> str:
        """Waits for the other."""
        assert met.wait(5)
        return "second"

    @tool
    def comes() -> str:
        """Lets the other go on."""
        met.set()
        return "first"

    model = Model([call("a", "waits"), call("b", "comes"), STOP], ANSWER)
    items = play(model, toolbox({"waits": waits, "comes": comes}))
    assert list(results(items).items()) == [("b", "first"), ("a", "second")]
    assert [m.tool_call_id for m in model.asked[1].messages[2:]] == ["a", "b"]


@pytest.mark.parametrize(
    ("made", "error"),
    [
        (call("a", "broken"), "The tool broken failed (ZeroDivisionError)."),
        (call("a", "hang"), "The tool hang took longer than 0.05 s."),
        (call("a", "long"), "The result is too large: 1002 bytes; the limit is 200. Ask for less."),
        (call("a", "double", number="x"), "The arguments are not valid: number: 'x' is not of type 'integer'"),
        (call("a", "double"), "The arguments are not valid: arguments: 'number' is a required property"),
        (call("a", "made_up"), "Unknown tool 'made_up'; available: double, hang, broken, long, guarded."),
        (ToolCall("a", "function", "double", {}, unread="{oops"), "The arguments are not a JSON object: {oops"),
    ],
)
def test_what_goes_wrong_is_told_to_the_model_and_the_run_goes_on(made: ToolCall, error: str) -> None:
    model = Model([made, STOP], ANSWER)
    items = play(model, toolbox(seconds=0.05))
    assert results(items) == {"a": error}
    assert model.asked[1].messages[-1] == Message("tool", error, tool_call_id="a", failed=True)
    assert items[-1] == ANSWER[-1]


def test_one_call_too_many_ends_the_run_after_those_that_are_allowed() -> None:
    model = Model(
        [call("a", "double", number=1), call("b", "double", number=2), STOP],
        [call("c", "double", number=3), call("d", "double", number=4), STOP],
    )
    items = play(model)
    assert results(items) == {"a": 2, "b": 4, "c": 6}
    assert items[-1] == Finished("tool_limit", STOP.usage)
    assert len(model.asked) == 2


def test_a_clients_call_is_passed_out_once_our_own_have_been_run() -> None:
    model = Model([call("a", "double", number=1), call("b", "theirs"), call("c", "hang"), STOP])
    theirs = [ToolSpec("theirs", "", {}), ToolSpec("hang", "the client's own", {})]
    items = play(model, chat=msgspec.structs.replace(CHAT, tools=theirs))
    assert results(items) == {"a": 2}
    assert items[-1] == STOP
    offered = [(tool.name, tool.description) for tool in model.asked[0].tools]
    assert ("hang", "the client's own") in offered and len(offered) == len(TOOLS) + 1


def test_a_tool_that_the_provider_ran_is_not_run_again() -> None:
    items = play(Model([call("a", "double", number=1), ToolResult("a", "theirs"), *ANSWER]))
    assert results(items) == {"a": "theirs"}


def test_a_reply_that_was_cut_off_makes_no_calls() -> None:
    items = play(Model([call("a", "double", number=1), Finished("length")]))
    assert results(items) == {} and items[-1] == Finished("length")


def test_ids_that_come_again_are_told_apart_in_the_log_and_given_back_as_they_were() -> None:
    model = Model(
        [call("call_0", "double", number=1), STOP],
        [ToolInputDelta("call_0", "double", "{}"), call("call_0", "double", number=2), STOP],
        ANSWER,
    )
    items = play(model)
    assert results(items) == {"call_0": 2, "call_0_2": 4}
    assert ToolInputDelta("call_0_2", "double", "{}") in items
    turn, answer = model.asked[2].messages[-2:]
    assert (turn.tool_calls[0].id, answer.tool_call_id, answer.content) == ("call_0", "call_0", "4")


def test_calls_of_one_reply_with_the_same_id_have_each_its_own_result() -> None:
    model = Model(
        [
            ToolInputDelta("x", "double", '{"number": 1}'),
            call("x", "double", number=1),
            ToolInputDelta("x", "double", '{"number": 2}'),
            call("x", "double", number=2),
            STOP,
        ],
        ANSWER,
    )
    items = play(model)
    assert results(items) == {"x": 2, "x_2": 4}
    assert ToolInputDelta("x_2", "double", '{"number": 2}') in items
    turn, *answers = model.asked[1].messages[-3:]
    assert [(made.id, made.arguments["number"]) for made in turn.tool_calls] == [("x", 1), ("x", 2)]
    assert [(answer.tool_call_id, answer.content) for answer in answers] == [("x", "2"), ("x", "4")]


def test_a_reset_in_a_later_round_keeps_what_the_rounds_before_have_shown() -> None:
    made = call("a", "double", number=1)
    items = play(Model([made, STOP], [TextDelta("half"), AttemptReset("again"), *ANSWER]))
    after = items[items.index(AttemptReset("again")) + 1 :]
    assert after == [made, ToolResult("a", 2), *ANSWER]


def test_the_kind_of_a_tool_is_told() -> None:
    class Remote:
        spec = ToolSpec("far", "", {"type": "object"})
        type = "mcp"
        ask = False

        def call(self, arguments: dict[str, object], scope: CancelScope) -> object:
            return ["anything", 2**70]

    items = play(Model([call("a", "far"), STOP], ANSWER), toolbox({"far": Remote()}))  # type: ignore[dict-item]
    assert ToolCall("a", "mcp", "far", {}) in items
    assert results(items) == {"a": ["anything", float(2**70)]}


def test_stop_ends_the_calls_under_way_and_starts_no_further_one() -> None:
    ended = Event()

    @tool
    def endless() -> None:
        """Wait until stopped."""
        try:
            gevent.sleep(1000)
        finally:
            ended.set()

    model = Model([call("a", "endless"), call("b", "guarded"), STOP], ANSWER)
    scope = CancelScope()
    rounds = ToolLoop(model, toolbox({"endless": endless, "guarded": guarded})).stream(CHAT, scope)
    gevent.spawn_later(0.02, scope.cancel, Stopped)
    with gevent.Timeout(5), pytest.raises(Stopped):
        list(rounds)
    assert ended.wait(5)
    assert len(model.asked) == 1


def test_a_run_adds_up_what_its_rounds_used_and_estimates_the_one_that_was_stopped() -> None:
    def stops(text: str) -> list[ReplyItem]:
        return [call("a", "double", number=1), TextDelta(text), STOP]

    for last, expected in ((ANSWER, Usage(30, 8, 38)), ([TextDelta("x" * 40)], None)):
        log = MemoryLog()
        run = Run("r", "trace", ToolLoop(Model(stops("y" * 400), last), toolbox()), CHAT, log)
        log.create("r")
        usage = run.generate().usage
        assert usage == (expected or Usage(11, 15, 26, estimated=True))
        log.close()


def test_a_call_of_the_providers_own_is_never_run_whatever_its_name() -> None:
    served = ToolCall("a", "function", "double", {"number": 1}, by_provider=True)
    items = play(Model([served, call("a", "double", number=2), STOP], ANSWER))
    assert served in items
    assert results(items) == {"a_2": 4}


def test_a_call_of_the_providers_own_is_not_typed_or_sent_back() -> None:
    served = ToolCall("s", "function", "theirs", {}, by_provider=True)
    model = Model([served, ToolResult("s", 1), call("a", "double", number=2), STOP], ANSWER)
    chat = msgspec.structs.replace(CHAT, tools=[ToolSpec("theirs", "", {})])
    assert play(model, chat=chat)[-1] == ANSWER[-1]
    assert [made.id for made in model.asked[1].messages[1].tool_calls] == ["a"]


def test_what_was_left_out_of_a_reply_is_passed_on() -> None:
    skipped = {"unknown frame": 1}
    items = play(Model([call("a", "double", number=1), Finished("stop", Usage(), skipped=skipped)], ANSWER))
    assert StepFinished(Usage(), skipped) in items
