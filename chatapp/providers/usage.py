"""Estimates the tokens of a reply that its provider did not count. Pure."""

from collections.abc import Sequence

from chatapp.chat import Message
from chatapp.events import Usage

CHARS_PER_TOKEN = 4  # the usual rule of thumb


def estimate_usage(asked: Sequence[Message], reasoning: str, content: str) -> Usage:
    """The tokens by length, for a provider that does not count or was stopped before it could."""
    prompt = _tokens("".join(message.text for message in asked))
    thought = _tokens(reasoning)
    completion = thought + _tokens(content)
    return Usage(prompt, completion, prompt + completion, thought, 0, estimated=True)


def _tokens(text: str) -> int:
    return -(-len(text) // CHARS_PER_TOKEN)
