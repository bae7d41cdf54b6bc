"""Sources and files as several dialects write them: as data, as an address, or in words.

The bytes of a file are not part of our own events: they have the address at which its owner gets
them. A protocol that knows only text gets a Markdown link to that address.
"""

from collections.abc import Iterable

from chatapp.chat.pictures import picture_type_of_base64
from chatapp.events import CitedSource, File
from chatapp.hub.large_values import to_base64

FILE_URL = "/api/v1/messages/{run}/files/{file}"


def source_data(source: CitedSource) -> dict[str, object]:
    """`{"id", "url", "title", "quote", "start", "end"}`, without the last two if the source
    supports no part of the text in particular."""
    place = {} if source.start is None else {"start": source.start, "end": source.end}
    return {"id": source.id, "url": source.url, "title": source.title, "quote": source.quote, **place}


def file_data(run: str, file: File) -> dict[str, object]:
    """`{"id", "media_type", "name"}` with the `url`, or with the `error` if there is nothing to
    get."""
    found = {"error": file.error} if file.error else {"url": file_url(run, file)}
    return {"id": file.id, "media_type": file.media_type, "name": file.name, **found}


def file_url(run: str, file: File) -> str:
    """Its address here, or the provider's if the provider gave only that."""
    return file.url or FILE_URL.format(run=run, file=file.id)


def is_image(file: File) -> bool:
    """Whether it is an image that there is."""
    return file.media_type.startswith("image/") and not file.error


def image_url(run: str, file: File) -> str:
    """For protocols whose images are `data:` URLs: that, or the address if the bytes are not
    here."""
    if not file.bytes:
        return file_url(run, file)
    return f"data:{file.media_type};base64,{to_base64(file.bytes)}"


def picture_url(data: str) -> str:
    """The `data:` URL of a picture in base64, of the kind that its first characters tell."""
    return f"data:{picture_type_of_base64(data) or 'image/png'};base64,{data}"


def in_words(run: str, file: File) -> str:
    """A Markdown link to the file, or the reason why there is none. Without a `run` that a server
    keeps, only what it is."""
    name = (file.name or file.id).translate(_NO_BRACKETS)
    if file.error:
        return f"[{name}: {file.error}]"
    if not (run or file.url):
        return f"[{name}: {file.media_type}, {len(file.bytes)} bytes]"
    return f"{'!' if is_image(file) else ''}[{name}]({file_url(run, file)})"


def words_for_files(run: str, files: Iterable[File]) -> str:
    return "\n\n".join(in_words(run, file) for file in files)


class WordsForFiles:
    """Words for the answer of a dialect that knows only text, if it is nothing but files: an answer
    must not look empty. An answer with text, which has `said` something, has none: the dialect's
    events tell of its files."""

    def __init__(self) -> None:
        self.said = False
        self._run = ""
        self._files: list[File] = []

    def file(self, run: str, file: File) -> None:
        self._run = run
        self._files.append(file)

    def at_end(self) -> str:
        return "" if self.said else words_for_files(self._run, self._files)


_NO_BRACKETS = str.maketrans("", "", "[]()\r\n")
