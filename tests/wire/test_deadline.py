"""The time limits of one call."""

import time

import gevent
import pytest
from wire.calls import Stopped

from chatapp.cancel import CancelScope
from chatapp.errors import UpstreamTimeout
from chatapp.wire.deadline import Deadline


@pytest.fixture
def deadline():
    """Makes deadlines and closes them."""
    made = []

    def deadline(silence, total, scope=None):
        made.append(Deadline(scope or CancelScope(), "acme", silence, total))
        return made[-1]

    yield deadline
    for each in made:
        each.close()


def test_a_call_that_pauses_often_is_silent_only_once_it_waits_for_long(deadline):
    limits = deadline(0.1, 60)
    for _ in range(20):
        limits.run(gevent.sleep, 0.01)
    with pytest.raises(UpstreamTimeout, match=r"acme sent nothing for 0.1 s \(setting upstream_silence_timeout_s\)"):
        limits.run(gevent.sleep, 10)


def test_time_outside_of_run_is_not_the_providers_silence(deadline):
    limits = deadline(0.05, 60)
    gevent.sleep(0.2)
    assert limits.run(lambda: "fine") == "fine"


def test_the_total_counts_however_short_each_wait_is(deadline):
    limits = deadline(60, 0.1)
    with pytest.raises(UpstreamTimeout, match="acme took longer"):
        while True:
            limits.run(gevent.sleep, 0.01)


def test_the_rest_can_be_limited_but_not_prolonged(deadline):
    limits = deadline(60, 60)
    limits.limit_rest(0.05)
    limits.limit_rest(1000)
    start = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        limits.run(gevent.sleep, 10)
    assert time.monotonic() - start < 5


def test_a_stop_of_the_run_ends_the_wait_with_its_reason(deadline):
    scope = CancelScope()
    limits = deadline(60, 60, scope)
    gevent.spawn_later(0.01, scope.cancel, Stopped)
    with pytest.raises(Stopped):
        limits.run(gevent.sleep, 10)


def test_a_limit_ends_the_call_and_leaves_the_runs_scope_alone(deadline):
    scope = CancelScope()
    with pytest.raises(UpstreamTimeout):
        deadline(0.05, 60, scope).run(gevent.sleep, 10)
    assert deadline(60, 60, scope).run(lambda: "again") == "again"
