"""What Responses say beside the text: pictures, and the sources that the text cites. Pure."""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec
from msgspec import UnsetType

from chatapp.events import CitedSource, File
from chatapp.providers.media import annotations, cited, file_of_base64, file_of_url, objects, texts
from chatapp.wire.json_text import UNREADABLE

Part: TypeAlias = tuple[int | str | None, int]
"""An output item's key, and the index of the part of its content."""


class TextPlaces:
    """Where each part of the text begins in the reply: annotations count from there."""

    def __init__(self) -> None:
        self._begins: dict[Part, int] = {}
        self._chars = 0
        self._urls: set[str] = set()

    def has_begun(self, item: int | str | None) -> bool:
        return (item, 0) in self._begins

    def grew(self, part: Part, text: str) -> None:
        self._begins.setdefault(part, self._chars)
        self._chars += len(text)

    def cited(self, part: Part, raw: msgspec.Raw | UnsetType) -> Iterator[CitedSource]:
        """The sources of one or more annotations. A server may send each again with the whole
        item."""
        for source in annotations(objects(raw)):
            self._urls.add(source.url)
            yield source.moved(self._begins.get(part, 0))

    def uncited(self, raw: msgspec.Raw | UnsetType) -> Iterator[CitedSource]:
        """xAI's list of all pages that it read, at the end: those that no annotation named."""
        yield from (cited(url) for url in texts(raw) if url not in self._urls)


def picture(result: msgspec.Raw, output_format: str | None) -> File:
    """The result of an `image_generation_call`, in base64 or, from some servers, as a URL."""
    try:
        data = msgspec.json.decode(result, type=str)
    except UNREADABLE:
        return File("", "image/*", error="left out: the provider sent it in an unknown form")
    media_type = f"image/{output_format}" if output_format else ""
    if data.startswith(("data:", "https:", "http:")):
        return file_of_url(data, media_type)
    return file_of_base64(data, media_type)


def pages(raw: msgspec.Raw | UnsetType) -> Iterator[CitedSource]:
    for page in objects(raw):
        yield cited(page.get("url"), page.get("title"), page.get("snippet"))
