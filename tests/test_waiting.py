"""The way in which all tests wait: a test that passes for nothing is worse than none."""

import gevent
import pytest
from waiting import soon


def test_the_first_true_value_is_returned() -> None:
    values = iter([0, "", "seen"])
    assert soon(lambda: next(values)) == "seen"


def test_what_may_be_raised_meanwhile_is_named() -> None:
    divisors = iter([0, 0, 1])
    assert soon(lambda: 1 / next(divisors), ZeroDivisionError) == 1
    with pytest.raises(ZeroDivisionError):
        soon(lambda: 1 / 0, ValueError)


def test_what_never_comes_fails_and_says_what_there_was() -> None:
    with pytest.raises(AssertionError, match=r"after 0\.02 s: 3 lines"):
        soon(lambda: False, within=0.02, failure=lambda: "3 lines")
    with pytest.raises(AssertionError, match="in vain"):
        soon(lambda: gevent.sleep(10), within=0.02)
