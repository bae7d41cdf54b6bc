"""Files that people attach to a question: what they are, and what a provider is given of them.

The bytes lie in `storage`; a message has an `Attachment` in its content. Just before a provider is
asked, a picture takes its place, a document, or the text.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import msgspec

from chatapp.chat import Ask, Attachment, Document, Image, Message, Part, Text
from chatapp.chat.files import with_contents, with_parts
from chatapp.chat.pictures import TAKEN
from chatapp.errors import BodyTooLarge, InvalidField, NotFound, RequestError
from chatapp.events import File
from chatapp.hub.large_values import to_base64
from chatapp.ids import new_id
from chatapp.providers.documents import file_text
from chatapp.storage.kept_files import KeptFile, KeptFiles
from chatapp.storage.uploads import Content, Uploads
from chatapp.uploads.kinds import PDF, TEXT, media_type_of, plain_name, text_of
from chatapp.uploads.pdf import ReadPDF
from chatapp.uploads.sent import Arrived, named, picture_of, refuse_many, sent_in, with_attachments

SOMETHING = "data:{media_type};base64,AA=="
PICTURE_NAME = "picture.{ending}"
"""Of one that came within a request, where pictures have no names."""

NOTHING: Mapping[str, Arrived] = {}


@dataclass(frozen=True)
class Attachments:
    """`max_files` bounds a message's, `max_bytes` each file, `max_text_chars` the text of each."""

    uploads: Uploads
    kept_files: KeptFiles
    read_pdf: ReadPDF
    max_files: int
    max_bytes: int
    max_text_chars: int

    def upload(self, owner: str, name: str, data: bytes) -> Attachment:
        """Raises UnsupportedMediaType, InvalidField, LimitExceeded, BodyTooLarge, Overloaded,
        DatabaseUnavailable."""
        arrived = self._read(owner, name, data)
        self.uploads.add(owner, arrived.file, arrived.data, arrived.text)
        return arrived.file

    def keep(self, owner: str, name: str, data: bytes, purpose: str, expires: float | None) -> KeptFile:
        """To be named in many requests, until it is deleted or `expires`. Raises the same."""
        arrived = self._read(owner, name, data)
        return self.kept_files.add(owner, arrived.file, arrived.data, arrived.text, purpose, expires)

    def file(self, owner: str, file_id: str, message_id: str | None = None) -> File:
        """With its bytes; with `message_id`, one that came with this message. Raises NotFound."""
        return self.uploads.file(owner, file_id, message_id)

    def delete(self, owner: str, file_id: str) -> None:
        """One that belongs to no message. Raises NotFound."""
        self.uploads.delete(owner, file_id)

    def attached(self, ask: Ask, owner: str) -> tuple[Ask, Mapping[str, Arrived]]:
        """The ask with attachments for all its files: those it names, in their order, in front of
        its last message, and each that was sent in its place. Also what of them is stored nowhere
        yet, by their ids. Raises InvalidField, NotFound, Overloaded, DatabaseUnavailable."""
        if ask.attachments:
            ask = self._with_named(ask, owner)
        said, arrived = self.arrived(ask.said, owner)
        return (msgspec.structs.replace(ask, said=said) if said is not ask.said else ask), arrived

    def arrived(self, said: list[Message], owner: str) -> tuple[list[Message], Mapping[str, Arrived]]:
        """The messages with attachments for all files that were sent in them, and these files by
        their ids. Raises the same."""
        sent = [*sent_in(said)]
        if not sent:
            return said, NOTHING
        refuse_many(said, self.max_files)
        found = self.uploads.attachments(owner, [one.id for one in sent if one.id])
        files: dict[str, Attachment] = {}
        arrived: dict[str, Arrived] = {}
        for one in sent:
            if one.id:
                if one.id not in found:
                    raise NotFound(f"{one.field}: no such file; upload it first, to /v1/files")
                files[one.field] = found[one.id]
                continue
            try:
                new = self._read(owner, one.name, one.data)
            except RequestError as error:
                raise named(one.field, error) from None
            files[one.field], arrived[new.file.id] = new.file, new
        return with_attachments(said, files), arrived

    @contextmanager
    def kept(self, said: list[Message], owner: str, arrived: Mapping[str, Arrived]) -> Iterator[list[Message]]:
        """Within it, what arrived is stored, and so are the messages' pictures; afterwards as well,
        unless it fails. Gives the messages with their attachments. The same file is stored once.
        Raises DatabaseUnavailable."""
        files = dict(arrived)

        def filed(part: Part) -> Part:
            if (picture := picture_of(part)) is None:
                return part
            new = _arrived(PICTURE_NAME.format(ending=picture[0].partition("/")[2]), *picture)
            files[new.file.id] = new
            return new.file

        with ExitStack() as undone:
            said = with_parts(said, filed)
            stored: dict[str, Part] = {}
            for new in files.values():
                sent = self.uploads.keep(owner, new.file, new.data, new.text)
                stored[new.file.id] = sent.file
                if sent.is_new:
                    undone.callback(self.uploads.drop, owner, sent)
            yield with_contents(said, stored)
            undone.pop_all()

    def contents(self, owner: str, files: Sequence[Attachment]) -> dict[str, Part]:
        """What a provider is given of these, by their ids. Raises DatabaseUnavailable."""
        found = self.uploads.contents(owner, [file.id for file in files])
        return {file.id: _part(file, found[file.id]) for file in files if file.id in found}

    def _with_named(self, ask: Ask, owner: str) -> Ask:
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

    def _read(self, owner: str, name: str, data: bytes) -> Arrived:
        if len(data) > self.max_bytes:
            raise BodyTooLarge(f"file: too large; the limit is {self.max_bytes} bytes (setting max_file_bytes)")
        name = plain_name(name)
        media_type = media_type_of(name, data)
        text = self._text(owner, name, media_type, data)
        if media_type == TEXT:
            data = text.encode()
        return _arrived(name, media_type, data, text)

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


def _arrived(name: str, media_type: str, data: bytes, text: str = "") -> Arrived:
    file = Attachment(new_id("file"), name, media_type, len(data), len(text))
    return Arrived(file, data, text if media_type == PDF else None)


def parts_of(arrived: Mapping[str, Arrived]) -> dict[str, Part]:
    """What a provider is given of files that are not stored, by their ids."""
    return {id: _part(one.file, Content(one.data, one.text)) for id, one in arrived.items()}


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
