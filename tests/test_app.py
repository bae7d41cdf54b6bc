"""Building the application opens its stores; starting it begins what runs beside requests."""

import gc
import os
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from gevent import Greenlet
from waiting import soon

from chatapp.app import create_app
from chatapp.errors import ConfigError
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.web import EXTENSION


@contextmanager
def services(data: Path, *, start: bool) -> Iterator[ChatService]:
    found: ChatService = create_app(Settings(data=data), start=start).extensions[EXTENSION]
    yield found
    found.drain(0)
    found.close()


def threads() -> set[str]:
    return set(os.listdir("/proc/self/task"))


def greenlets() -> set[Greenlet]:
    return {each for each in gc.get_objects() if issubclass(type(each), Greenlet) and not each.dead}


def test_an_application_runs_nothing_until_it_is_started(tmp_path: Path) -> None:
    earlier_threads, earlier_greenlets = threads(), greenlets()
    with services(tmp_path, start=False) as built:
        built.log.create("run_1")
        built.conversations.ping()
        assert not threads() - earlier_threads
        assert not greenlets() - earlier_greenlets
        built.start()
        assert len(threads() - earlier_threads) == 2  # the checkpoints of two files
        # recovery, retention, the indexer and the sampler; the lists have been asked for
        soon(lambda: len(greenlets() - earlier_greenlets) == 4)
    soon(lambda: not threads() - earlier_threads)
    assert not greenlets() - earlier_greenlets


def test_an_application_is_started_unless_told_otherwise(tmp_path: Path) -> None:
    earlier = greenlets()
    with services(tmp_path, start=True):
        soon(lambda: len(greenlets() - earlier) == 4)


def returned_by(coroutine: Coroutine[None, None, str]) -> str:
    """Of one that waits for nothing. A test before may have left a loop that runs."""
    with pytest.raises(StopIteration) as end:
        coroutine.send(None)
    return str(end.value.value)


def test_a_host_may_add_views_that_are_coroutines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Flask runs them by asgiref, if it is installed."""
    app = create_app(Settings(data=tmp_path), start=False)
    monkeypatch.setattr(app, "async_to_sync", lambda view: lambda **given: returned_by(view(**given)))

    async def greet(name: str) -> str:
        return f"hi {name}"

    app.add_url_rule("/greet/<name>", view_func=greet)
    app.add_url_rule("/greet/bob", "bob", partial(greet, name="bob"))
    with closing(app.extensions[EXTENSION]):
        assert [app.test_client().get(f"/greet/{name}").text for name in ("ann", "bob")] == ["hi ann", "hi bob"]


@pytest.mark.parametrize("wrong", [{"default_provider": "unknown"}, {"cors_origins": ("*",)}])
def test_an_application_that_is_refused_holds_no_store_open(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        create_app(Settings(data=tmp_path, **wrong))
    gc.collect()
    opened = [os.readlink(f"/proc/self/fd/{each}") for each in os.listdir("/proc/self/fd") if _is_there(each)]
    assert [path for path in opened if path.startswith(f"{tmp_path}/")] == []


def _is_there(descriptor: str) -> bool:
    return os.path.lexists(f"/proc/self/fd/{descriptor}")


def test_the_room_for_bodies_must_hold_the_largest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^max_bodies_bytes: expected at least 67108864, so that"):
        create_app(Settings(data=tmp_path, max_bodies_bytes=60_000_000))
    app = create_app(Settings(data=tmp_path, max_owner_share=0.01))  # for many owners
    app.extensions[EXTENSION].body_places.check("ann", 33_554_432)
    app.extensions[EXTENSION].close()
