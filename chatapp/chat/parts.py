"""The parts of a message: text, images and files, as values."""

from typing import TypeAlias

import msgspec


class Text(msgspec.Struct, frozen=True, tag="text"):
    text: str


class Image(msgspec.Struct, frozen=True, tag="image"):
    """`url`: a `data:` URL with the image in it, or an `https:` URL that the provider fetches."""

    url: str


class Document(msgspec.Struct, frozen=True, tag="document"):
    """A PDF, or a text to cite. `url` is a `data:` URL with the PDF, for providers that read such
    files; `text` is what it says, for the others: empty if it holds nothing but pictures."""

    name: str
    url: str
    text: str


class Attachment(msgspec.Struct, frozen=True, tag="attachment"):
    """A file that the owner has uploaded. Its content takes its place before a provider is asked
    (`uploads`); `chars` is the length of its text."""

    id: str
    name: str
    media_type: str
    size_bytes: int
    chars: int = 0


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """A file within a request: its `data`, or the `id` of one that was uploaded before. An
    `Attachment` takes its place before anything is stored or asked (`uploads`). `field` is the
    client's name of it."""

    field: str
    name: str = ""
    data: bytes = b""
    id: str = ""


Part: TypeAlias = Text | Image | Document | Attachment | Sent
