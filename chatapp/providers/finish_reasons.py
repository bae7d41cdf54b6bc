"""How a reply ended, by the word that its server has for it. Pure.

A protocol has a few words, its servers have more (`model_context_window_exceeded`, `OTHER`), and a
gateway passes on those of another protocol. So all adapters read all of them.
"""

import re

from chatapp.events import FinishReason

GOOD = frozenset(
    [
        "stop",
        "stop_sequence",
        "end_turn",
        "end",
        "done",
        "complete",
        "completed",
        "eos",
        "eos_token",
        "tool_call",
        "tool_calls",
        "tool_use",
        "function_call",
    ]
)

BY_WORD: tuple[tuple[str, FinishReason], ...] = (
    (r"length|max_?(output_?)?tokens|token_?limit|context_?window|pause_turn", "length"),
    (
        r"filter|safety|sensitive|blocklist|prohibited|policy|moderation|guardrail|recitation|refus|spii|^language",
        "content_filter",
    ),
    (
        r"error|fail|abort|cancel|interrupt|time_?out|overload|insufficient|malformed|unexpected|missing|too_many|no_image|other$",
        "error",
    ),
)


def finish_reason(word: str) -> FinishReason | None:
    """What the word says; None if that is not known. Anthropic's `pause_turn` is a turn that is cut
    off, to be gone on with."""
    word = word.strip().lower().replace("-", "_")
    if word in GOOD:
        return "stop"
    return next((reason for pattern, reason in BY_WORD if re.search(pattern, word)), None)
