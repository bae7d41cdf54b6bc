"""Which tools the mock calls, with which arguments, and how it answers from their results."""

import msgspec
import pytest

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message, ToolSpec
from chatapp.events import TextDelta, ToolCall, ToolInputDelta
from chatapp.providers.mock.provider import Mock
from chatapp.providers.mock.tool_calls import answer, call, called, chosen, results

WEATHER = ToolSpec(
    "weather",
    "",
    {
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}, "days": {"type": "integer"}},
    },
)
TOOLS = [msgspec.structs.replace(WEATHER, name=name) for name in ("one", "two", "three")]


def chat(model="client-tool", prompt="Paris", **more):
    return Chat(model=model, messages=[Message("user", prompt)], **more)


def reply(chat):
    return list(Mock(delay=0).stream(chat, CancelScope()))


def text(items):
    return "".join(item.text for item in items if isinstance(item, TextDelta))


def arguments(schema, question="Paris"):
    *_, made = call(ToolSpec("f", "", schema), 0, question)
    return made.arguments


def test_arguments_fit_the_schema_and_come_in_pieces():
    *pieces, made = call(WEATHER, 3, "Paris")
    assert made == ToolCall("call_3", "function", "weather", {"city": "Paris", "unit": "C", "days": 1})
    assert len(pieces) > 1 and all(
        isinstance(piece, ToolInputDelta) and piece.tool_call_id == "call_3" for piece in pieces
    )
    assert msgspec.json.decode("".join(piece.text for piece in pieces)) == made.arguments


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "default": "x"}, "x"),
        ({"examples": [7]}, 7),
        ({"enum": ["C"]}, "C"),
        ({"type": "array", "items": {"type": "number"}}, [1.5]),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": "object", "properties": {"b": {}}}, {"b": "Paris"}),
        (True, "Paris"),
    ],
)
def test_a_value_is_the_schemas_own_example_or_one_of_its_type(schema, value):
    assert arguments({"type": "object", "properties": {"a": schema}}) == {"a": value}


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"default": 5}, {"type": "object", "properties": None}, {"type": "object", "enum": {"a": 1}}],
)
def test_a_schema_of_no_object_is_called_with_nothing(schema):
    assert arguments(schema) == {}


@pytest.mark.parametrize(
    ("model", "question", "names"),
    [
        ("client-tool", "", ["one"]),
        ("parallel-tools", "", ["one", "three"]),
        ("tools", "", ["one", "two", "three"]),
        ("agent", "Do step 2 of your plan", ["two"]),
        ("agent", "Do step 4 of your plan", ["one"]),
        ("agent", "Hello", []),
    ],
)
def test_each_model_calls_tools_of_its_own(model, question, names):
    assert [tool.name for tool in called(model, TOOLS, question)] == names


@pytest.mark.parametrize(("choice", "count"), [("auto", 3), ("required", 3), ("two", 1), ("none", 0)])
def test_the_choice_of_a_tool_is_kept_to(choice, count):
    assert len(chosen(chat(tools=TOOLS, tool_choice=choice))) == count


def test_only_the_results_at_the_end_count():
    first, second, third = (Message("tool", word, tool_call_id=word) for word in ("a", "b", "c"))
    messages = [Message("user", "u"), first, Message("assistant", "x"), second, third]
    assert results(Chat(model="tools", messages=messages)) == [second, third]


def test_an_answer_says_what_each_tool_said():
    assert answer([Message("tool", "7 degrees"), Message("tool", "no", failed=True)]) == (
        "The tool said: 7 degrees\nThe tool failed: no"
    )


@pytest.mark.parametrize(("model", "count"), [("client-tool", 1), ("parallel-tools", 2)])
def test_a_reply_calls_the_tools_and_ends(model, count):
    (_, *events, finish) = reply(chat(model, tools=[WEATHER]))

    ids = {event.id for event in events if isinstance(event, ToolCall)}
    assert len(ids) == count and finish.reason == "stop"


def test_a_reply_to_results_is_the_answer():
    made = ToolCall("call_0", "function", "weather", {})
    messages = [
        Message("user", "Paris"),
        Message("assistant", "", tool_calls=[made]),
        Message("tool", "7 degrees", tool_call_id="call_0"),
    ]
    assert text(reply(Chat(model="client-tool", messages=messages, tools=[WEATHER]))) == "The tool said: 7 degrees"


@pytest.mark.parametrize("more", [{}, {"tools": [WEATHER], "tool_choice": "none"}])
def test_without_a_tool_to_call_there_is_the_usual_answer(more):
    assert "> Paris" in text(reply(chat(**more)))
