"""How a run ended, where nobody else can say: its usage by length, its error when it was stopped, what there is to
say of one whose process died. Pure but for the clock.
"""

import time
from collections.abc import Sequence

from chatapp.chat import Message
from chatapp.events import Entry, ErrorInfo, FinishReason, RunEnd, RunStart, Timing, Usage
from chatapp.ids import new_trace_id
from chatapp.transcript import Transcript

CHARS_PER_TOKEN = 4  # the usual rule of thumb, for what a provider did not count


def estimate_usage(asked: Sequence[Message], reasoning: str, content: str) -> Usage:
    """Tokens by length, for a provider that did not count or was stopped before it could."""
    prompt = _tokens("".join(message.text for message in asked))
    thought = _tokens(reasoning)
    completion = thought + _tokens(content)
    return Usage(prompt, completion, prompt + completion, thought, 0, estimated=True)


def sum_usage(one: Usage, other: Usage) -> Usage:
    """Of two requests of one run; estimated where either is."""
    return Usage(
        one.prompt + other.prompt,
        one.completion + other.completion,
        one.total + other.total,
        one.reasoning + other.reasoning,
        one.cached + other.cached,
        one.estimated or other.estimated,
    )


def _tokens(text: str) -> int:
    return -(-len(text) // CHARS_PER_TOKEN)


def stopped_error(reason: FinishReason, trace_id: str) -> ErrorInfo | None:
    if reason == "cancelled":
        return None  # what was asked for is no error
    return ErrorInfo("interrupted", "The server stopped while it was making this answer.", True, trace_id)


def interrupted_end(transcript: Transcript) -> list[Entry]:
    assert transcript.start is not None
    error = stopped_error("interrupted", transcript.start.trace_id)
    total_ms = round((time.time() - transcript.start.created) * 1000)
    end = RunEnd(
        "interrupted", estimate_usage([], transcript.reasoning, transcript.content), Timing(total_ms=total_ms), error
    )
    return [Entry(transcript.last_seq + 1, end)]


def lost_transcript(run_id: str) -> Transcript:
    """Of a run that died before its first event was durable."""
    transcript = Transcript()
    transcript.add(Entry(1, RunStart(run_id, new_trace_id(), "", "", "disabled", time.time())))
    for entry in interrupted_end(transcript):
        transcript.add(entry)
    return transcript
