"""How a run ended, where nobody else can say: its error when it was stopped, what there is to
say of one whose process died. Pure but for the clock.
"""

import time

from chatapp.events import Entry, ErrorInfo, FinishReason, RunEnd, RunStart, Timing
from chatapp.ids import new_trace_id
from chatapp.providers.usage import estimate_usage
from chatapp.transcript import Transcript


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
