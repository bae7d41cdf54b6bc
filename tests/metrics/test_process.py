"""The other figures: readers, the log, what is looked at, and how they are read."""

import os
from collections.abc import Iterator

import gevent
import pytest
from prometheus_client import CollectorRegistry
from waiting import soon

from chatapp.metrics.exposition import Exposition
from chatapp.metrics.figures import Figures
from chatapp.metrics.own_port import OwnPort
from chatapp.metrics.processes import Processes
from chatapp.metrics.reading import LogFigures, ReaderFigures
from chatapp.metrics.sampler import Rate, Sampler, Sources


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def test_readers_are_a_gauge_and_their_ends_are_counted(registry: CollectorRegistry) -> None:
    readers = ReaderFigures(Figures(registry))
    readers.opened(resumed=False)
    readers.opened(resumed=True)
    readers.closed("dropped", resets=2)
    assert registry.get_sample_value("chatapp_readers") == 1
    assert registry.get_sample_value("chatapp_resumes_total") == 1
    assert registry.get_sample_value("chatapp_resets_total") == 2
    assert registry.get_sample_value("chatapp_readers_closed_total", {"end": "dropped"}) == 1
    assert registry.get_sample_value("chatapp_readers_closed_total", {"end": "left"}) == 0


def test_of_several_flushes_the_slowest_is_measured(registry: CollectorRegistry) -> None:
    log = LogFigures(Figures(registry))
    log.flushed(10, 0.002)
    log.flushed(20, 0.004)
    log.hand_over()
    log.hand_over()
    assert registry.get_sample_value("chatapp_log_append_seconds_sum") == 0.004
    assert registry.get_sample_value("chatapp_log_append_seconds_count") == 1
    assert registry.get_sample_value("chatapp_log_events_total") == log.events == 30


@pytest.fixture
def sampler(registry: CollectorRegistry) -> Iterator[Sampler]:
    figures = Figures(registry)
    log = LogFigures(figures)
    log.flushed(50, 0.005)
    sampler = Sampler(figures, Sources(lambda: 3, lambda: {"mine": 2}, lambda: 600, log))
    yield sampler
    sampler.close()
    sampler.close()


def test_the_sampler_looks_at_runs_circuits_and_the_hub(registry: CollectorRegistry, sampler: Sampler) -> None:
    sampler.start()
    soon(lambda: registry.get_sample_value("chatapp_hub_lag_seconds_count"))
    soon(lambda: registry.get_sample_value("chatapp_log_events_total") == 50)
    sampler.look()
    assert registry.get_sample_value("chatapp_live_runs") == 3
    assert registry.get_sample_value("chatapp_circuits_open", {"provider": "mine"}) == 2


def test_greenlets_are_counted_while_they_live(registry: CollectorRegistry, sampler: Sampler) -> None:
    sampler.start()
    waiting = [gevent.spawn(gevent.sleep, 1000) for _ in range(20)]

    def alive() -> float:
        sampler.look()
        return registry.get_sample_value("chatapp_greenlets") or 0

    assert alive() >= 20
    gevent.killall(waiting)
    waiting.clear()
    soon(lambda: alive() < 20)


def test_a_rate_is_of_the_last_seconds() -> None:
    rate = Rate(over_s=10)
    assert rate.of(100, now=0) == 0
    assert rate.of(150, now=5) == 5
    assert rate.of(150, now=14) == 0
    assert rate.of(160, now=20) == 1


def test_a_process_tells_its_memory_and_descriptors() -> None:
    families = {family.name: family.samples for family in Processes(lambda: [os.getpid(), 999_999_999]).collect()}
    assert set(families) == {"chatapp_resident_memory_bytes", "chatapp_open_fds", "chatapp_max_fds"}
    for [sample] in families.values():
        assert sample.labels == {"pid": str(os.getpid())} and sample.value > 0


def test_a_reading_is_kept_for_a_moment(registry: CollectorRegistry) -> None:
    readers = ReaderFigures(Figures(registry))
    exposition = Exposition(registry)
    first = exposition.read()
    readers.opened(resumed=False)
    assert exposition.read() is first and b"chatapp_readers 0.0" in first.text
    assert b"chatapp_open_fds" in first.text


def test_a_port_of_its_own_has_the_figures_and_nothing_else(registry: CollectorRegistry) -> None:
    Figures(registry)
    app = OwnPort(lambda environ, start: [b"the application"], 9100, Exposition(registry))
    answered: list[str] = []

    def ask(port: str, path: str, method: str = "GET") -> bytes:
        environ = {"SERVER_PORT": port, "PATH_INFO": path, "REQUEST_METHOD": method}
        return b"".join(app(environ, lambda status, headers: answered.append(status)))

    assert ask("8000", "/metrics") == b"the application"
    assert b"chatapp_readers" in ask("9100", "/metrics")
    assert b"chatapp" not in ask("9100", "/chat") and b"chatapp" not in ask("9100", "/metrics", "POST")
    assert answered == ["200 OK", "404 Not Found", "404 Not Found"]
