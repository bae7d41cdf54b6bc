"""Files within a request, in the way of the vendors' protocols: each is read as an upload is, and
gets an id. They are stored only with a conversation."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from chatapp.chat import Ask, Attachment, Image, Message, Part, Sent
from chatapp.chat.files import with_parts
from chatapp.chat.pictures import picture_type
from chatapp.errors import BodyTooLarge, InvalidField, RequestError, UnsupportedMediaType
from chatapp.hub.large_values import from_base64

MAX_SENT = 100
"""Files of one request, with all its history: each PDF may take a helper for seconds."""

OWN_FIELD = "attachments: "
"""What an error about a file begins with, as our own requests call it."""

_field = re.compile(r"^file: ")
_picture_url = re.compile(r"data:image/\w+;base64,")


class Arrived(NamedTuple):
    """A file that came within a request; `text` is what a PDF says."""

    file: Attachment
    data: bytes
    text: str | None = None


def sent_in(messages: Sequence[Message]) -> Iterator[Sent]:
    for message in messages:
        if not isinstance(message.content, str):
            yield from (part for part in message.content if isinstance(part, Sent))


def refuse_many(messages: Sequence[Message], max_files: int) -> None:
    """Raise InvalidField for a message with more files than it may come with, or for more of all
    messages than can be read."""
    total = 0
    for message in messages:
        files = [*sent_in([message])]
        total += len(files)
        if len(files) > max_files:
            raise InvalidField(
                f"{files[max_files].field}: {len(files)} files in one message are too many; the limit is {max_files} "
                "(setting max_attachments)"
            )
        if total > MAX_SENT:
            raise InvalidField(f"{files[-1].field}: the request has more than {MAX_SENT} files; leave out older ones")


def named(field: str, error: RequestError) -> RequestError:
    """The refusal of an upload, about this field. A type that no model takes is a wrong value
    here, not of the whole body."""
    kind = InvalidField if isinstance(error, (UnsupportedMediaType, BodyTooLarge)) else type(error)
    return kind(_field.sub(f"{field}: ", error.message))


@contextmanager
def by_the_clients_field(asked: Ask, ask: Ask) -> Iterator[None]:
    """Within it, an error about the attachments of `ask` names the field in which the client sent
    the file: `asked` is what came."""
    try:
        yield
    except InvalidField as error:
        if asked.attachments or not error.message.startswith(OWN_FIELD):
            raise
        why = error.message.removeprefix(OWN_FIELD)
        files = [*_fields(asked.said, ask.said)]
        if not files:  # it is about those of earlier messages
            raise
        named = [file for file in files if file[1] in why] or files[-1:]
        field, _ = max(named, key=lambda file: len(file[1]))  # `a.txt` is in `data.txt`, too
        raise InvalidField(f"{field}: {why}") from None


def _fields(sent: Sequence[Message], attached: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """The fields and the names of the files that were sent."""
    names = [file.name for message in attached for file in message.attachments]
    yield from zip([part.field for part in sent_in(sent)], names, strict=True)


def with_attachments(messages: Sequence[Message], files: Mapping[str, Attachment]) -> list[Message]:
    """The messages with these, by the fields of the files that were sent, in their places."""
    return with_parts(messages, lambda part: files[part.field] if isinstance(part, Sent) else part)


def picture_of(part: Part) -> tuple[str, bytes] | None:
    """The media type and the bytes of a picture that came with the request, if it is one that can
    be kept as a file."""
    match = _picture_url.match(part.url) if isinstance(part, Image) else None
    if match is None or not isinstance(part, Image):
        return None
    try:
        data = from_base64(part.url[match.end() :])
    except ValueError:
        return None
    media_type = picture_type(data)
    return (media_type, data) if media_type else None
