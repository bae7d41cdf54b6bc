"""The application without HTTP."""

from typing import Any

import msgspec

from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.service import estimated_tokens

TOOL = {"name": "weather", "description": "of a city", "input_schema": {"type": "object", "properties": {}}}


def tokens(text: str, **more: Any) -> int:
    asked = msgspec.convert({"messages": [{"role": "user", "content": text}], **more}, MessagesRequest)
    return estimated_tokens(asked.ask())


def test_tokens_are_estimated_by_the_length_of_all_that_is_text() -> None:
    assert tokens("12345678") == 2
    assert tokens("12345678", system="1234") == 3
    assert tokens("12345678", tools=[TOOL]) > tokens("12345678") + 10
