"""Whether a run waits for its owner: for an approval, or for an answer to a tool's question. Who
looks at another conversation learns it from the list.
"""

import logging
from typing import Protocol

from chatapp.errors import ChatappError
from chatapp.events import StreamEvent, ToolApproval, ToolQuestion

logger = logging.getLogger(__name__)


class Waits(Protocol):
    """Keeps which runs wait."""

    def tell(self, run_id: str, until: float | None) -> None:
        """It waits until then (epoch seconds) at the latest; None: no longer. Raises
        ChatappError."""
        ...


class Waiting:
    """Told of the run's events, it tells the store when that changes."""

    def __init__(self, run_id: str, waits: Waits | None) -> None:
        self._run_id = run_id
        self._waits = waits
        self._open: dict[str, float] = {}  # until when each waits, by the id of the call or the question

    def take(self, event: StreamEvent) -> None:
        if self._waits is None or not isinstance(event, (ToolApproval, ToolQuestion)):
            return
        before = self._until
        id = event.id if isinstance(event, ToolQuestion) else event.tool_call_id
        self._open.pop(id, None)
        if event.state == "asked":
            self._open[id] = event.expires
        if self._until != before:
            self._tell(self._waits)

    @property
    def _until(self) -> float | None:
        return max(self._open.values(), default=None)

    def _tell(self, waits: Waits) -> None:
        try:
            waits.tell(self._run_id, self._until)
        except ChatappError as error:  # the run itself goes on, and so does who follows it
            logger.warning("the list does not show what run %s waits for: %s", self._run_id, error)
