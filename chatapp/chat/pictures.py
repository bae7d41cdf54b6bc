"""The pictures that every model with vision takes, and how they are known by their bytes. Pure."""

from base64 import b64decode

TAKEN = ("image/png", "image/jpeg", "image/gif", "image/webp")

_BEGINNINGS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"))
_KNOWN_BY_CHARS = 16  # of base64: twelve bytes


def picture_type(data: bytes) -> str | None:
    """None: it is no such picture."""
    for beginning, media_type in _BEGINNINGS:
        if data.startswith(beginning):
            return media_type
    return "image/webp" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else None


def picture_type_of_base64(data: str) -> str | None:
    """The same of bytes in base64, whatever follows them."""
    try:
        return picture_type(b64decode(data[:_KNOWN_BY_CHARS]))
    except ValueError:
        return None
