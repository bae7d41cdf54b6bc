"""Whether a model of a provider is worth asking: after several failures in a row others come first.

It does no I/O. Each failed request costs its client seconds, and an overloaded provider recovers
sooner if fewer ask it. The caller decides what counts as a failure, and whether an open circuit
keeps it from asking: there may be nobody else to ask. A failure may be the fault of the request, or
of one user's conversation, so it counts for its owner first: several owners must fail before the
circuit opens for all. There is one breaker per provider and process: another worker finds out by
itself.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

MODELS_KEPT = 256  # that fail now; clients choose the names, so their number must be bounded
LONGEST_NAMED_S = 300.0  # a provider that names a longer time is asked again: it may be back, or wrong

EVERYBODY = None


class CircuitBreaker:
    """Closed: it admits every request. Open: none. Half open: one, the probe.

    The circuit of a model opens for an owner after `failures` of theirs in a row, and for everybody
    after as many of several owners, each of whom counts for half of that at most. After `open_s`
    seconds, or the time that the provider named, it is half open, and the probe's outcome closes or
    opens it again. A success of anybody closes it.
    """

    def __init__(self, failures: int, open_s: float, clock: Callable[[], float] = monotonic) -> None:
        self._limit = failures
        self._most_of_one = max(1, failures // 2)
        self._open_s = open_s
        self._clock = clock
        self._models: dict[str, _Model] = {}
        """Those that failed since they last succeeded, the latest at the end."""

    def admit(self, model: str, owner: str) -> "Trial | None":
        """A trial, which must be told its outcome; None while others should be asked instead."""
        trial = self.ask_anyway(model, owner)
        opening = self._opening(model, owner)
        if opening is None:
            return trial
        if opening.probe is not None or opening.until > self._clock():
            return None
        opening.probe = trial
        return trial

    def ask_anyway(self, model: str, owner: str) -> "Trial":
        """A trial of a caller that has nobody else to ask."""
        return Trial(self, model, owner)

    def named_s(self, model: str, owner: str) -> float:
        """Seconds for which the provider itself has asked to be left alone; 0 if it has not."""
        opening = self._opening(model, owner)
        return max(0.0, opening.until - self._clock()) if opening is not None and opening.named else 0.0

    @property
    def open_models(self) -> int:
        """Of how many models the circuit is open, or half open, for everybody."""
        return sum(EVERYBODY in known.openings for known in self._models.values())

    def _opening(self, model: str, owner: str) -> "_Opening | None":
        if (known := self._models.get(model)) is None:
            return None
        return known.openings.get(EVERYBODY) or known.openings.get(owner)

    def _close(self, model: str) -> None:
        self._models.pop(model, None)

    def _count(self, failed: "Trial", named_s: float) -> None:
        known = self._models.pop(failed.model, None) or _Model()
        self._models[failed.model] = known
        if len(self._models) > MODELS_KEPT:
            del self._models[next(iter(self._models))]
        opening = self._opening(failed.model, failed.owner)
        until = self._clock() + (min(named_s, LONGEST_NAMED_S) or self._open_s)
        if opening is None:
            known.failures[failed.owner] = known.failures.get(failed.owner, 0) + 1
            if sum(min(count, self._most_of_one) for count in known.failures.values()) >= self._limit:
                known.openings = {EVERYBODY: _Opening(until, named_s > 0)}
            elif known.failures[failed.owner] >= self._limit:
                known.openings[failed.owner] = _Opening(until, named_s > 0)
        elif failed is opening.probe:  # one from before it opened says nothing new
            opening.until, opening.named, opening.probe = until, named_s > 0, None

    def _forget(self, ended: "Trial") -> None:
        opening = self._opening(ended.model, ended.owner)
        if opening is not None and opening.probe is ended:
            opening.probe = None

    def _is_probe(self, trial: "Trial") -> bool:
        opening = self._opening(trial.model, trial.owner)
        return opening is not None and opening.probe is trial


class Trial:
    """One reply of the provider, with all its requests.

    `answered` may come on the way; exactly one of the others, at its end.
    """

    def __init__(self, breaker: CircuitBreaker, model: str, owner: str) -> None:
        self.model = model
        self.owner = owner
        self._breaker = breaker

    def answered(self) -> None:
        """The first event arrived. Others need not wait for the rest of a probe's reply."""
        if self._breaker._is_probe(self):
            self._breaker._close(self.model)

    def succeeded(self) -> None:
        self._breaker._close(self.model)

    def failed(self, named_s: float = 0.0) -> None:
        """`named_s`: seconds after which the provider says that it can be asked again; 0: it says
        nothing."""
        self._breaker._count(self, named_s)

    def abandoned(self) -> None:
        """Its outcome says nothing: it was stopped, or there were too many requests."""
        self._breaker._forget(self)


@dataclass
class _Opening:
    """`named`: the provider itself named the time."""

    until: float
    named: bool
    probe: Trial | None = None


@dataclass
class _Model:
    """Failures since the last success by owner, and for whom the circuit is open."""

    failures: dict[str, int] = field(default_factory=dict)
    openings: dict[str | None, _Opening] = field(default_factory=dict)
