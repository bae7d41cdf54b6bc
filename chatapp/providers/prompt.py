"""Makes the turns of a chat fit for a protocol. Pure.

No protocol carries everything. Anything that one cannot carry is refused under the name of the
chat's field before anything is sent: left out silently, it would yield another answer than was
asked for.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from chatapp.chat import Chat, Image, Message, Part, Role, Text
from chatapp.errors import InvalidField

_data_url = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w.+-]+=[\w.+-]*)*;base64,([A-Za-z0-9+/=]+)").fullmatch


class InlineImage(NamedTuple):
    """An image in base64, as `data`."""

    media_type: str
    data: str


def refuse(chat: Chat, who: str, *fields: str) -> None:
    """Raise InvalidField if one of these fields of the chat is set."""
    for field in fields:
        value = getattr(chat, field)
        if value is not None and value is not False and value != []:
            raise InvalidField(f"{field}: {who} does not support this")


def refuse_json_mode(chat: Chat, who: str) -> None:
    """Raise InvalidField if the answer is to be JSON of any shape.

    A schema of any object is no substitute: a provider refuses it, or closes it to `{}`.
    """
    if chat.json_mode:
        raise InvalidField(f"json_mode: {who} has no json_object format; use a JSON schema")


def sendable_turns(chat: Chat, who: str, images_of: tuple[Role, ...] = ("user",)) -> Iterator[Message]:
    """The turns without empty answers, such as one that was stopped before its first word.

    Several providers refuse those. Raises InvalidField for an image in a turn of a role that is
    not in `images_of`.
    """
    for message in chat.messages:
        if message.role not in images_of and any(isinstance(part, Image) for part in parts(message)):
            raise InvalidField(f"messages: {who} does not accept images in messages of role {message.role!r}")
        if message.role != "assistant" or message.content or message.tool_calls or message.native:
            yield message


def parts(message: Message) -> list[Part]:
    """The content in parts, without empty texts."""
    content: list[Part] = [Text(message.content)] if isinstance(message.content, str) else message.content
    return [part for part in content if not isinstance(part, Text) or part.text]


def inline_image(image: Image, who: str) -> InlineImage:
    """The image for a protocol that takes images only inside the request. Raises InvalidField."""
    found = split_data_url(image.url)
    if found is None:
        raise InvalidField(f"messages: {who} accepts images only as base64 data: URLs")
    return found


def split_data_url(url: str) -> InlineImage | None:
    match = _data_url(url)
    return InlineImage(match[1], match[2]) if match else None


def native_content(message: Message, protocol: str) -> object:
    """The turn as a provider of this protocol wrote it; None if there is none."""
    return message.native.content if message.native and message.native.protocol == protocol else None


def result_text(message: Message) -> str:
    """A tool's result for a protocol that cannot mark it as failed."""
    return f"Error: {message.text}" if message.failed else message.text


def with_tool_names(messages: Iterator[Message]) -> Iterator[tuple[Message, str]]:
    """Each turn, and the tool's name if it is a tool's result: some protocols want it there.

    If an id was used several times, the latest call counts: some providers use the same ids again
    in each reply.
    """
    names: dict[str | None, str] = {}
    for message in messages:
        names.update({call.id: call.name for call in message.tool_calls})
        yield message, names.get(message.tool_call_id, "") if message.role == "tool" else ""


def given(**fields: object) -> dict[str, object]:
    """The fields that are set."""
    return {name: value for name, value in fields.items() if value is not None and value != []}
