"""From readers and flushes to the figures."""

from chatapp.metrics.figures import ENDS, Figures
from chatapp.reading.observer import ReaderEnd


class ReaderFigures:
    """A `chatapp.reading.observer.ReaderObserver`."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures
        self._closed = {end: figures.readers_closed.labels(end) for end in ENDS}

    def opened(self, resumed: bool) -> None:
        self._figures.readers.inc()
        if resumed:
            self._figures.resumes.inc()

    def closed(self, end: ReaderEnd, resets: int) -> None:
        self._figures.readers.dec()
        self._closed[end].inc()
        if resets:
            self._figures.resets.inc(resets)


class LogFigures:
    """A `chatapp.logs.LogObserver`. `events` counts those that became durable.

    A paced stream has a flush for each event, and a figure costs 25 calls: so of the flushes
    between two calls of `hand_over`, ten times a second, only the slowest is measured.
    """

    def __init__(self, figures: Figures) -> None:
        self.events = 0
        self._figures = figures
        self._handed_over = 0
        self._slowest = 0.0

    def flushed(self, events: int, seconds: float) -> None:
        self.events += events
        self._slowest = max(self._slowest, seconds)

    def hand_over(self) -> None:
        if self.events > self._handed_over:
            self._figures.log_events.inc(self.events - self._handed_over)
            self._figures.log_append.observe(self._slowest)
            self._handed_over, self._slowest = self.events, 0.0
