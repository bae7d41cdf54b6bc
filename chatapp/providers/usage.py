"""Estimates the tokens of what is asked, and of a reply that its provider did not count."""

from collections.abc import Sequence

import msgspec

from chatapp.chat import Ask, Message
from chatapp.events import Usage
from chatapp.hub import with_pauses

CHARS_PER_TOKEN = 4  # the usual rule of thumb


def estimate_usage(asked: Sequence[Message], reasoning: str, content: str) -> Usage:
    """The tokens by length, for a provider that does not count or was stopped before it could."""
    return estimated_usage(estimate_prompt(asked), reasoning, content)


def estimated_usage(prompt: int, reasoning: str, content: str) -> Usage:
    """The same, with the prompt counted before."""
    thought = _tokens(len(reasoning))
    completion = thought + _tokens(len(content))
    return Usage(prompt, completion, prompt + completion, thought, 0, estimated=True)


def estimate_prompt(asked: Sequence[Message]) -> int:
    """Texts, and those of attached files; not pictures."""
    return _tokens(sum(_chars(message) for message in with_pauses(asked)))


def estimated_tokens(ask: Ask) -> int:
    """Of what is said with the ask: texts, calls and tools, by length."""
    messages = [*ask.instructions, *ask.said]
    calls = [call.arguments for message in messages for call in message.tool_calls]
    rest = [Message("system", msgspec.json.encode(value).decode()) for value in (*ask.options.tools, *calls)]
    return estimate_prompt([*messages, *rest])


def _chars(message: Message) -> int:
    return len(message.text) + sum(file.chars for file in message.attachments)


def _tokens(chars: int) -> int:
    return -(-chars // CHARS_PER_TOKEN)
