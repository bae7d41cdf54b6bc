"""The built-in agent plans, works through its plan with tools, and answers; all as events."""

from collections.abc import Iterator, Sequence

import gevent
import msgspec
import pytest
from drivers import NoApprovals, ScriptedProvider, a_start
from gevent.event import Event

from chatapp.agents import Agent, Task
from chatapp.agents.catalog import AgentCatalog
from chatapp.agents.planner import planner
from chatapp.agents.provider import AgentProvider
from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message, ToolSpec
from chatapp.errors import ConfigError, NotFound
from chatapp.events import (
    AttemptReset,
    NativePiece,
    PlanStep,
    ReasoningDelta,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolResult,
    Usage,
)
from chatapp.providers import Finished, Provider, ReplyItem, Started, StepFinished
from chatapp.providers.mock.provider import Mock
from chatapp.service.answering import answerer
from chatapp.settings import Settings
from chatapp.settings.tables import AgentConfig
from chatapp.tools.builtin.tools import TOOLS
from chatapp.tools.toolbox import Limits, Toolbox

CHAT = Chat(model="agent", messages=[Message("system", "Be brief."), Message("user", "What is it?")])


RESET = AttemptReset("again")


class Stopped(Exception):
    pass


def writer(*texts: str) -> ScriptedProvider:
    """A model that answers with these texts in turn. A `|` in one resets the answer so far."""
    return ScriptedProvider(*map(_reply, texts))


def _reply(text: str) -> list[ReplyItem]:
    pieces = [RESET if piece == "|" else TextDelta(piece) for piece in text]
    return [Started(), *pieces, Finished("stop", Usage(1, 1, 2))]


def provider(agent: Agent, model: Provider, calls: int = 8) -> Provider:
    tools = {tool.spec.name: tool for tool in TOOLS}
    return answerer(model, Toolbox("run", tools, Limits(calls, 5.0, 1000, 60.0), NoApprovals()), agent)


def play(agent: Agent, model: Provider, calls: int = 8) -> list[ReplyItem]:
    with gevent.Timeout(10):
        return list(provider(agent, model, calls).stream(CHAT, CancelScope()))


def test_what_the_model_sealed_is_no_turn_of_the_agent() -> None:
    sealed = [Started(), TextDelta("a"), NativePiece("p", "up", [1], whole=True), Finished("stop", Usage(1, 1, 2))]

    def repeats(task: Task) -> Iterator[StreamEvent]:
        yield from task.ask([Message("user", "hi")])

    assert not [item for item in play(repeats, ScriptedProvider(sealed)) if isinstance(item, NativePiece)]


