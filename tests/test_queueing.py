"""The tests' own order, and the queue that they come by."""

from pathlib import Path

import gevent
from gevent import monkey
from queueing import LONGEST, PolledQueue
from waiting import BOUND_S


def test_the_files_to_begin_with_are_there() -> None:
    assert [name for name in LONGEST if not (Path(__file__).parent / name).is_file()] == []


def test_what_another_thread_puts_is_found_while_greenlets_run() -> None:
    queue, turns = PolledQueue(), []
    waiting = gevent.spawn(queue.get)
    beside = gevent.spawn(lambda: turns.append(gevent.sleep(0)))
    gevent.joinall([beside])
    monkey.get_original("_thread", "start_new_thread")(queue.put, (7,))
    assert waiting.get(timeout=BOUND_S) == 7 and turns == [None]


def test_what_waits_can_be_replaced_under_its_lock() -> None:
    queue = PolledQueue()
    for number in range(3):
        queue.put(number)
    with queue.lock() as items:
        queue.replace([number for number in items if number != 0])
    assert [queue.get(), queue.get()] == [1, 2]
    assert type(queue._lock).__module__ == "_thread"  # and none of gevent's
