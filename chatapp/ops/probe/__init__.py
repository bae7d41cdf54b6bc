"""Does anything between us and a server hold its stream back? Measured, judged and drawn.

`measure` asks and times, `verdict` and `timeline` are pure.
"""

from collections.abc import Mapping

import msgspec


class Tick(msgspec.Struct, frozen=True):
    """An event of the stream. `arrived` is in seconds since the request was sent; `sent` by the
    server's clock, in seconds since the epoch, None if the event does not tell."""

    arrived: float
    sent: float | None = None


class Measured(msgspec.Struct, frozen=True):
    """One request's stream. `head_s`: when its headers had arrived."""

    url: str
    compressed: bool
    head_s: float
    headers: Mapping[str, str]
    ticks: list[Tick]

    def held_s(self) -> list[float]:
        """How long each tick was held back, compared with the quickest: clocks may differ. Without
        the times of sending, the ticks count as sent evenly from the headers on."""
        if not self.ticks:
            return []
        last = self.ticks[-1].arrived
        step = (last - self.head_s) / len(self.ticks)
        delays = [
            tick.arrived - (tick.sent if tick.sent is not None else self.head_s + step * number)
            for number, tick in enumerate(self.ticks)
        ]
        return [delay - min(delays) for delay in delays]
