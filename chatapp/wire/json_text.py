"""What stands in providers' JSON, taken with care: text cut in the wrong place, numbers too large, nesting too deep. Pure."""

import json
import re
from typing import TypeVar

import msgspec

from chatapp.errors import BadReply
from chatapp.wire.nesting import too_deep

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NOTHING = msgspec.Raw(b"null")
MAX_COUNT = 2**53  # what every JSON reader, and a log, can hold

_object = msgspec.json.Decoder(dict[str, object])
_value = msgspec.json.Decoder()
_escape = re.compile(r"\\(?:u[dD][89abAB]\w\w\\u[dD][c-fC-F]\w\w|(?P<half>u[dD][89a-fA-F]\w\w)|.)", re.DOTALL)


def is_json(text: str | bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except UNREADABLE:
        return False
    return True


def parse(decoder: msgspec.json.Decoder[T], text: str | bytes, who: str) -> T:
    """The JSON text as the decoder's type. Raises BadReply."""
    try:
        return decoder.decode(text)
    except UNREADABLE:
        pass
    try:
        return decoder.decode(_whole_characters(text))
    except UNREADABLE:
        raise BadReply(f"{who} sent something that is not of its protocol") from None


def parse_arguments(text: str | bytes, who: str) -> dict[str, object]:
    """A tool call's arguments from their JSON; nothing means none. Raises BadReply."""
    text = _whole_characters(text).strip()
    return {} if text in ("", "null") else _parse_for_log(_object, text, who)


def parse_value(text: str | bytes, who: str) -> object:
    """Any JSON that goes into the log as it is. Raises BadReply."""
    return _parse_for_log(_value, _whole_characters(text), who)


def _parse_for_log(decoder: msgspec.json.Decoder[T], text: str, who: str) -> T:
    value = parse(decoder, text, who)
    if too_deep(value):
        raise BadReply(f"{who} sent JSON that is nested too deeply")
    try:
        msgspec.msgpack.encode(value)
    except OverflowError:  # whole numbers of more digits than a log can hold
        value = json.loads(text, parse_int=float)
    return value


def is_something(value: msgspec.Raw) -> bool:
    """Whether a field that is there when all is well too says something."""
    return bytes(value) not in (b"null", b'""', b"{}", b"false")


def count(tokens: float | None) -> int:
    """A number of tokens: some servers write them as floats."""
    return int(min(max(tokens or 0, 0), MAX_COUNT))


def _whole_characters(text: str | bytes) -> str:
    """Half a character becomes U+FFFD: what is left where a server cuts its text between the two halves of an emoji's
    escape. It must not end the reply."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return _escape.sub(lambda match: r"\ufffd" if match["half"] else match[0], text)
