"""When a run has nobody left who reads it."""

from chatapp.reading.presence import Presence


def test_the_only_reader_is_awaited_from_its_own_turn() -> None:
    here = Presence()
    here.enter("r")
    left = here.leave("r", 3)
    assert left is not None and left.visit == 3
    assert not here.stays("r", 3)


def test_nobody_is_awaited_while_another_reader_stays() -> None:
    here = Presence()
    here.enter("r")
    here.enter("r")
    assert here.leave("r", 1) is None
    assert here.stays("r", 1)
    left = here.leave("r", 0)
    assert left is not None and left.visit == 1  # the newest of them all


def test_the_last_one_to_leave_hands_on_for_whom_the_run_waits() -> None:
    here = Presence()
    here.enter("r")
    here.leave("r", 2)
    here.enter("r")  # a follower whose leaving is no matter, before the wait is over
    assert here.stays("r", 2)
    left = here.leave("r", None)
    assert left is not None and left.visit == 2


def test_readers_whose_leaving_is_no_matter_leave_nothing_to_wait_for() -> None:
    here = Presence()
    here.enter("r")
    here.enter("other")
    left = here.leave("r", None)
    assert left is not None and left.visit is None
    assert here.stays("other", 0) and not here.stays("r", 0)
