"""JSON as it crosses the wire: ours, written; a provider's, read with care. Pure.

A provider's JSON may be cut in the middle of a character, hold NaN, integers larger than a log can
store, or fields of other types than they should have, or be nested so deeply that it can be read
but never written again. None of these may end a reply that could go on, or leave a log that cannot
be shown.
"""

import json
import re
from typing import TypeVar

import msgspec

from chatapp.errors import BadReply
from chatapp.wire.half_characters import halves
from chatapp.wire.shapes import Note, shaped

T = TypeVar("T")

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
NOTHING = msgspec.Raw(b"null")
MAX_COUNT = 2**53  # the largest integer that every JSON reader, and a log, can hold
MAX_LEVELS = 100  # a tenth of what the encoders can follow; people and models write a dozen

_encoder = msgspec.json.Encoder()
_object = msgspec.json.Decoder(dict[str, object])
_value = msgspec.json.Decoder()
_not_a_number = re.compile(r'"(?:[^"\\]|\\.)*+"?|(?P<nan>[-+]?\b(?:nan|inf(?:inity)?)\b)', re.DOTALL | re.IGNORECASE)
_may_be_no_number = re.compile("nan|inf", re.IGNORECASE).search


def json_data(value: object) -> str:
    """The value as compact JSON, on one line for every reader.

    JSON may hold U+0085, U+2028 and U+2029 as they are, but some clients split lines as Python's
    `str.splitlines` does and would cut a frame there, so they are escaped.
    """
    text = _encoder.encode(value).decode()
    if text.isascii():
        return text
    return text.replace("\x85", r"\u0085").replace("\u2028", r"\u2028").replace("\u2029", r"\u2029")


def is_json(text: str | bytes) -> bool:
    """Whether `parse` could read it, whatever it is."""
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except UNREADABLE:
        try:
            msgspec.json.decode(_mended(text), type=msgspec.Raw)
        except UNREADABLE:
            return False
    return True


def parse(decoder: msgspec.json.Decoder[T], text: str | bytes, who: str) -> T:
    """Decode the JSON text to the decoder's type. Raises BadReply, which names `who`."""
    try:
        return decoder.decode(text)
    except UNREADABLE:
        pass
    try:
        return decoder.decode(_mended(text))
    except UNREADABLE:
        raise BadReply(f"{who} sent data that does not follow its protocol") from None


def parse_loosely(decoder: msgspec.json.Decoder[T], text: str | bytes, who: str, note: Note) -> T:
    """As `parse`, but a field that does not fit is left out and told to `note` (shapes.py).

    Raises BadReply for text that is not JSON at all, and for JSON without the decoder's form.
    """
    try:
        return decoder.decode(text)
    except UNREADABLE:
        pass
    text = _mended(text)
    try:
        return decoder.decode(text)
    except UNREADABLE:
        pass
    try:
        value = json.loads(text, strict=False, parse_int=_int)  # strings may hold line ends too
        fitting: T = shaped(decoder.type, value, note)
    except (*UNREADABLE, ValueError):  # Unfit and JSONDecodeError are ValueErrors
        raise BadReply(f"{who} sent data that does not follow its protocol") from None
    return fitting


def parse_arguments(text: str | bytes, who: str) -> dict[str, object]:
    """Parse a tool call's arguments; empty text means no arguments. Raises BadReply."""
    text = _whole_characters(text).strip()
    return {} if text in ("", "null") else _parse_for_log(_object, text, who)


def parse_value(text: str | bytes, who: str) -> object:
    """Parse any JSON that goes into the log unchanged. Raises BadReply."""
    return _parse_for_log(_value, _whole_characters(text), who)


def _parse_for_log(decoder: msgspec.json.Decoder[T], text: str, who: str) -> T:
    value = parse(decoder, text, who)
    if too_deep(value):
        raise BadReply(f"{who} sent JSON that is nested too deeply")
    return storable(value, text)


def too_deep(value: object) -> bool:
    """Whether lists and objects are nested more than MAX_LEVELS deep.

    Encoders and decoders follow a value recursively. One that could just be read cannot be written
    again inside a frame or a message, and a log that holds it can never be shown.
    """
    containers = [value] if isinstance(value, list | dict) else []
    for _ in range(MAX_LEVELS):
        held = (inner for outer in containers for inner in (outer.values() if isinstance(outer, dict) else outer))
        containers = [inner for inner in held if isinstance(inner, list | dict)]
    return bool(containers)


def storable(value: T, text: str | bytes) -> T:
    """The value with numbers that a log can hold: if an integer exceeds 64 bits, all are floats.

    `text` is the JSON that the value was read from.
    """
    try:
        msgspec.msgpack.encode(value)
    except OverflowError:
        value = json.loads(text, parse_int=float)
    return value


def is_something(value: msgspec.Raw) -> bool:
    """Whether a field says something, such as `error`, which is often sent empty."""
    return value is not NOTHING and bytes(value) not in (b"null", b'""', b"{}", b"false")


def count(tokens: float | None) -> int:
    """A number of tokens as an integer: some servers send floats."""
    return int(min(max(tokens or 0, 0), MAX_COUNT))


def _whole_characters(text: str | bytes) -> str:
    """Replace half a character by U+FFFD.

    Some servers cut their text between the two halves of an emoji's escape. That must not end the
    reply.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    whole, begin = [], 0
    for half in halves(text):
        whole += [text[begin : half.start()], r"\ufffd"]
        begin = half.end()
    return "".join([*whole, text[begin:]]) if whole else text


def _mended(text: str | bytes) -> str:
    """The text without half characters, and with null for the numbers that JSON does not have.

    Servers in Python and C++ write NaN and Infinity, mostly into fields that nobody reads.
    """
    whole = _whole_characters(text)
    if not _may_be_no_number(whole):
        return whole
    return _not_a_number.sub(lambda match: "null" if match["nan"] else match[0], whole)


def _int(digits: str) -> float:
    return int(digits) if len(digits) < 300 else float("inf")  # int() refuses thousands of digits
