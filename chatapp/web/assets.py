"""The page's own files, at `/static/`: held in memory, compressed for the first who takes it
so, and at addresses that name their content, so that a browser asks for each of them once.

`/static/@VERSION/js/main.js` is `/static/js/main.js` for good, and so is `/static/FILE?v=VERSION`.
With the first, what modules and style sheets name by relative paths has the version of the page in
its address, too. Another version than ours is served as it is now, and not kept: it belongs to a
page from before an upgrade, or from another machine.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from flask import Flask, Response, redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from chatapp.hub import TURN_WORK, let_others_run
from chatapp.web.addresses import here
from chatapp.web.shadow_sheet import shadowed

TEXTS = (".js", ".mjs", ".css", ".svg", ".json")
# Mimetypes differ between systems; a module of another type would not run.
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".woff2": "font/woff2", ".svg": "image/svg+xml"}
FOREVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"
# One sheet instead of many requests; all of them stand in one folder, so their relative addresses
# stay right. The order is the cascade's.
SHEETS = ("tokens", "base", "layout", "thread", "prose", "composer", "places")
JOINED = "css/page.css"
EMBEDDED = "css/embedded.css"  # the same for a shadow root
OWN_SCRIPTS = "js/"
UNINDENTED = (OWN_SCRIPTS, "vendor/dompurify/")
"""Scripts without a text over several lines: they need no indent."""
TYPE_IN_LINE = re.compile(r"/\*\* @(?:type|param) [^*\n]*\*/ ?")
# Longer pages hold a long conversation, and compressing them would hold up other requests.
LONGEST_PAGE_BYTES = 100_000
PAGE_LEVEL = 5


class Asset:
    """A file as it is sent."""

    def __init__(self, name: str, data: bytes) -> None:
        suffix = Path(name).suffix
        self.data = data
        self.mimetype = TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
        self.tag = hashlib.sha256(data).hexdigest()[:16]
        self.is_text = suffix in TEXTS

    @cached_property
    def packed(self) -> bytes:
        """Compressed. Made when it is first asked for: all of them would be a tenth of a start."""
        buffer = BytesIO()
        with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as file:
            for start in range(0, len(self.data), TURN_WORK):
                if start:
                    let_others_run()
                file.write(self.data[start : start + TURN_WORK])
        return buffer.getvalue()


class Assets:
    """The files below a folder, and those that are made at the start. A file that is changed is
    seen at the next start."""

    def __init__(self, folder: Path, made: Mapping[str, bytes] = MappingProxyType({})) -> None:
        names = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in names} | dict(made)
        found |= {
            name: lean_script(data, name.startswith(UNINDENTED)) for name, data in found.items() if _is_commented(name)
        }
        found[JOINED] = b"\n".join(found[f"css/{sheet}.css"] for sheet in SHEETS)
        found[EMBEDDED] = shadowed(found[JOINED].decode()).encode() + b"\n" + found.get("css/element.css", b"")
        self._files = {name: Asset(name, data) for name, data in found.items()}
        tags = "".join(asset.tag for asset in self._files.values())
        self._version = hashlib.sha256(tags.encode()).hexdigest()[:12]

    def install(self, app: Flask) -> None:
        """The endpoint `static`, and `asset(name)` for templates; pages are compressed, too."""
        app.after_request(_packed_page)
        app.add_url_rule("/static/<path:filename>", endpoint="static", view_func=self._send)
        app.jinja_env.globals.update(asset=lambda name: here(self.url(name)), assets_version=self._version)

    def url(self, name: str) -> str:
        """The path of a file below this server, for as long as its content is this."""
        return f"/static/@{self._version}/{name}"

    def _send(self, filename: str) -> AnyResponse:
        version, name = _parted(filename)
        version = version or request.args.get("v", "")
        asset = self._files.get(name)
        if asset is None:
            raise NotFound
        if not version and name.startswith(OWN_SCRIPTS):
            return redirect(here(self.url(name)))  # what it imports is then the same as what the page did
        packed = asset.is_text and request.accept_encodings.quality("gzip") > 0
        response = Response(asset.packed if packed else asset.data, mimetype=asset.mimetype)
        # They hold nothing of anybody. A chat in a page elsewhere draws with them, and so does the
        # frame of a diagram, which is of no origin.
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        response.headers["Cache-Control"] = FOREVER if version == self._version else ASK_FIRST
        response.set_etag(asset.tag + ("-gzip" if packed else ""))
        if asset.is_text:
            response.vary.add("Accept-Encoding")
        if packed:
            response.content_encoding = "gzip"
        return response.make_conditional(request)


def _parted(filename: str) -> tuple[str, str]:
    """The version, or "", and the file's name."""
    if not filename.startswith("@"):
        return "", filename
    version, _, name = filename[1:].partition("/")
    return version, name


def _packed_page(response: Response) -> Response:
    small = (response.content_length or 0) < LONGEST_PAGE_BYTES
    if response.mimetype != "text/html" or response.is_streamed or response.content_encoding or not small:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings.quality("gzip") > 0:
        response.set_data(gzip.compress(response.get_data(), PAGE_LEVEL, mtime=0))
        response.content_encoding = "gzip"
    return response


def _is_commented(name: str) -> bool:
    """Whether it is a script that nobody has minified."""
    return name.startswith(OWN_SCRIPTS) or name.endswith(".mjs")


def lean_script(script: bytes, unindented: bool = True) -> bytes:
    """A script without comments and types, which are a third of it, and without its indent if
    `unindented`. The lines stay, some of them empty: a browser's message names the line in the
    file."""
    lines = [TYPE_IN_LINE.sub("", line) for line in _without_comments(script.decode().split("\n"))]
    return "\n".join(map(str.lstrip, lines) if unindented else lines).encode()


def _without_comments(lines: list[str]) -> Iterator[str]:
    inside = False
    for line in lines:
        text = line.strip()
        begins = not inside and text.startswith("/*")
        inside = inside or begins
        ends = inside and "*/" in text
        is_code = ends and not text.endswith("*/")  # a type stands before it in the same line
        yield "" if (inside and not is_code) or text.startswith("//") else line
        inside = inside and not ends
