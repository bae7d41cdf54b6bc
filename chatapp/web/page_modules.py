"""The modules that the page loads. The page lists them, so that a browser fetches all of them at
once instead of following one import after another."""

import posixpath
import re
from pathlib import Path

ENTRY, VIEWER_ENTRY = "js/main.js", "js/shared.js"
LATER_ENTRIES = "js/chat-views.js", "js/page-views.js"
"""Imported as soon as the page takes a question."""
ANSWER_ENTRY, MARKDOWN_ENTRY = "js/views/answer.js", "js/markdown/view.js"
"""Imported where there is an answer to draw, and a text in it."""

IMPORTED = re.compile(r'(?:from|^import) "(\.[^"]+)";$', re.MULTILINE)


def page_modules(static: Path, *entries: str) -> list[str]:
    """The entries (`ENTRY` if none is named) and everything that they import, directly or not, as
    paths below `static`."""
    found = list(entries or [ENTRY])
    for module in found:  # grows while it is read
        for name in IMPORTED.findall((static / module).read_text("utf-8")):
            path = posixpath.normpath(posixpath.join(posixpath.dirname(module), name))
            if path not in found:
                found.append(path)
    return found
