"""Ids that sort by the time they were made, and that nobody can guess."""

import secrets
import time

CLOCK_DIGITS = 16

_last = 0


def new_id(prefix: str, after: str = "") -> str:
    """`prefix_` and 32 hex digits: 16 of the time in nanoseconds, strictly increasing within a process, 16 of chance.

    It sorts behind `after`, an id of the same prefix that another process may have made by another clock.
    """
    global _last
    _last = max(_last + 1, time.time_ns(), _clock(after) + 1 if after else 0)
    return f"{prefix}_{_last:016x}{secrets.token_hex(8)}"


def _clock(id: str) -> int:
    return int(id.rpartition("_")[2][:CLOCK_DIGITS], 16)
