"""Ids of messages, conversations, runs and tool calls. They cannot be guessed."""

import secrets
import time

CLOCK_DIGITS = 16

_last = 0


def new_id(prefix: str, after: str = "") -> str:
    """`prefix_` and 32 hex digits: 16 of the time in nanoseconds, 16 random.

    It sorts by its time, which strictly increases within a process, and behind `after`, an id with
    the same prefix that may come from a process with another clock.
    """
    global _last
    _last = max(_last + 1, time.time_ns(), _clock(after) + 1 if after else 0)
    return f"{prefix}_{_last:016x}{secrets.token_hex(8)}"


def new_call_id() -> str:
    """For a tool call that its provider gave no id, or one that another call has: never twice.

    It has the form that most providers accept, and give.
    """
    return f"call_{secrets.token_hex(12)}"


def _clock(id: str) -> int:
    return int(id.rpartition("_")[2][:CLOCK_DIGITS], 16)