def text(items: Sequence[ReplyItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


def test_each_step_is_announced_worked_through_with_tools_and_answered() -> None:
    items = play(planner, Mock(delay=0))
    steps = [item for item in items if isinstance(item, PlanStep)]
    assert [(step.index, step.begun) for step in steps[:4]] == [(1, False), (2, False), (3, False), (1, True)]
    assert [step.index for step in steps[3:]] == [1, 2, 3] and steps[0].text == "Read the question"
    calls = [item for item in items if isinstance(item, ToolCall)]
    assert [call.name for call in calls] == ["current_time", "calculate", "sample_stock_quote"]
    results = [item for item in items if isinstance(item, ToolResult)]
    assert {result.tool_call_id for result in results} == {call.id for call in calls}
    assert not [result.error for result in results if result.error]
    assert text(items).startswith("You asked:")
    assert len([item for item in items if isinstance(item, StepFinished)]) == 1 + 2 * 3 + 1
    assert items[-1] == Finished("stop", Usage())


def test_a_step_is_announced_the_moment_its_line_is_complete() -> None:
    stream = iter(provider(planner, writer("1. One\n2) **Two**\n", "a", "b", "c")).stream(CHAT, CancelScope()))
    assert [next(stream), next(stream)] == [Started(), PlanStep(1, "One")]
    assert next(stream) == PlanStep(2, "Two")


def test_text_during_a_step_is_thinking_and_the_answer_is_text() -> None:
    model = writer("Sure:\n1. One\n\n2. Two", "found one", "found two", "It is this.")
    items = play(planner, model)
    assert text(items) == "It is this."
    thought = "".join(item.text for item in items if isinstance(item, ReasoningDelta))
    assert thought == "found one\n\nfound two\n\n"
    last = model.asked[-1]
    assert last.messages[0] == CHAT.messages[0] and not last.tools
    assert [m.text for m in last.messages if m.role == "assistant"] == ["1. One\n2. Two", "found one", "found two"]


@pytest.mark.parametrize(
    ("plan", "found", "answer"),
    [
        ("1. One\n2. Void\n3. Vo|1. One\n2. Two", "found it", "It is this."),
        ("1. One\n2. Two", "void|found it", "It is this."),
        ("1. One\n2. Two", "found it", "It is that|It is this."),
    ],
)
def test_a_reset_withdraws_the_events_of_its_own_answer_only(plan: str, found: str, answer: str) -> None:
    model = writer(plan, found, "found more", answer)
    items = play(planner, model)
    assert items.count(RESET) == 1
    shown = [item for item in items[items.index(RESET) :] if isinstance(item, (PlanStep, ReasoningDelta, TextDelta))]
    steps = [(step.index, step.text, step.begun) for step in shown if isinstance(step, PlanStep)]
    assert steps == [(1, "One", False), (2, "Two", False), (1, "One", True), (2, "Two", True)]
    thought = "".join(item.text for item in shown if isinstance(item, ReasoningDelta))
    assert (thought, text(shown)) == ("found it\n\nfound more\n\n", "It is this.")
    said = [message.text for message in model.asked[-1].messages if message.role == "assistant"]
    assert said == ["1. One\n2. Two", "found it", "found more"]


def test_a_reset_of_an_answer_that_was_not_shown_is_not_shown() -> None:
    def silent(task: Task) -> Iterator[StreamEvent]:
        yield TextDelta("so far. ")
        said = [event for event in task.ask(task.chat.messages) if isinstance(event, TextDelta)]
        yield from said[-1:]

    items = play(silent, writer("void|x"))
    assert RESET not in items and text(items) == "so far. x"


def test_a_model_that_is_asked_without_tools_is_offered_none() -> None:
    def plain(task: Task) -> Iterator[StreamEvent]:
        yield from task.ask(task.chat.messages, tools=False)

    model = writer("x")
    chat = msgspec.structs.replace(CHAT, tools=[ToolSpec("theirs", "", {})], tool_choice="required")
    list(provider(plain, model).stream(chat, CancelScope()))
    assert (model.asked[0].tools, model.asked[0].tool_choice) == ([], "auto")


def test_a_model_that_does_not_plan_still_answers() -> None:
    items = play(planner, writer("I would rather not.", "It is this."))
    assert [item for item in items if isinstance(item, PlanStep)] == [PlanStep(1, "Answer")]
    assert text(items) == "It is this."


def test_the_limit_of_calls_holds_for_the_whole_run() -> None:
    items = play(planner, Mock(delay=0), calls=2)
    assert len([item for item in items if isinstance(item, ToolResult)]) == 2
    assert isinstance(items[-1], Finished) and items[-1].reason == "tool_limit"


def test_stop_ends_any_wait_of_an_agent() -> None:
    started, ended = Event(), Event()

    def waits(task: Task) -> Iterator[StreamEvent]:
        started.set()
        try:
            yield from task.ask(task.chat.messages)
            gevent.sleep(1000)
        finally:
            ended.set()

    for model in (writer("hello"), Mock(delay=1000)):
        started.clear()
        ended.clear()
        scope = CancelScope()
        gevent.spawn(stop, scope, started)
        with gevent.Timeout(5), pytest.raises(Stopped):
            list(provider(waits, model).stream(CHAT, scope))
        assert ended.wait(5)


def test_an_agent_that_resists_a_stop_does_not_delay_its_run() -> None:
    started = Event()

    def stubborn(task: Task) -> Iterator[StreamEvent]:
        started.set()
        try:
            gevent.sleep(1000)
        finally:
            gevent.sleep(2)
        yield TextDelta("never")

    scope = CancelScope()
    gevent.spawn(stop, scope, started)
    with gevent.Timeout(1), pytest.raises(Stopped):
        list(provider(stubborn, writer()).stream(CHAT, scope))


def stop(scope: CancelScope, started: Event) -> None:
    started.wait()
    scope.cancel(Stopped)


def test_an_agent_may_yield_events_only() -> None:
    for wrong in ("text", a_start()):
        with pytest.raises(TypeError, match="canonical events"):
            play(lambda task, wrong=wrong: [wrong], writer())  # type: ignore[misc]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), gevent.Timeout(1)])
def test_any_exception_of_an_agent_ends_its_run(error: BaseException) -> None:
    def failing(task: Task) -> Iterator[StreamEvent]:
        yield TextDelta("half")
        raise error

    with gevent.Timeout(5), pytest.raises((ValueError, RuntimeError)):
        list(provider(failing, writer()).stream(CHAT, CancelScope()))


def test_an_agent_that_asks_no_model_is_estimated_by_the_run() -> None:
    items = play(lambda task: [TextDelta(task.prompt)], writer())
    assert items == [TextDelta("What is it?"), Finished("stop")]


def test_without_an_agent_and_tools_the_provider_answers_itself() -> None:
    model = writer()
    nothing = Toolbox("run", {}, Limits(8, 5.0, 1000, 60.0), NoApprovals())
    assert answerer(model, nothing, None) is model
    assert isinstance(answerer(model, nothing, planner), AgentProvider)


def parrot(task: Task) -> Iterator[StreamEvent]:
    yield TextDelta(task.prompt)


def test_agents_are_found_by_their_name_in_the_configuration() -> None:
    agents = AgentCatalog(Settings(agents={"parrot": AgentConfig(factory="operator:not_")}))
    assert agents.find("planner") is planner and agents.find("") is agents.find(None) is None
    assert agents.find("parrot")
    with pytest.raises(NotFound, match="agent: unknown agent 'x'; available: planner, parrot"):
        agents.find("x")


@pytest.mark.parametrize("factory", ["no.such.module:agent", "operator:nothing", "operator:__name__"])
def test_an_agent_that_cannot_be_loaded_stops_the_start(factory: str) -> None:
    with pytest.raises(ConfigError, match=r"agents\.mine\.factory"):
        AgentCatalog(Settings(agents={"mine": AgentConfig(factory=factory)}))
    with pytest.raises(ConfigError, match="default_agent"):
        AgentCatalog(Settings(default_agent="nobody"))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"factory": "no colon"}, AgentConfig)
