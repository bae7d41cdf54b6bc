"""OpenRouter's `reasoning_details`: a model's thinking with its signatures, in pieces. Pure.

They are sent back instead of the plain reasoning: some models refuse the results of their calls
without them. Source:
https://openrouter.ai/docs/use-cases/reasoning-tokens
"""

from contextlib import suppress

import msgspec

from chatapp.errors import BadReply
from chatapp.wire.json_text import parse_arguments

GROWING = ("text", "summary")
WHOLE = "reasoning.encrypted"


class _Piece(msgspec.Struct):
    text: str | None = None
    summary: str | None = None
    thinking: str | None = None


_piece = msgspec.json.Decoder(_Piece)


def words(pieces: list[msgspec.Raw] | msgspec.Raw) -> str:
    """The text of a list of details or of parts. Pieces of another form, such as encrypted ones,
    have none."""
    said = []
    with suppress(msgspec.DecodeError):
        for piece in pieces if isinstance(pieces, list) else msgspec.json.decode(pieces, type=list[msgspec.Raw]):
            with suppress(msgspec.DecodeError):
                part = _piece.decode(piece)
                said.append(part.text or part.summary or part.thinking or "")
    return "".join(said)


class ReasoningDetails:
    """The details of one reply, in `whole`.

    Other servers use the name for other things, so nothing here is an error.
    """

    def __init__(self) -> None:
        self.whole: list[dict[str, object]] = []

    def take(self, pieces: msgspec.Raw, who: str) -> None:
        try:
            for piece in msgspec.json.decode(pieces, type=list[msgspec.Raw]):
                self._add(parse_arguments(bytes(piece), who))
        except (msgspec.DecodeError, BadReply):
            return

    @property
    def sealed(self) -> bool:
        """Whether there is something that only its provider can create."""
        return any(detail.get("signature") or detail.get("type") == WHOLE for detail in self.whole)

    def _add(self, piece: dict[str, object]) -> None:
        last = self.whole[-1] if self.whole else None
        if last is None or piece.get("type") == WHOLE or any(last.get(k) != piece.get(k) for k in ("type", "index")):
            self.whole.append(piece)
            return
        for name, value in piece.items():
            if name in GROWING and isinstance(before := last.get(name), str) and isinstance(value, str):
                last[name] = before + value
            elif value is not None:
                last[name] = value
