"""Files and citations as providers write them, made into events. Pure.

Whatever is wrong with a file, it never costs the reply: the event then says what was wrong. The ids
are left to the run, which numbers the files and sources of all its replies.
"""

import re
from binascii import Error as NotBase64
from collections.abc import Iterable

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.chat.pictures import picture_type
from chatapp.events import CitedSource, File
from chatapp.hub.large_values import from_base64
from chatapp.wire.json_text import UNREADABLE

UNKNOWN = "application/octet-stream"

_URL_SAFE = str.maketrans("-_", "+/", " \r\n")
_media_type = re.compile(r"[\w.+-]+/[\w.+-]+").fullmatch
_data_url = re.compile(r"data:([^;,]*)[^,]*?(;base64)?,", re.IGNORECASE).match


def file_of_base64(data: str, media_type: str = "", name: str = "") -> File:
    """The file with these bytes. Without a media type, by its first bytes."""
    if any(sign in data for sign in "-_ \r\n"):
        data = data.translate(_URL_SAFE)
    try:
        content = from_base64(data + "=" * (-len(data) % 4))
    except (NotBase64, ValueError):
        return File("", _type(media_type), name, error="left out: the provider sent it damaged")
    return File("", _type(media_type or picture_type(content) or UNKNOWN), name, content)


def file_of_url(url: str, media_type: str = "", name: str = "") -> File:
    """The file at a `data:` URL, which holds it, or at an address."""
    head = _data_url(url[:200])
    if head is None:
        return File("", _type(media_type or "image/*"), name, url=url)
    if not head[2]:
        return File("", _type(head[1]), name, error="left out: the provider sent it in an unknown form")
    return file_of_base64(url[head.end() :], head[1] or media_type, name)


def cited(url: object, title: object = "", quote: object = "", start: object = None, end: object = None) -> CitedSource:
    """The source, whatever the types of what the provider sent: a field of another type is
    absent."""
    place = (start, end) if _is_place(start) and _is_place(end) else (None, None)
    return CitedSource("", _text(url), _text(title), _text(quote), *place)  # type: ignore[arg-type]


def objects(raw: msgspec.Raw | UnsetType) -> list[dict[str, object]]:
    """The objects in a list, or the one object. For fields beside the answer, which must not cost
    it: anything else is none."""
    return [one for one in _listed(raw) if isinstance(one, dict)]


def texts(raw: msgspec.Raw | UnsetType) -> list[str]:
    """The strings in a list, or the one string, as `objects`."""
    return [one for one in _listed(raw) if isinstance(one, str)]


def annotations(found: Iterable[dict[str, object]]) -> list[CitedSource]:
    """OpenAI's, from chat completions, whose fields are nested, or from Responses, where they are
    not. Citations of files that only the provider has get the file's name for a title."""
    sources = []
    for annotation in found:
        nested = annotation.get(str(annotation.get("type")))
        fields = nested if isinstance(nested, dict) else annotation
        title = fields.get("title") or fields.get("filename")
        place = fields.get("start_index"), fields.get("end_index")
        sources.append(cited(fields.get("url"), title, fields.get("content"), *place))
    return sources


def _listed(raw: msgspec.Raw | UnsetType) -> list[object]:
    if raw is UNSET:
        return []
    try:
        value = msgspec.json.decode(raw)
    except UNREADABLE:
        return []
    return value if isinstance(value, list) else [value]


def _type(media_type: str) -> str:
    media_type = media_type.partition(";")[0].strip()
    return media_type.lower() if _media_type(media_type) or media_type == "image/*" else UNKNOWN


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_place(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
