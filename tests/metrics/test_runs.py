"""What the end of a run does to the figures, and what never becomes a label."""

from collections.abc import Callable

import pytest
from drivers import a_run, a_start, an_answer, numbered
from prometheus_client import CollectorRegistry
from prometheus_client.core import Sample

from chatapp.events import ErrorInfo, RunEnd, TextDelta, Timing, ToolCall, ToolResult, Usage
from chatapp.metrics.figures import Figures
from chatapp.metrics.runs import MODELS_SHOWN, OTHER, RunFigures
from chatapp.providers import AttemptFailed
from chatapp.transcript import transcript_of

Value = Callable[..., float | None]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def runs(registry: CollectorRegistry) -> RunFigures:
    return RunFigures(Figures(registry), lambda provider, model: model.startswith("words"))


@pytest.fixture
def value(registry: CollectorRegistry) -> Value:
    return lambda name, **labels: registry.get_sample_value(f"chatapp_{name}", labels)


def samples(registry: CollectorRegistry) -> list[Sample]:
    return [sample for family in registry.collect() for sample in family.samples]


def test_a_run_is_counted_measured_and_its_tokens_too(runs: RunFigures, value: Value) -> None:
    usage = Usage(10, 5, 15, reasoning=2, cached=4)
    run = [a_start(), TextDelta("secret words"), RunEnd("stop", usage, Timing(100, 200, 1000))]
    runs.ended(transcript_of(numbered(run)), (), "mock")
    model = {"provider": "mock", "model": "words"}
    assert value("runs_total", **model, outcome="stop") == 1
    tokens = [value("tokens_total", **model, kind=kind) for kind in ("prompt", "completion", "reasoning", "cached")]
    assert tokens == [10, 5, 2, 4] and runs.completion_tokens == 5
    assert value("first_byte_seconds_sum", provider="mock") == 0.1
    assert value("first_token_seconds_sum", **model) == 0.2
    assert value("token_gap_seconds_sum", **model) == 0.2  # 0.8 s for the four tokens after the first
    assert value("run_seconds_sum", provider="mock") == 1.0


def test_failures_retries_and_fallbacks_are_counted_where_they_happened(runs: RunFigures, value: Value) -> None:
    failed = [AttemptFailed("mock", "rate_limited", again=True), AttemptFailed("mock", "upstream_timeout")]
    runs.ended(an_answer("fine"), failed, "second")
    assert value("upstream_errors_total", provider="mock", kind="rate_limited") == 1
    assert value("upstream_errors_total", provider="mock", kind="upstream_timeout") == 1
    assert value("retries_total", provider="mock") == 1
    assert value("fallbacks_total", provider="mock", answered_by="second") == 1

    end = RunEnd("error", Usage(), Timing(), ErrorInfo("rate_limited", "what was said", True, "trace"))
    runs.ended(transcript_of([*a_run()[:1], *numbered([a_start(), end])[1:]]), (), None)
    assert value("run_errors_total", provider="mock", code="rate_limited") == 1
    assert value("runs_total", provider="mock", model="words", outcome="error") == 1


def test_the_time_that_tools_take_is_not_between_tokens(runs: RunFigures, value: Value) -> None:
    call = ToolCall("1", "mcp", "clock", {})
    runs.ended(an_answer(call, ToolResult("1", error="no"), "text"), (), "mock")
    assert value("tool_calls_total", type="mcp", outcome="error") == 1
    assert value("token_gap_seconds_count", provider="mock", model="words") is None


def test_models_that_are_not_listed_and_too_many_share_one_label(
    runs: RunFigures, registry: CollectorRegistry, value: Value
) -> None:
    names = [f"words {number}" for number in range(MODELS_SHOWN + 5)] + ["what a client made up"]
    for name in names:
        run = a_run("text")
        start = a_start()
        transcript = transcript_of(run)
        transcript.start = type(start)("run", "trace", "mock", name, "disabled", 0.0)
        runs.ended(transcript, (), "mock")
    shown = {sample.labels["model"] for sample in samples(registry) if "model" in sample.labels}
    assert shown == {*names[:MODELS_SHOWN], OTHER}
    assert value("runs_total", provider="mock", model=OTHER, outcome="stop") == 6


def test_neither_ids_nor_texts_are_labels(runs: RunFigures, registry: CollectorRegistry) -> None:
    runs.ended(an_answer("what was said", run_id="run_1234"), (), "mock")
    labels = {text for sample in samples(registry) for text in sample.labels.values()}
    assert not labels & {"run_1234", "trace", "what was said"}


def test_errors_that_never_came_are_there_as_zero(runs: RunFigures, value: Value) -> None:
    runs.expect(["mine"])
    for kind in ("upstream_unreachable", "rate_limited", "upstream_truncated", "upstream_timeout"):
        assert value("upstream_errors_total", provider="mine", kind=kind) == 0
    assert value("retries_total", provider="mine") == 0
