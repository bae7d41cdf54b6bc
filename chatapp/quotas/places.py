"""Places in this process, for runs, for readers, or for the bytes of bodies, and the share of them
that one owner gets."""

import math
from collections import Counter

from chatapp.errors import LimitExceeded, Overloaded


class OwnerPlaces:
    """`places` in all. One owner gets at most `share` of those that the others leave, so that there
    is always one left for somebody new, and at most `per_owner`; 0: no such limit.

    `what` takes the places, such as `running answers`; `setting` says how many there are, and
    SETTING_per_owner how many for one owner.
    """

    def __init__(self, places: int, share: float, what: str, setting: str, per_owner: int = 0) -> None:
        self._places = places
        self._share = share
        self._what = what
        self._setting = setting
        self._per_owner = per_owner
        self._taken: Counter[str] = Counter()
        self._total = 0

    def check(self, owner: str, more: int = 1) -> None:
        """Raise LimitExceeded if so many more are too many for this owner, Overloaded for
        anybody."""
        mine = self._taken.get(owner, 0)
        if self._total + more > self._places:
            raise Overloaded(f"the server is at its limit of {self._places} {self._what} (setting {self._setting})")
        if self._per_owner and mine + more > self._per_owner:
            raise LimitExceeded(
                f"you have {mine} {self._what}, as many as one owner may have (setting {self._setting}_per_owner)"
            )
        if mine + more > math.ceil(self._share * (mine + self._places - self._total)):
            raise LimitExceeded(
                f"you have {mine} {self._what}, as many as one owner may have while the server is as busy as it is"
            )

    @property
    def taken(self) -> int:
        return self._total

    def enter(self, owner: str, count: int = 1) -> None:
        self._taken[owner] += count
        self._total += count

    def leave(self, owner: str, count: int = 1) -> None:
        self._total -= count
        self._taken[owner] -= count
        if not self._taken[owner]:
            del self._taken[owner]
