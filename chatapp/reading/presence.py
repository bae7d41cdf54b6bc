"""Who reads which run in this process: a run that waits for its reader to come back is left only when nobody stayed.

It counts, and knows neither runs nor connections. A reader's `turn` says for the how-manieth time its client came back
to the run, over all processes; None: it is no matter to the run when this reader leaves.
"""

from dataclasses import dataclass


@dataclass
class _Present:
    readers: int = 0
    turn: int | None = None  # the newest of those who left while others stayed

    def left_by(self, turn: int | None) -> None:
        if turn is not None:
            self.turn = turn if self.turn is None else max(self.turn, turn)


class Presence:
    """The readers of each run, counted between `enter` and `leave`."""

    def __init__(self) -> None:
        self._present: dict[str, _Present] = {}

    def enter(self, run_id: str) -> None:
        self._present.setdefault(run_id, _Present()).readers += 1

    def leave(self, run_id: str, turn: int | None) -> int | None:
        """The turn after which somebody must come back, where this was the last reader and one was awaited."""
        present = self._present[run_id]
        present.left_by(turn)
        present.readers -= 1
        if present.readers:
            return None
        del self._present[run_id]
        return present.turn

    def stays(self, run_id: str, turn: int) -> bool:
        """Whether somebody reads it. Then the one who left after this turn is awaited again when they all have left."""
        present = self._present.get(run_id)
        if present is not None:
            present.left_by(turn)
        return present is not None
