"""Who gets a place in a process that is busy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.errors import LimitExceeded, Overloaded
from chatapp.quotas.places import OwnerPlaces


def places(number: int, share: float = 0.5, per_owner: int = 0) -> OwnerPlaces:
    return OwnerPlaces(number, share, "running answers", "max_live_runs", per_owner)


def fill(of: OwnerPlaces, owner: str) -> int:
    """Take all that the owner gets."""
    taken = 0
    while True:
        try:
            of.check(owner)
        except (LimitExceeded, Overloaded):
            return taken
        of.enter(owner)
        taken += 1


@pytest.mark.parametrize(
    ("number", "share", "per_owner", "taken"),
    [
        (2000, 0.5, 0, [1000, 500, 250, 125]),
        (2000, 0.9, 0, [1800, 180, 18, 2]),
        (10, 1.0, 0, [10, 0]),
        (10, 0.5, 2, [2, 2, 2, 2, 1]),
        (4, 0.5, 0, [2, 1, 1, 0]),
        (1, 0.5, 0, [1, 0]),
    ],
)
def test_each_owner_gets_a_share_of_what_the_others_leave(
    number: int, share: float, per_owner: int, taken: list[int]
) -> None:
    shared = places(number, share, per_owner)
    assert [fill(shared, f"owner{turn}") for turn in range(len(taken))] == taken


def test_the_errors_tell_an_owner_from_a_server_that_is_full() -> None:
    shared = places(2)
    shared.enter("ann")
    with pytest.raises(LimitExceeded, match="you have 1 running answers") as refused:
        shared.check("ann")
    assert refused.value.status == 429 and refused.value.retry_after
    shared.enter("bob")
    with pytest.raises(Overloaded, match="limit of 2 running answers") as full:
        shared.check("eve")
    assert full.value.status == 503 and full.value.retry_after


def test_an_owner_is_told_which_setting_bounds_him() -> None:
    shared = places(10, per_owner=1)
    shared.enter("ann")
    with pytest.raises(LimitExceeded, match=r"as many as one owner may have \(setting max_live_runs_per_owner\)"):
        shared.check("ann")


def test_who_leaves_makes_room_and_is_forgotten() -> None:
    shared = places(2)
    shared.enter("ann")
    shared.leave("ann")
    shared.check("ann")
    assert not shared._taken


@given(st.lists(st.sampled_from("abcd"), max_size=200), st.integers(1, 40))
def test_a_newcomer_finds_a_place_unless_all_are_taken(asking: list[str], number: int) -> None:
    shared = places(number)
    taken = 0
    for owner in asking:
        try:
            shared.check(owner)
        except (LimitExceeded, Overloaded):
            continue
        shared.enter(owner)
        taken += 1
        assert taken <= number
    if taken < number:
        shared.check("new")
