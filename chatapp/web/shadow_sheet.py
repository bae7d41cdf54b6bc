"""The page's style sheet, for a chat in a shadow root: where the page's sheet speaks of the
document and of the window, this one speaks of the element and of its size. Pure.
"""

import re

CHANGES = (
    (re.compile(r":root(\[[^\]]*\])"), r":host(\1)"),
    (re.compile(r":root"), ":host"),
    (re.compile(r"(?<![\w.-])html(?![\w-])"), ":host"),
    (re.compile(r"(?<![\w.-])body(?![\w-])"), ".page"),
    (re.compile(r"\b100dvh\b"), "100%"),
    (re.compile(r"@media (?=\((?:max|min)-width:)"), "@container chat "),
)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def shadowed(sheet: str) -> str:
    """The same rules below `:host`, in which the element `.page` stands for the body."""
    changed = COMMENT.sub("", sheet)
    for pattern, text in CHANGES:
        changed = pattern.sub(text, changed)
    return changed
