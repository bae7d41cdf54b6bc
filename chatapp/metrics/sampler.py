"""What is not told but looked at: once a second the gauges, ten times a second the hub's lag."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from weakref import WeakSet

import gevent

from chatapp.metrics.figures import Figures
from chatapp.metrics.reading import LogFigures

LOOK_S = 0.1
GAUGES_EVERY = 10  # looks
TOKENS_OVER_S = 60.0
EVENTS_OVER_S = 5.0


@dataclass(frozen=True)
class Sources:
    """Where the sampler looks. `circuits` has the number of open ones by provider;
    `completion_tokens` only grow."""

    live_runs: Callable[[], int]
    circuits: Callable[[], Mapping[str, int]]
    completion_tokens: Callable[[], int]
    log: LogFigures


class Sampler:
    """Looks from `start` to `close`."""

    def __init__(self, figures: Figures, sources: Sources) -> None:
        self._figures = figures
        self._sources = sources
        self._tokens = Rate(TOKENS_OVER_S)
        self._events = Rate(EVENTS_OVER_S)
        self._greenlets: WeakSet[object] = WeakSet()
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def start(self) -> None:
        if self._greenlet is None:
            gevent.Greenlet.add_spawn_callback(self._greenlets.add)
            self._greenlet = gevent.spawn(self._look_for_ever)

    def close(self) -> None:
        if self._greenlet is not None:
            gevent.Greenlet.remove_spawn_callback(self._greenlets.add)
            self._greenlet.kill()
            self._greenlet = None

    def look(self) -> None:
        """Set the gauges."""
        figures, sources, now = self._figures, self._sources, monotonic()
        figures.live_runs.set(sources.live_runs())
        for provider, count in sources.circuits().items():
            figures.circuits_open.labels(provider).set(count)
        figures.tokens_per_second.set(self._tokens.of(sources.completion_tokens(), now))
        figures.events_per_second.set(self._events.of(sources.log.events, now))
        figures.greenlets.set(len(self._greenlets))

    def _look_for_ever(self) -> None:
        while True:
            self.look()
            for _ in range(GAUGES_EVERY):
                began = monotonic()
                gevent.sleep(LOOK_S)
                self._figures.hub_lag.observe(max(0.0, monotonic() - began - LOOK_S))
                self._sources.log.hand_over()


class Rate:
    """Per second, over the last `over_s` seconds, of a count that only grows. Pure."""

    def __init__(self, over_s: float) -> None:
        self._over_s = over_s
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, count: int, now: float) -> float:
        """The rate, now that the count is this much. The first count is where it begins."""
        self._seen.append((now, count))
        while len(self._seen) > 1 and now - self._seen[0][0] > self._over_s:
            self._seen.popleft()
        return (count - self._seen[0][1]) / self._over_s
