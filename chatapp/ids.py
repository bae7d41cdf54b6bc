"""Ids that sort by the time they were made, and that nobody can guess."""

import secrets
import time

_last = 0


def new_id(prefix: str) -> str:
    """`prefix_` and 32 hex digits: 16 of the time in nanoseconds, strictly increasing within a process, 16 of chance."""
    global _last
    _last = max(_last + 1, time.time_ns())
    return f"{prefix}_{_last:016x}{secrets.token_hex(8)}"
