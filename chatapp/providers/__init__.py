"""What a provider is. Implementations stand beside this file, one folder a protocol; they don't import each other.

`Started`, `AttemptFailed`, `StepFinished` and `Finished` stand among the events that a provider yields: they tell the
run how the reply went, and are never written to the log.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Native
from chatapp.events import FinishReason, StreamEvent, Usage


class Started(msgspec.Struct, frozen=True):
    """The provider's answer has begun: its headers are here, its first token may still be far. `provider` is who
    answers, where that may be another than was asked."""

    provider: str = ""


class AttemptFailed(msgspec.Struct, frozen=True):
    """A try that failed; another may follow. `error` is the error's code."""

    provider: str
    error: str


class Finished(msgspec.Struct, frozen=True):
    """How the provider ended its reply; its last word. `usage` is None where it said nothing of it. `native` is the
    turn to be sent back with the results of the tools it called, where its protocol demands that."""

    reason: FinishReason
    usage: Usage | None = None
    native: Native | None = None


class StepFinished(msgspec.Struct, frozen=True):
    """A request of several that one run makes has ended: what it used. `Finished` tells of the last one."""

    usage: Usage


ReplyItem: TypeAlias = StreamEvent | Started | AttemptFailed | StepFinished | Finished
"""What `Provider.stream` yields: `Started`, then events, then exactly one `Finished`; or it raises `UpstreamError`."""


class Provider(Protocol):
    """A source of replies: a remote API, a model on this machine, or the mock."""

    name: str
    """The name used in requests and in the log."""

    def models(self) -> Sequence[str]:
        """The models that can be asked for, the default first; empty where they cannot be listed now.

        Bounded: may ask the provider, for a second or two, and keeps the answer for a while. Never raises.
        """
        ...

    def stream(self, chat: Chat, scope: CancelScope) -> Iterator[ReplyItem]:
        """Yield the reply as it arrives: `Started`, events, one `Finished`. Raise UpstreamError where it fails.

        Everything that waits, waits in `scope`: cancelling it closes the upstream connection within a second.
        So does closing the iterator.
        """
        ...


@runtime_checkable
class Checks(Protocol):
    """A provider that knows before it is asked what it cannot be asked."""

    def check(self, chat: Chat) -> None:
        """Raise InvalidField for what of the chat it cannot carry, naming the field. Pure; the model is named, and
        the history may still be missing."""
        ...
