"""PDFs for protocols that take them, and as their text for the others. Pure."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

import msgspec

from chatapp.chat import Attachment, Document, Image, Message, Part, Sent, Text
from chatapp.chat.files import set_apart
from chatapp.errors import InvalidField

Sendable: TypeAlias = Text | Image | Document
"""What may be left of a message when it is sent."""


def with_readable_documents(
    messages: Iterable[Message], who: str, takes_documents: bool, cites: bool
) -> Iterator[Message]:
    """The turns, with texts for documents unless the protocol takes documents, and for those that
    are texts unless the answer `cites` them. Raises InvalidField for one that has no text."""
    for message in messages:
        if isinstance(message.content, str) or not any(map(_is_file, message.content)):
            yield message
            continue
        parts: list[Part] = []
        for part in message.content:
            readable = _readable(part, who, takes_documents, cites)
            parts.append(part if readable is part else set_apart(parts, readable))
        yield msgspec.structs.replace(message, content=parts)


def file_text(name: str, text: str) -> Text:
    """A text file as a model reads it: its name, and its text in a fence that it cannot close."""
    fence = "```"
    while fence in text:
        fence *= 2  # one more each time would take minutes for a file of nothing else
    return Text(f"{name}:\n{fence}{_language(name)}\n{text}\n{fence}\n\n")


def _readable(part: Part, who: str, takes_documents: bool, cites: bool) -> Part:
    if isinstance(part, (Attachment, Sent)):
        return Text(f"[The file {part.name} is no longer here.]\n\n")
    if not isinstance(part, Document) or (takes_documents and (part.url or cites)):
        return part
    if not part.text.strip():
        raise InvalidField(
            f"attachments: {who} takes no PDF, only its text, and {part.name} has none; attach pictures of its pages, "
            "or ask a provider that takes PDF, such as Anthropic, Gemini or OpenAI"
        )
    return file_text(part.name, part.text)


def _is_file(part: Part) -> bool:
    return isinstance(part, (Document, Attachment, Sent))


def _language(name: str) -> str:
    """By which a model and a page know a programming language: the end of the file's name."""
    _, dot, end = name.rpartition(".")
    return end.lower() if dot and end.isascii() and end.isalnum() else ""
