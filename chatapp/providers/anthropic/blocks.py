"""A content block of Anthropic's Messages API: as it grows, and as it is sent back. Pure."""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.errors import BadReply
from chatapp.events import CitedSource
from chatapp.providers.media import cited, objects
from chatapp.text import GrowingText
from chatapp.wire.json_text import NOTHING, UNREADABLE, parse_arguments, parse_loosely, parse_value
from chatapp.wire.shapes import Note


class _Fields(msgspec.Struct):
    """The fields that we need of a block, whatever its type."""

    type: str = ""
    id: str = ""
    name: str = ""
    text: str = ""
    thinking: str = ""
    signature: str = ""
    input: msgspec.Raw = NOTHING
    tool_use_id: str = ""
    content: msgspec.Raw = NOTHING
    is_error: bool | None = None
    citations: msgspec.Raw | UnsetType = UNSET


_fields = msgspec.json.Decoder(_Fields)


class Block:
    """`start` is how it began; later pieces are in `text`, `signatures`, `inputs` and `citations`.
    It begins `offset` characters into the reply's text."""

    def __init__(self, raw: bytes, who: str, offset: int = 0, note: Note = lambda field: None) -> None:
        self.start = parse_loosely(_fields, raw, who, note)
        self.text = GrowingText()
        self.signatures: list[str] = []
        self.inputs: list[str] = []
        self.citations = objects(self.start.citations)
        self.offset = offset
        self._told = 0  # citations
        self._raw = raw
        self._who = who

    def missing(self, whole: str) -> str:
        """What the whole text of the block has beyond what came."""
        came = (self.start.text or self.start.thinking) + str(self.text)
        return whole[len(came) :] if whole.startswith(came) else ""

    @property
    def input(self) -> str:
        """The arguments' JSON, which came in pieces or whole with the block's start."""
        return "".join(self.inputs) or _json_in(self.start.input)

    @property
    def is_sealed(self) -> bool:
        """Whether it has what only its provider can create."""
        return bool(self.signatures) or self.start.type == "redacted_thinking" or bool(self.start.signature)

    def native(self) -> dict[str, object] | None:
        """The block as in a whole message; None for a blank text, which Anthropic refuses."""
        fields = parse_arguments(self._raw, self._who)
        if self.start.type == "text":
            fields["text"] = self.start.text + str(self.text)
        if self.start.type == "thinking":
            fields["thinking"] = self.start.thinking + str(self.text)
        if self.signatures:
            fields["signature"] = "".join(self.signatures)
        if self.citations:
            fields["citations"] = self.citations
        if self.inputs:
            fields["input"] = self._arguments()
        return None if fields.get("type") == "text" and not str(fields["text"]).strip() else fields

    def sources(self) -> Iterator[CitedSource]:
        """What the whole text of the block cites; each once."""
        citations, self._told = self.citations[self._told :], len(self.citations)
        end = self.offset + len(self.start.text) + self.text.chars
        for found in citations:
            title = found.get("title") or found.get("document_title")
            url = found.get("url") or found.get("source")
            yield cited(url, title, found.get("cited_text"), self.offset, end)

    def result(self) -> tuple[object, str | None]:
        """The result of a tool that the provider ran, and its error, if it failed."""
        content = _readable(parse_value(bytes(self.start.content), self._who))
        if isinstance(content, dict) and str(content.get("type")).endswith("_error"):
            return content, str(content.get("error_code", "failed"))
        return content, (_text(content) or "failed") if self.start.is_error else None

    def _arguments(self) -> dict[str, object]:
        try:
            return parse_arguments("".join(self.inputs), self._who)
        except BadReply:  # the model wrote something else; the call's result tells it
            return {}


def _json_in(raw: msgspec.Raw) -> str:
    """The JSON, which some servers write into a string."""
    try:
        return msgspec.json.decode(raw, type=str)
    except UNREADABLE:
        return bytes(raw).decode("utf-8", "replace")


def _text(content: object) -> str:
    parts = content if isinstance(content, list) else [content]
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict)).strip()


def _readable(value: object) -> object:
    """The value without encrypted fields: those of a search's pages have many kilobytes."""
    if isinstance(value, list):
        return [_readable(item) for item in value]
    if isinstance(value, dict):
        return {name: _readable(item) for name, item in value.items() if not str(name).startswith("encrypted_")}
    return value
