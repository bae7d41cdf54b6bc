"""The content blocks of a request of Anthropic's clients, as they come."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec

from chatapp.dialects.request_parts import Few
from chatapp.errors import InvalidField


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""
    file_id: str = ""
    content: "str | Annotated[list[Block], Few] | None" = None


class Cache(msgspec.Struct, frozen=True, omit_defaults=True):
    """Keep what stands up to here for this long."""

    ttl: str | None = None


class Citations(msgspec.Struct, frozen=True, omit_defaults=True):
    enabled: bool = False


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """A content block of any type: the fields that we read."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    source: "Source | str | None" = None
    title: str | None = None
    context: str | None = None
    cache_control: Cache | None = None
    citations: "Citations | list[object] | None" = None
    id: str | None = None
    name: str | None = None
    input: dict[str, object] | None = None
    tool_use_id: str | None = None
    content: "str | Annotated[list[Block], Few] | None" = None
    is_error: bool | None = None
    tool_name: str | None = None


class Turn(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: str | Annotated[list[Block], Few]


def cache_of(marks: Iterable[Cache | None]) -> Literal["5m", "1h"] | None:
    """The longest time that these ask for; None if none does."""
    ttls = {mark.ttl for mark in marks if mark is not None}
    return None if not ttls else "1h" if "1h" in ttls else "5m"


def marks_in(content: str | list[Block] | None) -> Iterator[Cache | None]:
    for block in content if isinstance(content, list) else ():
        yield block.cache_control
        if block.content:
            yield from marks_in(block.content)


def text_of(field: str, content: str | list[Block]) -> str:
    if isinstance(content, str):
        return content
    for index, block in enumerate(content):
        if block.type != "text":
            raise InvalidField(f"{field}[{index}].type: {block.type!r} is not supported; use text")
    return "\n\n".join(block.text or "" for block in content)


def blocks_of(content: str | list[Block]) -> list[Block]:
    return [Block("text", text=content)] if isinstance(content, str) else content
