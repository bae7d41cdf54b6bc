"""What a provider is. Each protocol has a module or a folder of its own, and none imports another.

A provider yields `Started`, `AttemptFailed`, `StepFinished` and `Finished` among its events. They
tell the run how the reply went, and are never written to the log.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias, runtime_checkable

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.events import FinishReason, StreamEvent, Usage


class Progress(msgspec.Struct, frozen=True, gc=False):
    """How the reply goes: the base of what is told beside the events."""


class Started(Progress, frozen=True):
    """The reply has begun: its headers have arrived, its first token may still be far away.

    `provider` and `model` name those that answer, if they may be others than were asked.
    """

    provider: str = ""
    model: str = ""


class AttemptFailed(Progress, frozen=True):
    """A request to a provider failed; another may follow. `error` is the error's code. `again`: the
    same provider is asked again."""

    provider: str
    error: str
    again: bool = False


class Finished(Progress, frozen=True):
    """The end of the reply, always last. `usage` is None if the provider did not report it.

    `skipped` counts what could not be read or carried, by its kind. `stop_sequence`: the one of the
    request at which the reply ended, if the provider tells it.
    """

    reason: FinishReason
    usage: Usage | None = None
    skipped: dict[str, int] = {}
    stop_sequence: str = ""


class StepFinished(Progress, frozen=True):
    """One of several requests of a run has ended. `Finished` reports the last one."""

    usage: Usage
    skipped: dict[str, int] = {}


ReplyItem: TypeAlias = StreamEvent | Started | AttemptFailed | StepFinished | Finished
"""An item of `Provider.stream`."""


class Provider(Protocol):
    """A source of replies: a remote API, a model on this machine, or the mock."""

    name: str
    """The name used in requests and in the log."""

    def models(self) -> Sequence[str]:
        """The models that can be asked for, the default first; empty if they cannot be listed now.

        May ask the provider, for a second or two, and then keeps the answer for a while. Never
        raises.
        """
        ...

    def stream(self, chat: Chat, scope: CancelScope) -> Iterator[ReplyItem]:
        """Yield the reply as it arrives: `Started`, then events, then one `Finished`.

        Raises UpstreamError if the reply fails. Everything that waits, waits in `scope`: cancelling
        that closes the connection to the provider within a second, and so does closing the
        iterator.
        """
        ...


@runtime_checkable
class Checks(Protocol):
    """A provider that can tell in advance which chats it cannot carry."""

    def check(self, chat: Chat) -> None:
        """Raise InvalidField, naming the field that the provider cannot carry. Pure.

        The chat names its model; its history may still be missing.
        """
        ...
