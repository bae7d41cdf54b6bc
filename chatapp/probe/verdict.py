"""From measured streams to a verdict, and the line to change. Pure.

Of a chain of proxies a response shows only part: each nginx hides the others' `Server`, and takes
`X-Accel-Buffering` out. So the hop is found by asking at several points, outermost first; with one
point the headers must do.
"""

from collections.abc import Sequence

import msgspec

from chatapp.probe import PATH, Measured

HELD_SHARE = 0.6  # of the interval between two ticks: a loaded machine delays one by less
HELD_TICKS = 2  # so many late ticks are no accident
LEAST_HELD_S = 0.05  # below that nobody sees it
LONG_S = 0.5  # a shorter stream may have nothing to wait for
TOGETHER_SHARE = 0.1  # of the time that the stream took


class Proxy(msgspec.Struct, frozen=True):
    """A kind of proxy: the words in its headers, and what to write into its configuration."""

    name: str
    signs: tuple[str, ...]
    unbuffered: str
    uncompressed: str


NGINX = Proxy(
    "nginx",
    ("server: nginx", "server: openresty", "server: tengine"),
    "proxy_buffering off;",
    "gzip off;",
)
PROXIES = (
    Proxy(
        "Cloudflare",
        ("server: cloudflare", "cf-ray:"),
        '"response_body_buffering": "none"    (a Configuration Rule; a quick tunnel buffers any GET)',
        "no compression for text/event-stream    (a Compression Rule)",
    ),
    NGINX,
    Proxy(
        "Caddy",
        ("server: caddy", "via: 1.1 caddy", "via: 2.0 caddy"),
        "flush_interval -1",
        "encode { match header Content-Type text/html* }    (so not text/event-stream)",
    ),
    Proxy(
        "Apache",
        ("server: apache", "(apache"),
        "ProxyPass / http://127.0.0.1:8000/ flushpackets=on",
        "SetEnv no-gzip 1",
    ),
    Proxy(
        "HAProxy",
        ("server: haproxy", "via: 1.1 haproxy", "x-haproxy"),
        "option http-no-delay",
        "compression type text/html text/css    (so not text/event-stream)",
    ),
)


class Verdict(msgspec.Struct, frozen=True):
    """`lines` are what to change, `hop` who has to; both are empty if the ticks come one by one.
    `notes` may be there all the same."""

    one_by_one: bool
    says: str
    hop: str = ""
    lines: list[str] = []
    notes: list[str] = []


def judge(points: Sequence[tuple[Measured, Measured]]) -> Verdict:
    """Each point was measured plainly and with compression offered; the outermost comes first."""
    plain, compressed = points[0]
    if not is_held(plain) and not is_held(compressed):
        return Verdict(True, "The ticks came one by one: nothing on the way holds them back.", notes=_notes(points[0]))
    inner = next((point for point in points[1:] if not any(map(is_held, point))), None)
    outer = points[points.index(inner) - 1] if inner is not None else points[-1]
    return _buffered(*outer, inner) if is_held(outer[0]) else _compressed(outer[1], inner)


def is_held(measured: Measured) -> bool:
    """Whether ticks were held back, all to the end or some of them together. Without the times of
    sending: whether all came in the last moment of a stream that took its time."""
    held_s = measured.held_s()
    if not held_s:
        first, last = measured.ticks[0].arrived, measured.ticks[-1].arrived
        return len(measured.ticks) > 1 and last > LONG_S and last - first < TOGETHER_SHARE * last
    sent = [tick.sent or 0.0 for tick in measured.ticks]
    interval_s = (sent[-1] - sent[0]) / max(len(sent) - 1, 1)
    late = sum(held > max(HELD_SHARE * interval_s, LEAST_HELD_S) for held in held_s)
    return late >= min(HELD_TICKS, max(len(held_s) - 1, 1))


def seen_proxy(measured: Measured) -> Proxy | None:
    """The proxy that the response shows, which is the outermost one that shows itself."""
    lines = [f"{name}: {value}".lower() for name, value in measured.headers.items()]
    return next((proxy for proxy in PROXIES if any(sign in line for sign in proxy.signs for line in lines)), None)


def encoding(measured: Measured) -> str:
    return _header(measured, "content-encoding")


def _buffered(measured: Measured, compressed: Measured, inner: tuple[Measured, Measured] | None) -> Verdict:
    proxy = seen_proxy(measured)
    lines, notes = _lines(proxy, "unbuffered"), []
    if encoding(compressed):
        lines += _lines(proxy, "uncompressed")
        notes.append(f"The stream is compressed ({encoding(compressed)}) as well, which holds it back too.")
    if proxy in (None, NGINX) and not _header(measured, "x-accel-buffering"):
        notes.append(
            "An nginx keeps X-Accel-Buffering, which tells the next one not to buffer, to itself. If there are "
            "several, write the line into each, or `proxy_pass_header X-Accel-Buffering;` into the inner one; and "
            "nowhere `proxy_ignore_headers X-Accel-Buffering;`."
        )
    return Verdict(
        False,
        "The ticks were held back and came together: something on the way buffers the stream.",
        _hop(measured, proxy, inner),
        lines,
        notes,
    )


def _compressed(measured: Measured, inner: tuple[Measured, Measured] | None) -> Verdict:
    proxy = seen_proxy(measured)
    return Verdict(
        False,
        "The ticks are held back only if the client accepts compression, as every browser does: "
        f"something on the way compresses the stream ({encoding(measured) or 'and decompresses it again'}).",
        _hop(measured, proxy, inner),
        _lines(proxy, "uncompressed"),
    )


def _hop(measured: Measured, proxy: Proxy | None, inner: tuple[Measured, Measured] | None) -> str:
    name = proxy.name if proxy else "a proxy that does not show itself"
    via = _header(measured, "via")
    shown = f"{name} (Via: {via})" if via else name
    if inner is not None:
        return f"{shown}, between {_point(measured)} and {_point(inner[0])}"
    return f"{shown}, or one behind it" if proxy else shown


def _lines(proxy: Proxy | None, kind: str) -> list[str]:
    """For an unknown proxy, the line of each."""
    if proxy is not None:
        return [getattr(proxy, kind)]
    return [f"{getattr(each, kind)}    ({each.name})" for each in (NGINX, *(p for p in PROXIES if p is not NGINX))]


def _notes(point: tuple[Measured, Measured]) -> list[str]:
    if not encoding(point[1]):
        return []
    line = _lines(seen_proxy(point[1]), "uncompressed")[0]
    return [f"The stream is compressed ({encoding(point[1])}); it is passed on at once, but safer is: {line}"]


def _point(measured: Measured) -> str:
    return measured.url.partition("?")[0].removesuffix(PATH)


def _header(measured: Measured, wanted: str) -> str:
    return next((value for name, value in measured.headers.items() if name.lower() == wanted), "")
