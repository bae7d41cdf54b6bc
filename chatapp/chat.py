"""What is asked of a provider, and what it says beside events. Values only.

A `Chat` is complete: an adapter needs nothing else to build its request. `Began` and `Finish` frame what a
provider yields: they tell the run how the reply went and are never written to the log themselves.
"""

from typing import Literal, TypeAlias

import msgspec

from chatapp.events import FinishReason, StreamEvent, Usage

Role: TypeAlias = Literal["system", "user", "assistant"]


class Message(msgspec.Struct, frozen=True):
    role: Role
    content: str


class Chat(msgspec.Struct, frozen=True, kw_only=True):
    """One request to a provider. None means: the provider's own default."""

    model: str
    messages: list[Message]
    thinking: bool | None = None
    max_tokens: int | None = None
    temperature: float | None = None


class Began(msgspec.Struct, frozen=True):
    """The provider's answer has begun: its headers are here, its first token may still be far."""


class Finish(msgspec.Struct, frozen=True):
    """How the provider ended its reply; its last word. `usage` is None where it said nothing of it."""

    reason: FinishReason
    usage: Usage | None = None


ReplyItem: TypeAlias = StreamEvent | Began | Finish
"""What `Provider.stream` yields: `Began`, then events, then exactly one `Finish`; or it raises `UpstreamError`."""
