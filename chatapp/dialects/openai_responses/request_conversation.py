"""The requests of `/v1/conversations`. Every refusal names the field."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from chatapp.chat import Message
from chatapp.dialects.openai_responses.request_items import Find, Item, messages_of, resolved
from chatapp.dialects.openai_responses.request_tools import ClientTools

MOST_ITEMS = 20  # at a time, as OpenAI has it

Metadata = Annotated[
    dict[Annotated[str, msgspec.Meta(max_length=64)], Annotated[str, msgspec.Meta(max_length=512)]],
    msgspec.Meta(max_length=16),
]
"""As many as OpenAI takes, and as long."""


class ConversationRequest(msgspec.Struct, frozen=True, kw_only=True):
    items: Annotated[list[Item], msgspec.Meta(max_length=MOST_ITEMS)] | None = None
    metadata: Metadata | None = None

    def said(self, find: Find) -> list[Message]:
        return _said(self.items, find) if self.items else []


class ItemsRequest(msgspec.Struct, frozen=True):
    items: Annotated[list[Item], msgspec.Meta(min_length=1, max_length=MOST_ITEMS)]

    def said(self, find: Find) -> list[Message]:
        return _said(self.items, find)


class MetadataRequest(msgspec.Struct, frozen=True):
    metadata: Metadata | None = None


def _said(items: Sequence[Item], find: Find) -> list[Message]:
    return messages_of(resolved(items, find, "items"), ClientTools(), "items")
