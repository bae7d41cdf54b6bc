"""From the end of each run to the figures. Some 20 changes a run, none an event."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from prometheus_client import Counter, Histogram

from chatapp.errors import UpstreamError
from chatapp.events import RunEnd, RunStart, ToolCall, ToolResult
from chatapp.metrics.figures import Figures
from chatapp.providers import AttemptFailed
from chatapp.transcript import Transcript

F = TypeVar("F", Counter, Histogram)

OTHER = "other"  # a model that its provider does not list
MODELS_SHOWN = 40  # of one provider: a router lists hundreds, and each is some 60 lines of a scrape


class RunFigures:
    """A `RunObserver` and a `StopObserver`. `is_listed` tells whether a provider lists a model,
    without asking it.

    `completion_tokens` counts those of the runs that have ended.
    """

    def __init__(self, figures: Figures, is_listed: Callable[[str, str], bool]) -> None:
        self.completion_tokens = 0
        self._figures = figures
        self._is_listed = is_listed
        self._shown: dict[str, set[str]] = {}
        self._children: dict[tuple[object, ...], Any] = {}

    def expect(self, providers: Iterable[str]) -> None:
        """Show these providers' errors from the start, as 0: an alert cannot see the first of an
        error that was not there before."""
        for provider in providers:
            self._child(self._figures.retries, provider)
            for kind in _codes(UpstreamError):
                self._child(self._figures.upstream_errors, provider, kind)

    def started(self, start: RunStart) -> None:
        """All is known at the end."""

    def ended(self, transcript: Transcript, attempts: Sequence[AttemptFailed], answered_by: str | None) -> None:
        start, end = transcript.start, transcript.end
        if start is None or end is None:
            return
        provider, model = start.provider, self._model(start.provider, start.model)
        self._count(provider, model, end)
        ran_tools = self._count_tools(transcript)
        self._measure(provider, model, end, ran_tools)
        for attempt in attempts:
            self._child(self._figures.upstream_errors, attempt.provider, attempt.error).inc()
            if attempt.again:
                self._child(self._figures.retries, attempt.provider).inc()
        if answered_by is not None and answered_by != provider:
            self._child(self._figures.fallbacks, provider, answered_by).inc()

    def _child(self, figure: F, *labels: str) -> F:
        """The figure with these labels: `labels` itself takes a lock, and ten calls, each time."""
        key = (figure, *labels)
        if key not in self._children:
            self._children[key] = figure.labels(*labels)
        child: F = self._children[key]
        return child

    def _model(self, provider: str, model: str) -> str:
        shown = self._shown.setdefault(provider, set())
        if model not in shown:
            if len(shown) >= MODELS_SHOWN or not self._is_listed(provider, model):
                return OTHER
            shown.add(model)
        return model

    def _count(self, provider: str, model: str, end: RunEnd) -> None:
        figures, usage = self._figures, end.usage
        self._child(figures.runs, provider, model, end.reason).inc()
        if end.error is not None:
            self._child(figures.run_errors, provider, end.error.code).inc()
        self.completion_tokens += usage.completion
        kinds = {
            "prompt": usage.prompt,
            "completion": usage.completion,
            "cached": usage.cached,
            "reasoning": usage.reasoning,
        }
        for kind, count in kinds.items():
            self._child(figures.tokens, provider, model, kind).inc(count or 0)

    def _measure(self, provider: str, model: str, end: RunEnd, ran_tools: bool) -> None:
        figures, timing = self._figures, end.timing
        if end.reason == "cancelled" and isinstance(timing.upstream_closed_ms, int):
            figures.cancels.inc()
            figures.cancel_seconds.observe(timing.upstream_closed_ms / 1000)
        if timing.first_byte_ms is not None:
            self._child(figures.first_byte, provider).observe(timing.first_byte_ms / 1000)
        self._child(figures.run_seconds, provider).observe(timing.total_ms / 1000)
        if timing.first_token_ms is None:
            return
        self._child(figures.first_token, provider, model).observe(timing.first_token_ms / 1000)
        if end.usage.completion > 1 and not ran_tools:
            gap_ms = (timing.total_ms - timing.first_token_ms) / (end.usage.completion - 1)
            self._child(figures.token_gap, provider, model).observe(gap_ms / 1000)

    def _count_tools(self, transcript: Transcript) -> bool:
        """Whether a tool of this server ran."""
        calls = {entry.event.id: entry.event for entry in transcript.entries if isinstance(entry.event, ToolCall)}
        ran = False
        for entry in transcript.entries:
            if isinstance(entry.event, ToolResult) and (call := calls.get(entry.event.tool_call_id)):
                outcome = "ok" if entry.event.error is None else "error"
                self._child(self._figures.tool_calls, call.type, outcome).inc()
                ran = True
        return ran


def _codes(tree: type[UpstreamError]) -> set[str]:
    return {tree.code}.union(*map(_codes, tree.__subclasses__()))
