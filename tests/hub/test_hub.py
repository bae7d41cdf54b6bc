"""Whatever pauses so that others can go on, lets their sockets go on too."""

import re
from pathlib import Path
from typing import Any

import gevent
import pytest
from garbage import left_by
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

import chatapp
from chatapp.hub import let_others_run, on_thread

allocate_lock: Any = get_original("_thread", "allocate_lock")
PACKAGE = Path(chatapp.__file__).parent


def test_nothing_pauses_for_no_time_at_all() -> None:
    """`sleep(0)` looks at no socket; `chatapp.hub.let_others_run` does."""
    pausing = [
        path.name for path in PACKAGE.rglob("*.py") if re.search(r"\bsleep\(0(\.0*)?\)", path.read_text("utf-8"))
    ]
    assert not pausing


class FullDisk:
    """Where standard error cannot be written to."""

    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None: ...


def fail() -> None:
    raise ValueError("on a thread")


def test_what_fails_on_a_thread_is_heard_of_though_nothing_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = ThreadPool(1)
    monkeypatch.setattr("sys.stderr", FullDisk())
    with gevent.Timeout(10), pytest.raises(ValueError, match="on a thread"):
        on_thread(threads, fail)
    assert on_thread(threads, lambda: 42) == 42
    threads.kill()


def test_what_fails_on_a_thread_leaves_no_circles() -> None:
    threads = ThreadPool(1)

    def call() -> None:
        with pytest.raises(ValueError, match="on a thread"):
            on_thread(threads, fail)
        gevent.sleep(0.01)  # until the thread has let go of it

    assert not left_by(call)
    threads.kill()


def test_nothing_is_thrown_into_what_runs_on_a_thread() -> None:
    """However often: the call uses what its caller may close."""
    threads, may_end = ThreadPool(1), allocate_lock()
    may_end.acquire()
    waiting = gevent.spawn(on_thread, threads, may_end.acquire)
    for _ in range(3):
        let_others_run()
        waiting.kill(block=False)
    let_others_run()
    assert not waiting.dead
    may_end.release()
    waiting.join(timeout=10)
    assert waiting.dead and may_end.locked()
    threads.kill()


def test_only_on_thread_uses_threads_for_what_may_fail() -> None:
    using = [
        path.name
        for path in PACKAGE.rglob("*.py")
        if re.search(r"threadpool\.apply|_thread\.apply", path.read_text("utf-8"))
    ]
    assert not using
