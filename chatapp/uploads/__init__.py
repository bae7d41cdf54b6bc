"""Files that people attach to a question: what they are, and what a provider is given of them.

The bytes lie in `storage`; a message has an `Attachment` in its content. Just before a provider is
asked, a picture takes its place, a document, or the text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from chatapp.chat import Ask, Attachment, Document, Image, Message, Part, Text, with_contents
from chatapp.errors import BodyTooLarge, InvalidField
from chatapp.events import File
from chatapp.large_values import to_base64
from chatapp.pictures import TAKEN
from chatapp.providers.documents import file_text
from chatapp.storage.uploads import Content, Uploads
from chatapp.uploads.kinds import PDF, TEXT, media_type_of, plain_name, text_of
from chatapp.uploads.pdf import ReadPDF

SOMETHING = "data:{media_type};base64,AA=="


@dataclass(frozen=True)
class Attachments:
    """`max_files` bounds a question's, `max_text_chars` the text of each."""

    uploads: Uploads
    read_pdf: ReadPDF
    max_files: int
    max_text_chars: int

    def upload(self, owner: str, name: str, data: bytes) -> Attachment:
        """Raises UnsupportedMediaType, InvalidField, LimitExceeded, BodyTooLarge, Overloaded,
        DatabaseUnavailable."""
        name = plain_name(name)
        media_type = media_type_of(name, data)
        text = self._text(owner, name, media_type, data)
        if media_type == TEXT:
            data = text.encode()
        kept = text if media_type == PDF else None
        return self.uploads.add(owner, name, media_type, data, len(text), kept)

    def file(self, owner: str, file_id: str, message_id: str | None = None) -> File:
        """With its bytes; with `message_id`, one that came with this message. Raises NotFound."""
        return self.uploads.file(owner, file_id, message_id)

    def delete(self, owner: str, file_id: str) -> None:
        """One that belongs to no message. Raises NotFound."""
        self.uploads.delete(owner, file_id)

    def attached(self, ask: Ask, owner: str) -> Ask:
        """The ask with its files, in their order, in front of its last message. Raises
        InvalidField."""
        if not ask.attachments:
            return ask
        if len(ask.attachments) > self.max_files:
            raise InvalidField(
                f"attachments: {len(ask.attachments)} are too many; the limit is {self.max_files} (setting "
                "max_attachments)"
            )
        found = self.uploads.attachments(owner, ask.attachments)
        for index, id in enumerate(ask.attachments):
            if id not in found:
                raise InvalidField(f"attachments[{index}]: no such file; upload it first, to /api/v1/files")
        *before, last = ask.said
        files = [found[id] for id in dict.fromkeys(ask.attachments)]
        said: list[Part] = [*files, *([Text(last.text)] if last.text else ())]
        return msgspec.structs.replace(ask, said=[*before, msgspec.structs.replace(last, content=said)])

    def contents(self, owner: str, files: Sequence[Attachment]) -> dict[str, Part]:
        """What a provider is given of these, by their ids. Raises DatabaseUnavailable."""
        found = self.uploads.contents(owner, [file.id for file in files])
        return {file.id: _part(file, found[file.id]) for file in files if file.id in found}

    def _text(self, owner: str, name: str, media_type: str, data: bytes) -> str:
        if media_type in TAKEN:
            return ""
        if media_type == PDF:
            return self.read_pdf(owner, name, data)
        text = text_of(name, data)
        if len(text) > self.max_text_chars:
            raise BodyTooLarge(
                f"file: {name} has {len(text)} characters; the limit is {self.max_text_chars} (setting "
                "max_attached_chars), more than a model has room for"
            )
        return text


def refuse_pictures(ask: Ask, takes: bool | None, who: str) -> None:
    """Raise InvalidField if the model is known to take none; of an unknown one the provider
    decides."""
    name = next((file.name for message in ask.said for file in message.attachments if _is_picture(file)), None)
    if name is not None and takes is False:
        raise InvalidField(f"attachments: {who} takes no pictures; ask another model, or remove {name}")


def outlined(messages: Sequence[Message]) -> list[Message]:
    """The messages with parts of the right kind, for a provider that is to say whether it takes
    them."""
    return with_contents(messages, {file.id: _outline(file) for message in messages for file in message.attachments})


def _part(file: Attachment, content: Content) -> Part:
    if file.media_type == TEXT:
        return file_text(file.name, content.data.decode())
    url = f"data:{file.media_type};base64,{to_base64(content.data)}"
    return Image(url) if _is_picture(file) else Document(file.name, url, content.text or "")


def _outline(file: Attachment) -> Part:
    """Of the same kind, with hardly anything in it."""
    url = SOMETHING.format(media_type=file.media_type)
    if _is_picture(file):
        return Image(url)
    return Document(file.name, url, "text" if file.chars else "") if file.media_type == PDF else Text(file.name)


def _is_picture(file: Attachment) -> bool:
    return file.media_type in TAKEN
