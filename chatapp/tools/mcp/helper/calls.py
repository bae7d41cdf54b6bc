"""What a call that runs tells, and asks: its progress, and questions to its user.

A server may flood: progress is told at most every `PROGRESS_S`, the newest last, and the questions
of one call are bounded. A form is flat, as the protocol wants it.
"""

import asyncio
import json
import math
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from mcp.types import INVALID_PARAMS, ElicitResult, ErrorData

PROGRESS_S = 0.5  # between two reports of one call: a reader can follow them, and a log hold them
MESSAGE_CHARS = 2000  # of a report, or a question
MAX_QUESTIONS = 20  # of one call
MAX_OPEN = 4  # at once
SCHEMA_BYTES = 65_536
MAX_FIELDS = 50  # of a form that people fill in
PRIMITIVE = ("string", "number", "integer", "boolean")

RUNNING: ContextVar["Call | None"] = ContextVar("RUNNING", default=None)
"""The call for which the current task works; None: none, or it cannot be told."""


class Call:
    """One call, from its request to its reply. `say` sends a message about it."""

    def __init__(self, say: Callable[[dict[str, Any]], None]) -> None:
        self._say = say
        self._newest: dict[str, Any] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked = 0
        self._open: dict[int, asyncio.Future[ElicitResult]] = {}

    async def progress(self, progress: float, total: float | None, message: str | None) -> None:
        """Tell how far it is, at once or with the next report."""
        self._newest = {
            "done": progress if math.isfinite(progress) else 0.0,
            "total": total if total is not None and math.isfinite(total) else None,
            "message": (message or "")[:MESSAGE_CHARS],
        }
        if self._timer is None:
            self._report()

    async def ask(self, message: str, schema: dict[str, Any]) -> ElicitResult | ErrorData:
        """Ask the user of the call, who may take as long as chatapp allows."""
        if wrong := wrong_form(schema):
            return ErrorData(code=INVALID_PARAMS, message=f"requestedSchema: {wrong}")
        if self._asked >= MAX_QUESTIONS or len(self._open) >= MAX_OPEN:
            return ElicitResult(action="cancel")
        self._asked = number = self._asked + 1
        self._open[number] = asyncio.get_running_loop().create_future()
        self._say({"question": number, "message": message[:MESSAGE_CHARS], "schema": schema})
        try:
            return await self._open[number]
        except asyncio.CancelledError:
            self._say({"withdrawn": number})
            raise
        finally:
            del self._open[number]

    def take(self, decided: dict[str, Any]) -> None:
        """What the user says to a question."""
        waiting = self._open.get(decided["question"])
        if waiting is not None and not waiting.done():
            waiting.set_result(ElicitResult(action=decided["action"], content=decided.get("content")))

    def close(self) -> None:
        """The call is over: it tells nothing more, and its questions get no content."""
        if self._timer is not None:
            self._timer.cancel()
        for waiting in self._open.values():
            if not waiting.done():
                waiting.set_result(ElicitResult(action="cancel"))
        self._say = lambda message: None

    def _report(self) -> None:
        self._timer = None
        if self._newest is not None:
            self._say({"progress": self._newest})
            self._newest = None
            self._timer = asyncio.get_running_loop().call_later(PROGRESS_S, self._report)


def wrong_form(schema: Any) -> str:
    """What keeps the schema from being a flat form; empty if nothing does."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else None
    if not isinstance(properties, dict) or schema.get("type", "object") != "object":
        return "expected a schema of an object"
    if len(properties) > MAX_FIELDS or len(json.dumps(schema)) > SCHEMA_BYTES:
        return f"too large; the limits are {MAX_FIELDS} properties and {SCHEMA_BYTES} bytes"
    for name, field in properties.items():
        if not (isinstance(field, dict) and (field.get("type") in PRIMITIVE or "enum" in field or _is_choice(field))):
            return f"{name}: expected a string, a number, a boolean, or a choice of strings"
    return ""


def _is_choice(field: dict[str, Any]) -> bool:
    """A list of which the user may choose several."""
    items = field.get("items")
    return field.get("type") == "array" and isinstance(items, dict) and bool({"enum", "anyOf", "oneOf"} & items.keys())
