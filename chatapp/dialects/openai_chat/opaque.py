"""The members of a turn that only its provider understands, such as Gemini's signature of a call
(`extra_content`) or OpenRouter's `reasoning_details`: to a client as they came, and back. Pure.

`provider`, a member of our own beside them, says which one made them, so that no other gets them.
"""

from chatapp.events import NativePiece

PROTOCOL = "openai"


class OpaqueMembers:
    """Those of the turn so far: `of_calls` by the call's id, `of_turn` of the turn itself."""

    def __init__(self) -> None:
        self.of_calls: dict[object, dict[str, object]] = {}
        self.of_turn: dict[str, object] = {}
        self._provider = ""

    def take(self, piece: NativePiece) -> list[object]:
        """Note the members; return the ids of the calls that have some."""
        if piece.protocol != PROTOCOL:
            return []
        self._provider = piece.provider
        calls = []
        for members in piece.content:
            if isinstance(members, dict) and "tool_call" in members:
                id = members["tool_call"]
                self.of_calls[id] = {name: value for name, value in members.items() if name != "tool_call"}
                calls.append(id)
            elif isinstance(members, dict):
                self.of_turn |= members
        return calls

    def next_round(self) -> None:
        """What comes now is another turn."""
        self.of_turn = {}

    def last(self, calls: bool) -> dict[str, object]:
        """The turn's members, with the provider; empty if neither it nor its `calls` have any."""
        return {**self.of_turn, "provider": self._provider} if self.of_turn or calls else {}
