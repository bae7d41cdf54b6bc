"""Does anything between us and a server hold its stream back? Measured, judged and drawn.

The reader of the stream measures it: `chatapp probe`, or a browser on the probe page. `verdict` and
`timeline` are pure.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

PATH: Final = "/api/v1/base/sse_probe"
"""Where the server's own probe is."""


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
        """How long each tick was held back, compared with the quickest: clocks may differ. Empty if
        the server does not tell when it sent them."""
        delays = [tick.arrived - tick.sent for tick in self.ticks if tick.sent is not None]
        return [delay - min(delays) for delay in delays] if len(delays) == len(self.ticks) else []
