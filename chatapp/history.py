"""What a provider is told of a conversation so far: from its rows, and what is said now. Pure."""

from collections.abc import Iterable, Sequence
from itertools import takewhile

import msgspec

from chatapp.chat import Message
from chatapp.tables import MessageRow


def told(rows: Iterable[MessageRow], now: Sequence[Message]) -> list[Message]:
    """Without what is empty, and without calls that nobody answered: providers refuse both."""
    messages = [*(row.message() for row in rows), *now]
    whole = [_with_answered_calls(message, messages[index + 1 :]) for index, message in enumerate(messages)]
    return [message for message in whole if message.content or message.tool_calls or message.role == "tool"]


def _with_answered_calls(message: Message, later: Iterable[Message]) -> Message:
    """The results come right after the message that made the calls; other turns may use the same ids again."""
    if not message.tool_calls:
        return message
    answered = {result.tool_call_id for result in takewhile(lambda one: one.role == "tool", later)}
    calls = [call for call in message.tool_calls if call.id in answered]
    return msgspec.structs.replace(message, tool_calls=calls)
