"""bytes <-> frames (being written)."""

from typing import NamedTuple


class Frame(NamedTuple):
    data: str
    event: str | None = None
    id: str | None = None
    retry: int | None = None
