"""What a provider is. Implementations stand beside this file, one file a protocol; they don't import each other."""

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, ReplyItem


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
        """Yield the reply as it arrives: `Began`, events, one `Finish`. Raise UpstreamError where it fails.

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
