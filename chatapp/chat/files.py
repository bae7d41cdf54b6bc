"""Images and files that are put into messages, or take the place of others there. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from chatapp.chat import Attachment, Image, Message, Part, Text
from chatapp.chat.pictures import TAKEN
from chatapp.events import File
from chatapp.hub.large_values import to_base64


def images_in(files: Iterable[File]) -> list[Image]:
    """What a model made, to be shown to it again."""
    shown = [file for file in files if file.bytes and file.media_type in TAKEN]
    return [Image(f"data:{file.media_type};base64,{to_base64(file.bytes)}") for file in shown]


def with_images(text: str, images: Iterable[Image]) -> str | list[Part]:
    """A turn's text and images; the text alone if there are none."""
    parts: list[Part] = [*images]
    return [*([Text(text)] if text else []), *parts] if parts else text


def with_contents(messages: Sequence[Message], contents: Mapping[str, Part]) -> list[Message]:
    """The messages with these parts, by ids, in place of their attachments."""
    return [_with_contents(message, contents) if message.attachments else message for message in messages]


def with_parts(messages: Sequence[Message], instead: Callable[[Part], Part]) -> list[Message]:
    """The messages with other parts in place of some."""
    return [_with_parts(message, instead) for message in messages]


def set_apart(before: Sequence[Part], file: Part) -> Part:
    """A file behind these parts: its text begins on a line of its own."""
    last = before[-1] if before else None
    if isinstance(file, Text) and isinstance(last, Text) and not last.text.endswith("\n"):
        return Text(f"\n\n{file.text}")
    return file


def _with_contents(message: Message, contents: Mapping[str, Part]) -> Message:
    parts: list[Part] = []
    for part in [] if isinstance(message.content, str) else message.content:
        found = contents.get(part.id) if isinstance(part, Attachment) else None
        parts.append(part if found is None else set_apart(parts, found))
    return msgspec.structs.replace(message, content=parts)


def _with_parts(message: Message, instead: Callable[[Part], Part]) -> Message:
    if isinstance(message.content, str):
        return message
    content = [instead(part) for part in message.content]
    changed = any(new is not old for new, old in zip(content, message.content, strict=True))
    return msgspec.structs.replace(message, content=content) if changed else message
