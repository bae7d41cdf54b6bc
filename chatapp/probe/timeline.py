"""Draws when the ticks were sent and when they arrived. Pure."""

from collections import Counter
from collections.abc import Iterator

from chatapp.probe import Measured

COLUMNS = 60
MANY = 9  # more ticks in one column are shown as +


def timeline(measured: Measured) -> Iterator[str]:
    """Two lines, `sent` if the server told it, and `arrived`: a dot for a tick, a digit for several
    at once."""
    arrived = [tick.arrived for tick in measured.ticks]
    sent = [tick.sent for tick in measured.ticks if tick.sent is not None]
    end = max(arrived[-1], 0.001)
    if len(sent) == len(arrived):
        # The clocks may differ: the quickest tick took no time.
        offset = min(at - since for at, since in zip(arrived, sent, strict=True))
        yield f"  sent     {_row([since + offset for since in sent], end)}"
    yield f"  arrived  {_row(arrived, end)}"
    left = "0 s"
    yield f"           {left}{f'{end:.1f} s':>{COLUMNS - len(left)}}"


def _row(times: list[float], end: float) -> str:
    count = Counter(min(int(max(at, 0.0) / end * COLUMNS), COLUMNS - 1) for at in times)
    return "".join(_mark(count[column]) for column in range(COLUMNS)).rstrip()


def _mark(ticks: int) -> str:
    if ticks < 2:
        return "•" if ticks else "·"
    return str(ticks) if ticks <= MANY else "+"
