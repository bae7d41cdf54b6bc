"""A content block of Anthropic's: as it is sent back, and as a result."""

import json

import pytest

from chatapp.errors import BadReply
from chatapp.providers.anthropic.blocks import Block


def block(**fields):
    return Block(json.dumps(fields).encode(), "acme")


def test_a_block_goes_back_with_what_came_after_its_start():
    text, thinking = block(type="text", text="so "), block(type="thinking", thinking="", signature="")
    text.text.add("I look")
    thinking.text.add("hm")
    thinking.signatures.append("sig")
    assert text.native() == {"type": "text", "text": "so I look"}
    assert thinking.native() == {"type": "thinking", "thinking": "hm", "signature": "sig"}


def test_an_unknown_block_goes_back_as_it_came():
    assert block(type="new", data={"x": [1]}).native() == {"type": "new", "data": {"x": [1]}}


def test_an_empty_text_does_not_go_back():
    assert block(type="text", text="").native() is None


def test_arguments_come_in_pieces_or_with_the_start():
    whole, pieces = block(type="tool_use", input={"x": 1}), block(type="tool_use", input={})
    pieces.inputs += ['{"x"', ":1}"]
    assert json.loads(whole.input) == json.loads(pieces.input) == {"x": 1}
    assert whole.native()["input"] == pieces.native()["input"] == {"x": 1}


def test_arguments_that_are_no_json_go_back_as_none():
    broken = block(type="tool_use", input={})
    broken.inputs.append('{"x')
    assert broken.native()["input"] == {}


@pytest.mark.parametrize(
    ("fields", "result"),
    [
        ({"content": [{"text": "a", "encrypted_content": "x"}]}, ([{"text": "a"}], None)),
        ({"content": "plain"}, ("plain", None)),
        ({"content": {"type": "a_tool_result_error"}}, ({"type": "a_tool_result_error"}, "failed")),
        ({"content": {"type": "an_error", "error_code": "busy"}}, ({"type": "an_error", "error_code": "busy"}, "busy")),
        (
            {"content": [{"text": "no"}, {"text": "file"}], "is_error": True},
            ([{"text": "no"}, {"text": "file"}], "no file"),
        ),
        ({"content": None, "is_error": True}, (None, "failed")),
    ],
)
def test_a_result_is_without_what_only_the_provider_can_read(fields, result):
    assert block(type="x_tool_result", **fields).result() == result


def test_a_block_of_another_form_is_a_bad_reply():
    with pytest.raises(BadReply):
        Block(b"[7]", "acme")
