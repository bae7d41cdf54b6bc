"""The text of one PDF, in a process of its own: a hostile file can take all of its time and memory,
and nothing else.

It is run as a script with the most pages, characters and seconds, imports nothing of chatapp, and
has no environment. The file comes on standard input; standard output gets JSON: `{"text": …}`, or
`{"error": …}` with words for the reader.
"""

import io
import json
import logging
import os
import resource
import sys
import time
import zlib

from pypdf import PageObject, PdfReader
from pypdf.errors import PyPdfError

MEMORY_BYTES = 1 << 30
NICE = 10  # the server that passes tokens on comes first

FLAWS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    OSError,
    PyPdfError,
    RuntimeError,
    TypeError,
    ValueError,
    zlib.error,
)
"""What pypdf raises for broken files."""

CUT = "\n\n[The rest of the file was left out.]"


def main(max_pages: int, max_chars: int, seconds: float) -> None:
    until = time.monotonic() + seconds * 0.8  # so that what there is by then is not lost
    _bound(seconds)
    logging.disable(logging.CRITICAL)  # pypdf complains of every flaw
    try:
        reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()))
        if reader.is_encrypted and not reader.decrypt(""):
            result = {"error": "it is locked with a password"}
        else:
            result = {"text": _text(reader, max_pages, max_chars, until)}
    except FLAWS:
        result = {"error": "it cannot be read as a PDF"}
    json.dump(result, sys.stdout)


def _text(reader: PdfReader, max_pages: int, max_chars: int, until: float) -> str:
    pages: list[str] = []
    chars = 0
    for number, page in enumerate(reader.pages):
        if number >= max_pages or chars >= max_chars or time.monotonic() > until:
            return "\n\n".join(pages)[:max_chars] + CUT
        pages.append(_page_text(page))
        chars += len(pages[-1])
    return "\n\n".join(page for page in pages if page)


def _page_text(page: PageObject) -> str:
    """Empty for a page that is broken: the others may be whole."""
    try:
        text: str = page.extract_text()
    except FLAWS:
        return ""
    return text.encode("utf-8", "replace").decode().strip()


def _bound(seconds: float) -> None:
    os.nice(NICE)
    for kind, limit in ((resource.RLIMIT_AS, MEMORY_BYTES), (resource.RLIMIT_CPU, int(seconds) + 1)):
        resource.setrlimit(kind, (limit, limit))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
