"""The turns of a chat, made fit for a protocol; what does not fit is refused under its field's
name.
"""

import pytest
from providers.chats import CALLED, HERE, PLAIN, PNG, RESULTS, SILENT, THERE

from chatapp.chat import AnswerSchema, Chat, Image, Message, Native, Text
from chatapp.errors import InvalidField
from chatapp.providers.prompt import (
    InlineFile,
    given,
    inline_image,
    native_content,
    parts,
    refuse,
    result_text,
    sendable_turns,
    split_data_url,
    with_tool_names,
)

BLANK = Message("assistant", "\n \n")


def chat(*messages: Message, **more: object) -> Chat:
    return Chat(model="m", messages=list(messages), **more)


def test_an_answer_that_says_nothing_is_left_out():
    native = Message("assistant", "", native=Native("acme", [1]))
    said = [Message("user", ""), CALLED, native, Message("assistant", "a")]
    assert list(sendable_turns(chat(*said, SILENT, BLANK), "it", "acme")) == said
    assert native not in sendable_turns(chat(*said), "it", "other")


def test_an_image_is_refused_in_a_role_that_cannot_have_one():
    result = Message("tool", [HERE], tool_call_id="c")
    assert list(sendable_turns(chat(result), "acme", images_of=("tool",))) == [result]
    with pytest.raises(InvalidField) as raised:
        list(sendable_turns(chat(result), "acme", images_of=()))
    assert raised.value.message == "messages: acme does not accept images or PDFs in messages of role 'tool'"


def test_the_images_of_results_follow_them_if_only_a_user_may_have_images():
    results = [
        Message("tool", [HERE], tool_call_id="c"),
        Message("tool", [Text("a"), HERE, Text("b")], tool_call_id="d"),
        Message("tool", [Text("a"), Text("b")], tool_call_id="e"),
    ]
    asked = Message("user", "and?")
    first, second, third, shown, last = sendable_turns(chat(*results, asked), "acme")
    assert [message.content for message in (first, second, third)] == [
        "The result is an image; it follows.",
        "ab",
        "ab",
    ]
    assert shown == Message("user", [Text("The images that the tools returned:"), HERE, HERE]) and last == asked
    assert [message.role for message in sendable_turns(chat(*results), "acme")] == ["tool", "tool", "tool", "user"]


def test_the_images_that_a_model_made_follow_its_turn_if_only_a_user_may_have_images():
    drawn, asked = Message("assistant", [Text("Here."), HERE]), Message("user", "and blue?")
    shown = Message("user", [Text("The images that you made:"), HERE])
    turns = list(sendable_turns(chat(drawn, asked), "acme", images_of=("user", "tool")))
    assert turns == [Message("assistant", "Here."), shown, asked]
    assert list(sendable_turns(chat(drawn, asked), "acme", images_of=("user", "assistant"))) == [drawn, asked]
    assert list(sendable_turns(chat(Message("assistant", [HERE]), asked), "acme")) == [shown, asked]


def test_a_turn_with_calls_and_its_results_stay_together():
    drawn = Message("assistant", [HERE], tool_calls=CALLED.tool_calls)
    turns = list(sendable_turns(chat(drawn, Message("tool", [HERE], tool_call_id="c1"), RESULTS[1]), "acme"))
    assert [turn.role for turn in turns] == ["assistant", "tool", "tool", "user"]
    assert [part.text for part in turns[-1].content if isinstance(part, Text)] == [
        "The images that you made:",
        "The images that the tools returned:",
    ]


@pytest.mark.parametrize(
    ("field", "value"), [("seed", 0), ("stop", ["."]), ("schema", AnswerSchema({})), ("json_mode", True)]
)
def test_a_field_that_is_set_is_refused_by_its_name(field, value):
    refuse(PLAIN, "acme", "seed", "stop", "schema", "json_mode")
    with pytest.raises(InvalidField, match=f"^{field}: acme does not support this$"):
        refuse(chat(**{field: value}), "acme", "seed", "stop", "schema", "json_mode")


@pytest.mark.parametrize(
    ("content", "expected"),
    [("a", [Text("a")]), ("", []), ([Text(""), HERE, Text("b")], [HERE, Text("b")]), (" \n", [])],
)
def test_parts_are_without_empty_texts(content, expected):
    assert parts(Message("user", content)) == expected


@pytest.mark.parametrize(
    "url",
    [f"data:image/png;base64,{PNG}", f"data:image/png;name=a.png;base64,{PNG}"],
)
def test_an_image_inside_the_request_is_taken_apart(url):
    assert inline_image(Image(url), "acme") == split_data_url(url) == InlineFile("image/png", PNG)


@pytest.mark.parametrize("url", [THERE.url, "data:image/png,raw", "data:;base64,AAAA", "data:image/png;base64,?"])
def test_any_other_image_is_refused_if_it_must_be_inside(url):
    with pytest.raises(InvalidField, match="^messages: acme accepts images only as base64 data: URLs$"):
        inline_image(Image(url), "acme")


def test_a_turn_goes_back_as_it_was_written_only_to_its_own_protocol():
    message = Message("assistant", "a", native=Native("acme", [1]))
    assert native_content(message, "acme", "it") == [1]
    assert native_content(message, "other", "it") is native_content(Message("assistant", "a"), "acme", "it") is None
    own = Message("assistant", "a", native=Native("acme", [1], "it"))
    assert native_content(own, "acme", "it") == [1]
    assert native_content(own, "acme", "another") is None


def test_results_are_texts_with_the_names_of_their_tools():
    named = list(with_tool_names(iter([CALLED, *RESULTS, Message("tool", "?", tool_call_id="unknown")])))
    assert [name for _, name in named] == ["", "weather", "time", ""]
    assert [result_text(message) for message in RESULTS] == ["mild", "Error: no clock"]


def test_only_what_is_set_is_given():
    assert given(a=None, b=[], c=0, d="") == {"c": 0, "d": ""}
