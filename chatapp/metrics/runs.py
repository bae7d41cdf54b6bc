"""From the end of each run to the figures. Some 20 changes a run, none an event."""

from collections.abc import Callable, Iterable, Sequence

from chatapp.errors import UpstreamError
from chatapp.events import RunEnd, RunStart, ToolCall, ToolResult
from chatapp.metrics.figures import Figures
from chatapp.providers import AttemptFailed
from chatapp.transcript import Transcript

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

    def expect(self, providers: Iterable[str]) -> None:
        """Show these providers' errors from the start, as 0: an alert cannot see the first of an
        error that was not there before."""
        for provider in providers:
            self._figures.retries.labels(provider)
            for kind in _codes(UpstreamError):
                self._figures.upstream_errors.labels(provider, kind)

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
            self._figures.upstream_errors.labels(attempt.provider, attempt.error).inc()
            if attempt.again:
                self._figures.retries.labels(attempt.provider).inc()
        if answered_by is not None and answered_by != provider:
            self._figures.fallbacks.labels(provider, answered_by).inc()

    def _model(self, provider: str, model: str) -> str:
        shown = self._shown.setdefault(provider, set())
        if model not in shown:
            if len(shown) >= MODELS_SHOWN or not self._is_listed(provider, model):
                return OTHER
            shown.add(model)
        return model

    def _count(self, provider: str, model: str, end: RunEnd) -> None:
        figures, usage = self._figures, end.usage
        figures.runs.labels(provider, model, end.reason).inc()
        if end.error is not None:
            figures.run_errors.labels(provider, end.error.code).inc()
        self.completion_tokens += usage.completion
        kinds = {
            "prompt": usage.prompt,
            "completion": usage.completion,
            "cached": usage.cached,
            "reasoning": usage.reasoning,
        }
        for kind, count in kinds.items():
            figures.tokens.labels(provider, model, kind).inc(count or 0)

    def _measure(self, provider: str, model: str, end: RunEnd, ran_tools: bool) -> None:
        figures, timing = self._figures, end.timing
        if end.reason == "cancelled" and isinstance(timing.upstream_closed_ms, int):
            figures.cancels.inc()
            figures.cancel_seconds.observe(timing.upstream_closed_ms / 1000)
        if timing.first_byte_ms is not None:
            figures.first_byte.labels(provider).observe(timing.first_byte_ms / 1000)
        figures.run_seconds.labels(provider).observe(timing.total_ms / 1000)
        if timing.first_token_ms is None:
            return
        figures.first_token.labels(provider, model).observe(timing.first_token_ms / 1000)
        if end.usage.completion > 1 and not ran_tools:
            gap_ms = (timing.total_ms - timing.first_token_ms) / (end.usage.completion - 1)
            figures.token_gap.labels(provider, model).observe(gap_ms / 1000)

    def _count_tools(self, transcript: Transcript) -> bool:
        """Whether a tool of this server ran."""
        calls = {entry.event.id: entry.event for entry in transcript.entries if isinstance(entry.event, ToolCall)}
        ran = False
        for entry in transcript.entries:
            if isinstance(entry.event, ToolResult) and (call := calls.get(entry.event.tool_call_id)):
                outcome = "ok" if entry.event.error is None else "error"
                self._figures.tool_calls.labels(call.type, outcome).inc()
                ran = True
        return ran


def _codes(tree: type[UpstreamError]) -> set[str]:
    return {tree.code}.union(*map(_codes, tree.__subclasses__()))
