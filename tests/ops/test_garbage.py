"""A worker's full collections wait until few streams are open."""

import gc
from collections.abc import Callable, Iterator
from weakref import ref

import pytest
from waiting import soon

from chatapp.ops.garbage import FEW, collect_when_quiet

LOOK_S = 0.002


class Circle:
    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def collecting() -> Iterator[Callable[..., None]]:
    """`collect_when_quiet`, undone at the end."""
    threshold, greenlets = gc.get_threshold(), []
    yield lambda *args, **kwargs: greenlets.append(collect_when_quiet(*args, look_s=LOOK_S, **kwargs))
    for greenlet in greenlets:
        greenlet.kill()
    gc.set_threshold(*threshold)
    gc.unfreeze()


@pytest.fixture
def old_circle() -> Callable[[], ref[Circle]]:
    """One that collections of what is young do not find."""

    def make() -> ref[Circle]:
        circle = Circle()
        gc.collect(1)
        return ref(circle)

    return make


def test_a_full_collection_waits_for_a_quiet_moment(
    collecting: Callable[..., None], old_circle: Callable[[], ref[Circle]]
) -> None:
    live, looks = [FEW + 1], []

    def ask() -> int:
        looks.append(live[0])
        return live[0]

    collecting(ask, latest_s=60.0)
    circle = old_circle()
    soon(lambda: len(looks) > 5)
    assert circle() is not None
    live[0] = FEW
    soon(lambda: circle() is None)


def test_a_server_that_is_never_quiet_collects_all_the_same(
    collecting: Callable[..., None], old_circle: Callable[[], ref[Circle]]
) -> None:
    collecting(lambda: FEW + 1, latest_s=5 * LOOK_S)
    circle = old_circle()
    soon(lambda: circle() is None)


def test_what_is_allocated_begins_no_full_collection(collecting: Callable[..., None]) -> None:
    collecting(lambda: FEW + 1, latest_s=60.0)
    full = []

    def note(phase: str, info: dict[str, int]) -> None:
        if info["generation"] == 2:
            full.append(phase)

    gc.callbacks.append(note)
    kept = [[number] for number in range(300_000)]
    gc.callbacks.remove(note)
    assert len(kept) and not full
