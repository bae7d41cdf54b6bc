"""All figures of this process, and what fills them."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry

from chatapp.metrics.exposition import Exposition
from chatapp.metrics.figures import Figures
from chatapp.metrics.reading import LogFigures, ReaderFigures
from chatapp.metrics.runs import RunFigures
from chatapp.metrics.sampler import Sampler, Sources


class Metrics:
    """One per process. Hand out the observers, then call `watch`.

    `folder`: where the workers of this server keep their figures, and prometheus_client writes
    them; None: there is only this process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        registry = CollectorRegistry()
        self._figures = Figures(registry)
        self.exposition = Exposition(registry, folder)
        self.readers = ReaderFigures(self._figures)
        self.log = LogFigures(self._figures)

    def runs(self, providers: Iterable[str], is_listed: Callable[[str, str], bool]) -> RunFigures:
        """The observer of runs. `is_listed` tells whether a provider lists a model."""
        runs = RunFigures(self._figures, is_listed)
        runs.expect(providers)
        return runs

    def sampler(self, runs: RunFigures, live: Callable[[], int], circuits: Callable[[], Mapping[str, int]]) -> Sampler:
        """Looks at the rest, once it is started. `live` counts the runs that go on, `circuits` the
        open circuits of each provider."""
        return Sampler(self._figures, Sources(live, circuits, lambda: runs.completion_tokens, self.log))
