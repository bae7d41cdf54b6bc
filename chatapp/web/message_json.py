"""Messages and conversations as clients see them. What is there of an answer that is still running
comes from its log."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, assert_never

import msgspec
from flask import Response, jsonify, request

from chatapp.chat import Attachment
from chatapp.dialects import answered_by, question_data
from chatapp.dialects.media import FILE_URL, file_data, source_data
from chatapp.errors import LogError
from chatapp.events import CitedSource, File, PlanStep
from chatapp.exchange import NOT_THERE
from chatapp.hub import with_pauses
from chatapp.service import Answer, Listed, StoredMessage
from chatapp.transcript import Transcript
from chatapp.web import current_caller, current_service
from chatapp.web.addresses import addressed, here
from chatapp.web.answer_parts import AnswerPart, CallPart, PlanPart, Words, answer_parts
from chatapp.web.bodies import number
from chatapp.web.endpoint import Parameter
from chatapp.web.json_pieces import json_response

SLICE = 20  # messages that are told in one go: some milliseconds, if they are long

PAGE, MOST = 50, 200  # messages of a page: by default, and at most
LAST_ONES = Parameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "How many messages at most; all of them by default."
)

EVENTS_URL = "/api/v1/messages/{id}/events"


def conversation_response(conversation_id: str, limit: int | None) -> Response:
    """The conversation with the messages it shows; with a `limit`, as `conversation_json`."""
    if limit is not None:
        return jsonify(conversation_json(conversation_id, limit))
    listing, owner = current_service().listing, current_caller().owner
    conversation, slices = listing.conversation(owner, conversation_id), listing.slices(owner, conversation_id)
    return json_response(msgspec.to_builtins(conversation), "messages", _each_json(conversation_id, slices))


def conversation_json(conversation_id: str, limit: int) -> dict[str, object]:
    """The conversation with the last of the messages it shows, and as `next` where those before
    them end."""
    conversation = current_service().listing.conversation(current_caller().owner, conversation_id)
    return {**msgspec.to_builtins(conversation), **page_json(conversation_id, limit)}


def list_json(listed: Sequence[Listed], rest: str) -> dict[str, object]:
    """A page of conversations; `rest` is the cursor of the next one, if there is one."""
    return {"conversations": [_listed_json(each) for each in listed], "next": rest or None}


def last_ones() -> int | None:
    """How many messages the request wants. Raises InvalidField."""
    return int(number("limit", MOST, 1, MOST)) if "limit" in request.args else None


def page_json(conversation_id: str, limit: int, before: str = "") -> dict[str, object]:
    """A page of the messages that the conversation shows, and the `next` one."""
    messages = current_service().listing.messages(current_caller().owner, conversation_id, limit, before)
    rest = messages[0].id if len(messages) == limit and messages[0].parent else None
    return {"messages": messages_json(conversation_id, messages), "next": rest}


def messages_json(conversation_id: str, messages: Sequence[StoredMessage]) -> list[dict[str, Any]]:
    """Messages of this conversation, with the places they have among their versions."""
    return list(with_pauses(_each_json(conversation_id, [messages]), SLICE))


def _each_json(conversation_id: str, slices: Iterable[Sequence[StoredMessage]]) -> Iterator[dict[str, Any]]:
    for some in slices:
        versions = current_service().branches.versions(current_caller().owner, conversation_id, some)
        for message in some:
            yield _with_versions(message_json(message), versions.get(message.id))


def versions_json(message: StoredMessage) -> list[dict[str, Any]]:
    """All versions of the message, the oldest first."""
    service, owner = current_service(), current_caller().owner
    if message.conversation_id is None:
        return [message_json(message)]
    ids = service.branches.versions(owner, message.conversation_id, [message]).get(message.id, [])
    return [_with_versions(message_json(version), ids) for version in service.branches.messages(owner, ids)]


def _listed_json(listed: Listed) -> dict[str, Any]:
    conversation: dict[str, Any] = msgspec.to_builtins(listed.conversation)
    return {
        **conversation,
        "pinned": listed.conversation.pinned,
        "running": listed.running,
        "waiting": listed.waiting,
        "unread": listed.unread,
    }


def _with_versions(shown: dict[str, Any], ids: list[str] | None) -> dict[str, Any]:
    """`index` counts from 1, as people do. Ids that are not told: it was begun a moment ago."""
    ids = ids or [shown["id"]]
    return {**shown, "versions": {"index": ids.index(shown["id"]) + 1, "count": len(ids), "ids": ids}}


def message_json(message: StoredMessage) -> dict[str, Any]:
    return described(message, addressed(readable(message), message.id))


def described(message: StoredMessage, transcript: Transcript) -> dict[str, Any]:
    """`transcript` is what there is of an answer, or what may be seen of it."""
    answer = message if isinstance(message, Answer) else None
    start, end = transcript.start, transcript.end
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "parent": message.parent,
        "continues": answer.parent if answer and answer.continues else None,
        "role": message.role,
        "status": "done" if end or not answer else "running",
        "content": transcript.content if answer else message.content,
        "parts": parts_json(message.id, transcript) if answer else _said_json(message),
        "reasoning": transcript.reasoning,
        "reasoning_ms": end and end.reasoning_ms,
        "steps": steps_json(transcript),
        "tools": tools_json(transcript),
        "sources": [source_data(source) for source in transcript.sources],
        "files": files_json(message, transcript),
        "provider": answer and answer.provider,
        "model": answer and answer.model,
        "answered_by": answered_by(start, end) if start and end else None,
        "trace_id": start and start.trace_id,
        "result_mode": answer and answer.result_mode,
        "finish_reason": end and end.reason,
        "usage": end and msgspec.to_builtins(end.usage),
        "timing": end and msgspec.to_builtins(end.timing),
        "error": end and msgspec.to_builtins(end.error),
        "events_url": here(EVENTS_URL.format(id=message.id)) if answer else None,
        "created": message.created,
    }


def files_json(message: StoredMessage, transcript: Transcript) -> list[dict[str, object]]:
    """Those that a question came with, or that an answer holds."""
    if isinstance(message, Answer):
        return [file_data(message.id, file) for file in transcript.files]
    return [_attachment(message.id, file) for file in message.attachments]


def readable(message: StoredMessage) -> Transcript:
    """What there is of an answer. One that cannot be read now must not keep its conversation from
    being shown."""
    if not isinstance(message, Answer):
        return Transcript()
    try:
        return current_service().described(message)
    except LogError:
        return Transcript()


def steps_json(transcript: Transcript) -> list[dict[str, object]]:
    """The plan, as far as it was announced."""
    events = [entry.event for entry in transcript.entries]
    return [
        {"index": step.index, "text": step.text} for step in events if isinstance(step, PlanStep) and not step.begun
    ]


def tools_json(transcript: Transcript) -> list[dict[str, object]]:
    """Each call with its outcome, None until it comes; a result may be None, too: `done` tells that
    it came."""
    ended = transcript.end is not None
    return [_tool(part, ended) for part in answer_parts(transcript.entries) if isinstance(part, CallPart)]


def parts_json(message_id: str, transcript: Transcript) -> list[dict[str, object]]:
    """What is to be shown, in order: each part has a `type` and the field that is named like it."""
    ended = transcript.end is not None
    return [_part(message_id, part, ended) for part in answer_parts(transcript.entries)]


def _part(message_id: str, part: AnswerPart, ended: bool) -> dict[str, object]:
    match part:
        case Words(thought=True):
            return {"type": "thought", "thought": part.text}
        case Words():
            return {"type": "text", "text": part.text, "start": part.start}
        case CallPart():
            return {"type": "call", "call": _tool(part, ended)}
        case PlanPart():
            return {"type": "plan", "plan": [_step(step, part) for step in part.steps]}
        case CitedSource():
            return {"type": "source", "source": source_data(part)}
        case File():
            return {"type": "file", "file": file_data(message_id, part)}
        case _:
            assert_never(part)


def _attachment(message_id: str, file: Attachment) -> dict[str, object]:
    """Of one that an imported message only names, there is nothing to fetch."""
    what = {"id": file.id, "media_type": file.media_type, "name": file.name, "size_bytes": file.size_bytes}
    if not file.size_bytes:
        return {**what, "error": NOT_THERE}
    return {**what, "url": here(FILE_URL.format(run=message_id, file=file.id))}


def _said_json(message: StoredMessage) -> list[dict[str, object]]:
    files: list[dict[str, object]] = [
        {"type": "file", "file": _attachment(message.id, file)} for file in message.attachments
    ]
    return [*files, *([{"type": "text", "text": message.content, "start": 0}] if message.content else [])]


def _step(step: PlanStep, plan: PlanPart) -> dict[str, object]:
    return {"index": step.index, "text": step.text, "begun": step.index in plan.begun}


def _tool(part: CallPart, ended: bool) -> dict[str, object]:
    """An approval that was still asked for when the run ended has expired."""
    call, approval, outcome = part.call, part.approval, part.outcome
    expired = ended and approval is not None and approval.state == "asked"
    return {
        "id": call.id,
        "type": call.type,
        "name": call.name,
        "arguments": call.arguments,
        "approval": "expired" if expired else approval and approval.state,
        "expires": approval and approval.expires,
        "done": outcome is not None,
        "result": outcome and outcome.result,
        "error": outcome and outcome.error,
        "questions": [] if ended else [question_data(question) for question in part.questions.values()],
    }
