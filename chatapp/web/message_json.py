"""Messages and conversations as clients see them: from the rows, and for a run that goes on from its log."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import gevent
import msgspec

from chatapp.errors import LogError, LogUnavailable, NotFound, UnknownRun
from chatapp.events import Entry
from chatapp.reading.reader import LogReplaced, Read, stored
from chatapp.storage.tables import MessageRow
from chatapp.transcript import Transcript, transcript_of
from chatapp.web import Services, current_owner, services

EVENTS_URL = "/api/v1/messages/{id}/events"


def owned_answer(message_id: str) -> MessageRow:
    """Raises NotFound where it is no answer, or not the client's."""
    message = services().conversations.message(current_owner(), message_id)
    if not message.is_answer:
        raise NotFound("no such answer")
    return message


def log_of(answer: MessageRow) -> Read:
    """How to read the run of an answer: from the log, or from what was kept once the log is gone."""
    if services().log.exists(answer.id):
        return partial(_read_log, services(), answer.owner, answer.id)
    if answer.status == "running":
        raise LogUnavailable("this answer cannot be read yet; try again in a moment")
    return stored(answer.stored_entries())


def _read_log(app: Services, owner: str, run_id: str, after: int, wait: float) -> Sequence[Entry]:
    """The log may grow old under a slow reader."""
    try:
        return app.log.read(run_id, after, wait)
    except UnknownRun:
        with suppress(NotFound):  # deleted meanwhile
            raise LogReplaced(stored(app.conversations.message(owner, run_id).stored_entries())) from None
        raise


def transcript(message: MessageRow) -> Transcript:
    """All there is of an answer now. Raises LogError."""
    if message.status == "done":
        return transcript_of(message.stored_entries())
    live = Transcript()
    read = log_of(message)
    while entries := read(live.last_seq, 0.0):
        for entry in entries:
            live.add(entry)
        gevent.sleep(0)  # a long log must not hold the hub
    return live


def whole_conversation(conversation_id: str) -> dict[str, object]:
    """The conversation with the messages it shows."""
    conversation, messages = services().conversations.get(current_owner(), conversation_id)
    return {**conversation, "messages": [message_json(message) for message in messages]}


def message_json(message: MessageRow) -> dict[str, Any]:
    said = _readable(message)
    answer, end = message.is_answer, said.end
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "role": message.role,
        "status": "done" if end or not answer else "running",
        "content": said.content if answer else message.content,
        "reasoning": said.reasoning,
        "reasoning_ms": end and end.reasoning_ms,
        "steps": said.steps(),
        "tools": said.tools(),
        "provider": message.provider,
        "model": message.model,
        "result_mode": message.result_mode,
        "finish_reason": end and end.reason,
        "usage": end and msgspec.to_builtins(end.usage),
        "timing": end and msgspec.to_builtins(end.timing),
        "error": end and msgspec.to_builtins(end.error),
        "events_url": EVENTS_URL.format(id=message.id) if answer else None,
        "created": message.created,
    }


def _readable(message: MessageRow) -> Transcript:
    """An answer that cannot be read now must not keep its conversation from being shown."""
    try:
        return transcript(message)
    except LogError:
        return Transcript()
