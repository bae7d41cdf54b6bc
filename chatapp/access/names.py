"""The names of owners that come from elsewhere: a proxy's header, a login's claim."""

import unicodedata

MAX_CHARS = 255


def is_owner(name: str) -> bool:
    """Not with a comma: two headers arrive joined by one, and the second may be a client's own."""
    printable = not any(unicodedata.category(character).startswith("C") for character in name)
    return 0 < len(name.strip()) and len(name) <= MAX_CHARS and printable and "," not in name
