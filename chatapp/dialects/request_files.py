"""Files within the requests of other protocols, as `Sent` parts: in base64, as a `data:` URL, as
text, or by the id of an upload. An address elsewhere is refused: this server fetches nothing for a
client."""

import binascii

from chatapp.chat import Sent
from chatapp.errors import InvalidField
from chatapp.hub.large_values import from_base64

HEAD_CHARS = 500  # of a `data:` URL, at most
ENDINGS = {"application/pdf": ".pdf", "text/markdown": ".md", "text/csv": ".csv", "application/json": ".json"}


def sent_file(field: str, name: str | None, data: str | None, id: str | None = None) -> Sent:
    """`data` is base64, or a `data:` URL of it. Raises InvalidField."""
    if data and id:
        raise InvalidField(f"{field}: send either the file's data or its id, not both")
    if id:
        return Sent(field, id=id)
    if not data:
        raise InvalidField(f"{field}: expected the file's data in base64, or the id of an uploaded file")
    media_type, encoded = _taken_apart(field, data)
    try:
        return Sent(field, name or named_by(media_type), from_base64(encoded))
    except (binascii.Error, ValueError):
        raise InvalidField(f"{field}: expected base64, or a data: URL of it") from None


def sent_text(field: str, name: str | None, text: str) -> Sent:
    return Sent(field, name or "document.txt", text.encode("utf-8", "replace"))


def refuse_address(field: str) -> InvalidField:
    """For a file that stands elsewhere."""
    return InvalidField(f"{field}: not fetched; send the file itself in base64, or upload it to /v1/files")


def named_by(media_type: str) -> str:
    """A name for a file that came without one."""
    return f"document{ENDINGS.get(media_type, '.txt' if media_type.startswith('text/') else '')}"


def _taken_apart(field: str, data: str) -> tuple[str, str]:
    """The media type, if it is said, and the base64."""
    if not data.startswith("data:"):
        if data[:8].lower().startswith(("http:", "https:", "file:")):
            raise refuse_address(field)
        return "", data
    comma = data.find(",", 0, HEAD_CHARS)
    head = data[5:comma].split(";")
    if comma < 0 or head[-1].strip() != "base64":
        raise InvalidField(f"{field}: expected a data: URL with ;base64")
    return head[0].strip().lower(), data[comma + 1 :]
