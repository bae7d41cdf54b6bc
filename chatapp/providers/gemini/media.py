"""What Gemini says beside the text: files, and the sources on which the text stands. Pure.

`groundingMetadata` has the sources as chunks, and the parts of the text that they support, with
offsets in bytes of UTF-8. `citationMetadata` has passages that the model knows by heart.
"""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.events import CitedSource, File
from chatapp.providers.media import cited, file_of_base64, file_of_url, objects


class Blob(msgspec.Struct):
    mimeType: str | None = None
    data: str | None = None
    displayName: str | None = None


class FileData(msgspec.Struct):
    mimeType: str | None = None
    fileUri: str | None = None
    displayName: str | None = None


class Grounded(msgspec.Struct):
    """The fields of a candidate that name sources; of any form, for they must not cost the
    reply."""

    groundingMetadata: msgspec.Raw | UnsetType = UNSET
    citationMetadata: msgspec.Raw | UnsetType = UNSET


def inline_file(blob: Blob) -> File:
    return file_of_base64(blob.data or "", blob.mimeType or "", blob.displayName or "")


def file_elsewhere(file: FileData) -> File:
    return file_of_url(file.fileUri or "", file.mimeType or "", file.displayName or "")


class Grounding:
    """The sources of a reply, told at its end: later chunks repeat and complete what earlier ones
    said."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._sources: list[CitedSource] = []

    def said(self, text: str) -> None:
        self._text += text.encode("utf-8", "surrogatepass")

    def take(self, candidate: Grounded) -> None:
        for grounding in objects(candidate.groundingMetadata):
            self._ground(grounding)
        for metadata in objects(candidate.citationMetadata):
            for found in _dicts(metadata.get("citationSources") or metadata.get("citations")):
                place = found.get("startIndex", 0), found.get("endIndex")
                self._sources.append(cited(found.get("uri"), found.get("title"), "", *place))

    def end(self) -> Iterator[CitedSource]:
        text = bytes(self._text)
        for source in dict.fromkeys(self._sources):
            if source.start is None or source.end is None:
                yield source
            else:
                start, end = (len(text[:index].decode("utf-8", "ignore")) for index in (source.start, source.end))
                yield msgspec.structs.replace(source, start=start, end=end)

    def _ground(self, grounding: dict[str, object]) -> None:
        """Each source with the parts that it supports, or alone if it supports none in
        particular."""
        chunks = [_chunk(chunk) for chunk in _dicts(grounding.get("groundingChunks"))]
        supports = _dicts(grounding.get("groundingSupports"))
        for index, chunk in enumerate(chunks):
            places = [_place(one) for one in supports if index in _list(one.get("groundingChunkIndices"))]
            for start, end in places or [(None, None)]:
                self._sources.append(cited(chunk.url, chunk.title, chunk.quote, start, end))


def _chunk(chunk: dict[str, object]) -> CitedSource:
    """`web`, `maps`, or `retrievedContext`, which has the text itself."""
    found = next((one for one in chunk.values() if isinstance(one, dict)), {})
    store = found.get("title") or found.get("fileSearchStore")
    return cited(found.get("uri"), store, found.get("text"))


def _place(support: dict[str, object]) -> tuple[object, object]:
    segment = support.get("segment")
    if not isinstance(segment, dict):
        return None, None
    return segment.get("startIndex", 0), segment.get("endIndex")


def _dicts(value: object) -> list[dict[str, object]]:
    return [one for one in _list(value) if isinstance(one, dict)]


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
