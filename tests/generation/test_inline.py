"""A run for one reader in the same thread."""

import gevent
from drivers import BOUND_S, ScriptedProvider, a_chat

from chatapp.cancel import CancelScope
from chatapp.errors import Rejected
from chatapp.events import RunEnd, RunStart, TextDelta
from chatapp.generation.inline import InlineRun
from chatapp.providers import Finished, Started

COMPLETE = [Started(), TextDelta("fi"), TextDelta("ne"), Finished("stop")]


def test_events_come_from_the_start_to_the_end() -> None:
    start, *middle, end = InlineRun().events(ScriptedProvider(COMPLETE), a_chat())
    assert isinstance(start, RunStart) and isinstance(end, RunEnd)
    assert middle == [TextDelta("fi"), TextDelta("ne")]
    assert end.reason == "stop"


def test_a_failure_is_how_it_ends() -> None:
    *_, end = InlineRun().events(ScriptedProvider([Rejected("no", 500)]), a_chat())
    assert isinstance(end, RunEnd) and end.error is not None and end.error.code == "upstream_rejected"


def test_the_run_waits_while_the_reader_does() -> None:
    reached: list[CancelScope] = []
    events = InlineRun().events(ScriptedProvider([TextDelta("one"), reached.append, TextDelta("two")]), a_chat())
    assert isinstance(next(events), RunStart) and next(events) == TextDelta("one")
    gevent.sleep(0)
    assert not reached
    assert next(events) == TextDelta("two") and reached
    events.close()


def test_closing_it_closes_the_provider() -> None:
    provider = ScriptedProvider(COMPLETE)
    events = InlineRun().events(provider, a_chat())
    next(events), next(events)
    assert provider.closed == 0
    events.close()
    assert provider.closed == 1


def test_each_event_may_be_read_in_another_greenlet() -> None:
    events = InlineRun().events(ScriptedProvider(COMPLETE), a_chat())
    read = [gevent.spawn(next, events).get(timeout=BOUND_S) for _ in range(4)]
    assert read[1:3] == [TextDelta("fi"), TextDelta("ne")] and isinstance(read[3], RunEnd)


def test_two_runs_are_read_side_by_side() -> None:
    runs = [InlineRun().events(ScriptedProvider([TextDelta(name), Finished("stop")]), a_chat()) for name in "ab"]
    _, texts, _ = zip(*runs, strict=True)
    assert texts == (TextDelta("a"), TextDelta("b"))
