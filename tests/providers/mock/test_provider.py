import gevent
import msgspec
import pytest

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message, ToolSpec
from chatapp.errors import Reported, Truncated, UpstreamError
from chatapp.events import ReasoningDelta, TextDelta, ToolCall, ToolInputDelta, ToolResult, Usage, encode_events
from chatapp.providers import Finished, Started
from chatapp.providers.mock.provider import Mock


class Stopped(Exception):
    pass


@pytest.fixture
def mock():
    return Mock(delay=0)


def chat(model="words", prompt="hello big world", **more):
    return Chat(model=model, messages=[Message("user", prompt)], **more)


def reply(mock, chat):
    items, error = [], None
    try:
        items.extend(mock.stream(chat, CancelScope()))
    except UpstreamError as raised:
        error = raised
    return items, error


def text(items):
    return "".join(item.text for item in items if isinstance(item, TextDelta))


def test_words_come_one_by_one_and_quote_the_prompt(mock):
    (began, *events, finish), error = reply(mock, chat())

    assert error is None
    assert began == Started()
    assert len(events) >= 80
    assert all(isinstance(event, TextDelta) and len(event.text.split()) == 1 for event in events)
    assert "> hello big world" in text(events)
    assert "\n- " in text(events) and "```python\n" in text(events)
    assert finish == Finished("stop", Usage(3, len(events), 3 + len(events)))


def test_the_same_chat_gives_the_same_reply(mock):
    assert reply(mock, chat("think")) == reply(mock, chat("think"))


def test_a_long_prompt_is_quoted_in_part(mock):
    items, _ = reply(mock, chat(prompt="word\n" * 1000))

    assert text(items).count("word") < 100


def test_max_tokens_ends_it(mock):
    (_, *events, finish), _ = reply(mock, chat(max_tokens=7))

    assert len(events) == 7
    assert finish == Finished("length", Usage(3, 7, 10))


def test_a_limit_that_is_just_enough_cuts_nothing(mock):
    full, _ = reply(mock, chat())

    assert reply(mock, chat(max_tokens=len(full) - 2)) == (full, None)


@pytest.mark.parametrize(
    ("model", "thinking", "thinks"),
    [
        ("words", None, False),
        ("words", True, True),
        ("think", None, True),
        ("think", False, False),
        ("tool", True, True),
    ],
)
def test_it_thinks_when_told_to(mock, model, thinking, thinks):
    (_, *events, finish), _ = reply(mock, chat(model, thinking=thinking))

    reasoned = sum(isinstance(event, ReasoningDelta) for event in events)
    assert bool(reasoned) == thinks == isinstance(events[0], ReasoningDelta)
    assert finish.usage.reasoning == reasoned


def test_a_tool_is_called_before_the_answer(mock):
    items, _ = reply(mock, chat("tool"))
    arguments = "".join(item.text for item in items if isinstance(item, ToolInputDelta))
    [call] = [item for item in items if isinstance(item, ToolCall)]
    [result] = [item for item in items if isinstance(item, ToolResult)]

    assert msgspec.json.decode(arguments) == call.arguments == {"text": "hello big world"}
    assert result == ToolResult(call.id, {"words": 3})
    assert items.index(call) < items.index(result) < next(i for i, e in enumerate(items) if isinstance(e, TextDelta))
    encode_events([item for item in items if not isinstance(item, (Started, Finished))])


def test_fail_first_says_nothing(mock):
    items, error = reply(mock, chat("fail-first"))

    assert items == []
    assert error.retryable


@pytest.mark.parametrize(("model", "error"), [("fail-late", Reported), ("truncated", Truncated)])
def test_a_late_failure_comes_after_some_words(mock, model, error):
    items, raised = reply(mock, chat(model))

    assert type(raised) is error
    assert text(items) and not isinstance(items[-1], Finished)


@pytest.mark.parametrize("model", ["silent", "slow"])
def test_a_waiting_reply_is_stopped(model):
    scope = CancelScope()
    waiting = gevent.spawn(list, Mock(delay=60).stream(chat(model), scope))
    gevent.idle()
    scope.cancel(Stopped)

    with pytest.raises(Stopped):
        waiting.get(timeout=5)


def test_every_model_that_is_listed_does_something_of_its_own(mock):
    tools = [ToolSpec(name, "", {"type": "object"}) for name in ("one", "two", "three")]
    seen = {
        str(reply(mock, chat(model, "Do step 2 of your plan", tools=tools)))
        for model in mock.models()
        if model not in ("silent", "slow")
    }

    assert len(seen) == len(mock.models()) - 2
    assert mock.models()[0] == "words"


def test_it_plans_when_it_is_asked_for_a_list(mock):
    items, _ = reply(mock, chat("words", "Plan it: a numbered list of steps, please"))
    text = "".join(item.text for item in items if isinstance(item, TextDelta))
    assert [line[:2] for line in text.split("\n")] == ["1.", "2.", "3."]
