"""A provider that is given the contents of attachments just before it is asked.

A log, a store and a tool loop need only their names, and they may be large.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from chatapp.cancel import CancelScope
from chatapp.chat import Attachment, Chat, Part
from chatapp.chat.files import with_contents
from chatapp.hub import with_pauses
from chatapp.providers import Provider, ReplyItem

MESSAGES = 2000  # that are looked at in one go

Load: TypeAlias = Callable[[str, Sequence[Attachment]], dict[str, Part]]
"""From an owner and files to what a provider is given of them, by their ids."""


class AttachingProvider:
    """For one run: it reads each file once, however often the provider is asked. `known` are the
    contents that came with the request."""

    def __init__(self, provider: Provider, load: Load, known: Mapping[str, Part] | None = None) -> None:
        self.name = provider.name
        self._provider = provider
        self._load = load
        self._parts: dict[str, Part] = dict(known or {})

    def models(self) -> Sequence[str]:
        return self._provider.models()

    def stream(self, chat: Chat, scope: CancelScope) -> Iterator[ReplyItem]:
        attached = (file for message in with_pauses(chat.messages, MESSAGES) for file in message.attachments)
        missing = [file for file in attached if file.id not in self._parts]
        if missing:
            self._parts |= self._load(chat.owner, missing)
            scope.check()
        messages = with_contents(chat.messages, self._parts) if self._parts else chat.messages
        return self._provider.stream(msgspec.structs.replace(chat, messages=messages), scope)
