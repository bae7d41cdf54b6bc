"""Tells which of the processes that write one log are alive. No Redis, no greenlet.

Each process counts a beat up. One whose beat has not changed for `lease_s`, by the clock of the
process that looks, is gone. Only time in which Redis answered counts: after an outage all get the
whole lease again, so that none is taken for dead because nobody could hear it.
"""

import time

GONE = b"gone"  # instead of a beat: it left, and its runs may be taken at once


def clock() -> float:
    """Seconds, in which the time that a machine was suspended counts too."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leases:
    def __init__(self, lease_s: float, gap_s: float) -> None:
        self._lease_s = lease_s
        self._gap_s = gap_s  # longer than that between two looks: there was an outage
        self._seen: dict[str, tuple[bytes, float]] = {}
        self._looked = 0.0

    def look(self, beats: dict[str, bytes], now: float) -> None:
        """The beat of each process, now. Call it every second or so."""
        if now - self._looked > self._gap_s:
            self._seen.clear()
        self._looked = now
        self._seen = {
            writer: seen if (seen := self._seen.get(writer)) and seen[0] == beat else (beat, now)
            for writer, beat in beats.items()
        }

    def gone(self) -> list[tuple[str, bytes]]:
        """The processes that were gone at the last look, with their last beats."""
        return [
            (writer, beat)
            for writer, (beat, since) in self._seen.items()
            if beat == GONE or self._looked - since >= self._lease_s
        ]
