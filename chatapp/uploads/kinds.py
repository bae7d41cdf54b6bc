"""What an uploaded file is, by its bytes: a browser's word is not to be trusted. Pure."""

import codecs
import re
import unicodedata

from chatapp.chat.pictures import picture_type
from chatapp.errors import InvalidField, UnsupportedMediaType
from chatapp.hub.large_values import slices

PDF, TEXT = "application/pdf", "text/plain"

NAME_CHARS = 200
NAME_READ_CHARS = 1000  # of its end: a name may be as long as a body, and each character takes its time
PDF_BEGINS_WITHIN = 1024  # bytes; some programs write something in front

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_separators = re.compile(r"[\\/]")


def media_type_of(name: str, data: bytes) -> str:
    """A picture's type, `application/pdf`, or `text/plain` for text of any kind, which includes
    SVG and HTML. Raises UnsupportedMediaType, InvalidField."""
    if not data:
        raise InvalidField(f"file: {name} is empty")
    if picture := picture_type(data):
        return picture
    if b"%PDF-" in data[:PDF_BEGINS_WITHIN]:
        return PDF
    if b"\0" in data and _encoding(data) == "utf-8":
        raise _unsupported(name)
    return TEXT


def text_of(name: str, data: bytes) -> str:
    """The text of a file in UTF-8, or in an encoding that its first bytes name. Raises
    UnsupportedMediaType."""
    decoder = codecs.getincrementaldecoder(_encoding(data))()
    try:
        pieces = [decoder.decode(data[piece]) for piece in slices(len(data))]
        return "".join(pieces) + decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raise _unsupported(name) from None


def plain_name(name: str) -> str:
    """The name without folders and without characters that could mislead, and not too long."""
    last = _separators.split(name[-NAME_READ_CHARS:])[-1]
    shown = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()
    if len(shown) > NAME_CHARS:
        stem, dot, end = shown.rpartition(".")
        shown = f"{stem[: NAME_CHARS - 20]}….{end[:15]}" if dot else f"{shown[: NAME_CHARS - 1]}…"
    return shown or "file"


def _encoding(data: bytes) -> str:
    return next((encoding for bom, encoding in _BOMS if data.startswith(bom)), "utf-8")


def _unsupported(name: str) -> UnsupportedMediaType:
    return UnsupportedMediaType(
        f"file: {name} is of a type that no model takes; send a picture (PNG, JPEG, GIF, WebP), a PDF, or text in UTF-8"
    )
