"""What the status page makes of the figures."""

from drivers import an_answer
from prometheus_client import CollectorRegistry

from chatapp.metrics.figures import Figures
from chatapp.metrics.runs import RunFigures
from chatapp.metrics.status import Bar, Row, quantile, status_of
from chatapp.providers import AttemptFailed


def test_it_adds_up_what_runs_left() -> None:
    registry = CollectorRegistry()
    figures = Figures(registry)
    runs = RunFigures(figures, lambda provider, model: True)
    runs.expect(["quiet"])
    failed = [AttemptFailed("mock", "rate_limited"), AttemptFailed("mock", "rate_limited")]
    runs.ended(an_answer("fine"), failed, "mock")
    runs.ended(an_answer("fine", reason="length"), [AttemptFailed("other", "upstream_timeout")], "mock")
    figures.readers.inc(3)
    figures.circuits_open.labels("mock").set(0)
    status = status_of(registry.collect())
    assert status.errors == [Row("mock", [("rate_limited", 2)]), Row("other", [("upstream_timeout", 1)])]
    assert status.runs == [Row("mock", [("stop", 1), ("length", 1)])]
    assert (status.readers, status.circuits) == (3, [])
    assert status.first_token[0] == Bar(0.05, 2) and sum(bar.count for bar in status.first_token) == 2
    assert status.first_token_within(0.5) == 0.05


def test_a_quantile_is_the_end_of_its_bar() -> None:
    bars = [Bar(0.1, 5), Bar(1, 4), Bar(float("inf"), 1)]
    assert [quantile(bars, share) for share in (0.5, 0.9, 1.0)] == [0.1, 1, float("inf")]
    assert quantile([], 0.5) is None and quantile([Bar(1, 0)], 0.5) is None
