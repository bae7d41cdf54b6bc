"""From readers and flushes to the figures."""

from chatapp.metrics.figures import Figures
from chatapp.reading.observer import ReaderEnd


class ReaderFigures:
    """A `chatapp.reading.observer.ReaderObserver`."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def opened(self, resumed: bool) -> None:
        self._figures.readers.inc()
        if resumed:
            self._figures.resumes.inc()

    def closed(self, end: ReaderEnd, resets: int) -> None:
        self._figures.readers.dec()
        self._figures.readers_closed.labels(end).inc()
        if resets:
            self._figures.resets.inc(resets)


class LogFigures:
    """A `chatapp.logs.LogObserver`. `events` counts those that became durable."""

    def __init__(self, figures: Figures) -> None:
        self.events = 0
        self._figures = figures

    def flushed(self, events: int, seconds: float) -> None:
        self.events += events
        self._figures.log_events.inc(events)
        self._figures.log_append.observe(seconds)
