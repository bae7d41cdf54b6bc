"""Messages and conversations as clients see them. What is there of an answer that is still running
comes from its log."""

from collections.abc import Sequence
from typing import Any

import msgspec

from chatapp.dialects import question_data
from chatapp.dialects.media import file_data, source_data
from chatapp.errors import LogError
from chatapp.events import PlanStep, StreamEvent, ToolApproval, ToolCall, ToolQuestion, ToolResult
from chatapp.service import Answer, StoredMessage
from chatapp.transcript import Transcript
from chatapp.web import current_caller, current_service

EVENTS_URL = "/api/v1/messages/{id}/events"


def conversation_json(conversation_id: str) -> dict[str, object]:
    """The conversation with the messages it shows."""
    conversation, messages = current_service().conversations.get(current_caller().owner, conversation_id)
    return {**msgspec.to_builtins(conversation), "messages": [message_json(message) for message in messages]}


def message_json(message: StoredMessage) -> dict[str, Any]:
    answer = message if isinstance(message, Answer) else None
    transcript = _readable(answer) if answer else Transcript()
    end = transcript.end
    return {
        "id": message.id,
        "conversation_id": message.conversation_id,
        "role": message.role,
        "status": "done" if end or not answer else "running",
        "content": transcript.content if answer else message.content,
        "reasoning": transcript.reasoning,
        "reasoning_ms": end and end.reasoning_ms,
        "steps": steps_json(transcript),
        "tools": tools_json(transcript),
        "sources": [source_data(source) for source in transcript.sources],
        "files": [file_data(message.id, file) for file in transcript.files],
        "provider": answer and answer.provider,
        "model": answer and answer.model,
        "result_mode": answer and answer.result_mode,
        "finish_reason": end and end.reason,
        "usage": end and msgspec.to_builtins(end.usage),
        "timing": end and msgspec.to_builtins(end.timing),
        "error": end and msgspec.to_builtins(end.error),
        "events_url": EVENTS_URL.format(id=message.id) if answer else None,
        "created": message.created,
    }


def _readable(answer: Answer) -> Transcript:
    """An answer that cannot be read now must not keep its conversation from being shown."""
    try:
        return current_service().described(answer)
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
    events = [entry.event for entry in transcript.entries]
    questions = open_questions(events)
    approvals = {event.tool_call_id: event for event in events if isinstance(event, ToolApproval)}
    results = {event.tool_call_id: event for event in events if isinstance(event, ToolResult)}
    return [
        {
            **_tool(call, approvals.get(call.id), results.get(call.id), ended=transcript.end is not None),
            "questions": [] if transcript.end else [question_data(each) for each in questions.get(call.id, ())],
        }
        for call in events
        if isinstance(call, ToolCall)
    ]


def open_questions(events: Sequence[StreamEvent]) -> dict[str, list[ToolQuestion]]:
    """What calls ask their owner and nobody has answered, by the ids of the calls."""
    asked: dict[str, ToolQuestion] = {}
    for event in events:
        if isinstance(event, ToolQuestion) and event.state == "asked":
            asked[event.id] = event
        elif isinstance(event, ToolQuestion):
            asked.pop(event.id, None)
    found: dict[str, list[ToolQuestion]] = {}
    for question in asked.values():
        found.setdefault(question.tool_call_id, []).append(question)
    return found


def _tool(call: ToolCall, approval: ToolApproval | None, outcome: ToolResult | None, ended: bool) -> dict[str, object]:
    """An approval that was still asked for when the run ended has expired."""
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
    }
