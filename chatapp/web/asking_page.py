"""Which page a request comes from, as far as its headers say. Pure.

Browsers say it in `Sec-Fetch-Site` and `Sec-Fetch-Dest`, which no page can forge. But they send
those only to addresses that they trust: https, and this machine. To a plain-http host name there
is at most `Origin` (never for an image, a link or a script) and `Referer` (unless the page hides
it). A client that is no browser says nothing at all.

So a GET that acts needs more than that nothing speaks against it. It must come as a stream is asked
for: not as a page, an image, a script or a form, all of which say so in `Accept` or in
`Sec-Fetch-Dest`. If a browser sends it without `Sec-Fetch-Site`, it must also name one of our own
pages, in `Origin` or in `Referer`: our pages send their Referer to us, and links in answers hide
it. Source: https://www.w3.org/TR/fetch-metadata/
"""

from urllib.parse import urlsplit

from werkzeug.datastructures import Headers

from chatapp.errors import Forbidden, InvalidRequest

SITE, DESTINATION = "Sec-Fetch-Site", "Sec-Fetch-Dest"
STREAM = "text/event-stream"
SHOWN = ("text/html", "application/xhtml", "image/", "text/css", "video/", "audio/")
"""Types that a browser asks for when it is to show something."""

FOREIGN = "cross-site request refused; only pages of this site may send it"


def refuse_foreign(headers: Headers) -> None:
    """Raise Forbidden if a page elsewhere sends this. Raises InvalidRequest for an address that is
    none. Another port of the same host is elsewhere, too: browsers send it the same cookies."""
    site = headers.get(SITE)
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Forbidden(f"{SITE}: {FOREIGN}")
        return
    for name in ("Origin", "Referer"):
        if name in headers and not _is_ours(name, headers):
            raise Forbidden(f"{name}: {FOREIGN}")


def refuse_unlike_stream(headers: Headers) -> None:
    """Raise Forbidden unless a GET that acts is sent as a stream is asked for."""
    wanted = headers.get("Accept", "").lower()
    destination = headers.get(DESTINATION, "empty")
    if destination != "empty":
        raise Forbidden(f"{DESTINATION}: refused; this address begins or stops a run: only scripts may ask for it")
    if any(shown in wanted for shown in SHOWN):
        raise Forbidden(f"Accept: refused; this address begins or stops a run: ask for {STREAM}")
    known = SITE in headers or "Origin" in headers or "Referer" in headers  # and ours, or it were refused before
    if not known and _is_browser(headers):
        raise Forbidden(
            f"{SITE}: missing; this address begins or stops a run: a browser that does not say which page asks (by "
            "https it does) may not"
        )


def _is_browser(headers: Headers) -> bool:
    """Every browser calls itself this, and no page can change it. A cookie says nothing: clients
    that are no browser keep them, too."""
    return headers.get("User-Agent", "").startswith("Mozilla/")


def _is_ours(name: str, headers: Headers) -> bool:
    try:
        host = urlsplit(headers[name]).netloc
    except ValueError:
        raise InvalidRequest(f"{name}: not an address") from None
    return _place(host) == _place(headers.get("Host", ""))


def _place(host: str) -> str:
    """Host and port, without a default port. The scheme is not compared: a proxy may have ended TLS
    before us."""
    return host.lower().removesuffix(":443").removesuffix(":80")
