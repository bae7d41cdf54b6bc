"""How other parts of the program learn of runs: a line in the process's log, metrics, traces."""

import logging
from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol

from chatapp.events import RunStart
from chatapp.providers import AttemptFailed
from chatapp.transcript import Transcript

P = ParamSpec("P")

logger = logging.getLogger(__name__)


class RunObserver(Protocol):
    """Told of each run of this process, in the run's greenlet: it must not wait for long."""

    def started(self, start: RunStart) -> None:
        """The run begins. Not called for a run that was taken over from a process that died."""
        ...

    def ended(self, transcript: Transcript, attempts: Sequence[AttemptFailed], answered_by: str | None) -> None:
        """The run has ended and its answer is kept.

        `attempts` are the ones that failed. `answered_by` names the provider whose reply began
        last: a fallback, or the one that was asked; None if none began.
        """
        ...


class Observers:
    """A `RunObserver` that tells several. One that fails stops neither the others nor the run."""

    def __init__(self, observers: Sequence[RunObserver]) -> None:
        self._observers = observers

    def started(self, start: RunStart) -> None:
        for observer in self._observers:
            _tell(observer.started, start)

    def ended(self, transcript: Transcript, attempts: Sequence[AttemptFailed], answered_by: str | None) -> None:
        for observer in self._observers:
            _tell(observer.ended, transcript, attempts, answered_by)


def _tell(observe: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
    try:
        observe(*args, **kwargs)
    except Exception:  # whatever an observer raises
        logger.exception("an observer of runs failed")
