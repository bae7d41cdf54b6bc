"""Asks for ticks and notes when they arrive: once as they are, once with compression offered.

Both at the same time: one who waits for the first need not wait again for the second.
"""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit, urlunsplit

import msgspec

from chatapp.errors import ChatappError, FrameTooLarge
from chatapp.ops.http import Site, checked_url
from chatapp.probe import PATH, Measured, Tick
from chatapp.wire.frames import SSEDecoder

SPARE_S = 15.0  # beyond the ticks' own time, for a slow way there
MAX_TICKS = 10_000  # of a stream that is not the probe's


class NotAStream(ChatappError):
    code = "not_a_stream"


class _Sent(msgspec.Struct):
    sent_ms: float | None = None


_decode_sent = msgspec.json.Decoder(_Sent).decode


def probe_url(url: str, count: int, interval_s: float) -> str:
    """The server's own probe, below a URL without a path; any other URL as it is."""
    parts = urlsplit(checked_url(url))
    if parts.path in ("", "/"):
        parts = parts._replace(path=PATH)
    if parts.path.endswith(PATH) and not parts.query:
        parts = parts._replace(query=f"count={count}&interval={interval_s:g}")
    return urlunsplit(parts)


def measure(url: str, key: str | None, limit_s: float) -> tuple[Measured, Measured]:
    """The stream as it is, and with compression offered. It is read for `limit_s` at the most.

    Raises NoConnection, Refused, NotAStream.
    """
    with ThreadPoolExecutor(2) as both:
        plain, compressed = (both.submit(_measure, url, key, limit_s, offered) for offered in (False, True))
        return plain.result(), compressed.result()


def _measure(url: str, key: str | None, limit_s: float, offer_compression: bool) -> Measured:
    accepted = {"Accept": "text/event-stream", "Accept-Encoding": "gzip" if offer_compression else "identity"}
    began = time.monotonic()
    with Site(url, key, silence_s=limit_s).stream(headers=accepted) as stream:
        head_s = time.monotonic() - began
        kind = stream.headers.get("content-type", "")
        if not kind.startswith("text/event-stream"):
            raise NotAStream(f"{url} is no event stream: its content type is {kind or 'missing'}")
        ticks = _ticks(stream.pieces(), began, limit_s)
    if not ticks:
        raise NotAStream(f"{url} sent no event within {limit_s:g} s")
    return Measured(url, offer_compression, head_s, dict(stream.headers), ticks)


def _ticks(pieces: Iterable[bytes], began: float, limit_s: float) -> list[Tick]:
    decoder = SSEDecoder()
    ticks: list[Tick] = []
    for piece in pieces:
        now = time.monotonic() - began
        try:
            events = decoder.feed(piece)
        except FrameTooLarge as error:
            raise NotAStream(error.message) from None
        ticks += [Tick(now, _sent(event.data)) for event in events if event.type not in ("done", "heartbeat")]
        if now > limit_s or len(ticks) > MAX_TICKS:
            break
    return ticks


def _sent(data: str) -> float | None:
    try:
        sent_ms = _decode_sent(data.encode("utf-8", "replace")).sent_ms
    except (msgspec.DecodeError, UnicodeError):
        return None
    return None if sent_ms is None else sent_ms / 1000
