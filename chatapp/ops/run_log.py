"""One line of JSON per run in the process's log: how the run went, never what was said."""

import logging
from collections.abc import Sequence

from chatapp.events import RunStart
from chatapp.providers import AttemptFailed
from chatapp.transcript import Transcript

logger = logging.getLogger("chatapp.run")


class RunLog:
    """A `chatapp.generation.observer.RunObserver`."""

    def started(self, start: RunStart) -> None:
        """The line comes at the end, and says how the run began too."""

    def ended(self, transcript: Transcript, attempts: Sequence[AttemptFailed], answered_by: str | None) -> None:
        start, end = transcript.start, transcript.end
        if start is None or end is None:
            return
        tokens = {"prompt": end.usage.prompt, "completion": end.usage.completion, "estimated": end.usage.estimated}
        line = {
            "run_id": start.run_id,
            "trace_id": start.trace_id,
            "provider": start.provider,
            "model": start.model,
            "answered_by": answered_by,
            "finish": end.reason,
            "error": end.error and end.error.code,
            "attempts": [{"provider": attempt.provider, "error": attempt.error} for attempt in attempts],
            "latency_ms": end.timing.total_ms,
            "first_byte_ms": end.timing.first_byte_ms,
            "first_token_ms": end.timing.first_token_ms,
            "tokens": tokens,
        }
        logger.info("run ended", extra={"fields": line})
