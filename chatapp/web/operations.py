"""What OpenAPI says of each endpoint beside its path, its parsed type and its docstring: one row each."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from chatapp.dialects.agui.request import AGUIRequest
from chatapp.dialects.ai_sdk.request import UIChatRequest
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.dialects.openai_chat.request import CompletionRequest
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.dialects.requests import (
    AskRequest,
    ChatRequest,
    DecisionRequest,
    MessageRequest,
    ReasoningRequest,
    SessionRequest,
    TitleRequest,
)

Json = dict[str, Any]

JSON, STREAM, TEXT, ANY = "application/json", "text/event-stream", "text/plain", "*/*"

ERRORS: dict[str, Json] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "trace_id"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string", "description": "Safe to show; begins with the field's name."},
                    "trace_id": {"type": "string"},
                },
            }
        },
    },
    "OpenAIError": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                },
            }
        },
    },
    "AnthropicError": {
        "type": "object",
        "required": ["type", "error"],
        "properties": {
            "type": {"const": "error"},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

REASONS = {
    400: "Malformed: not JSON, or a value that does not stand.",
    403: "Asked by a page of another site.",
    404: "Not there, or not yours.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A field is of the wrong type or out of range.",
    429: "The provider asks to wait.",
    502: "The provider failed, or cannot be reached.",
    503: "A store is away, or the server is full.",
    504: "The provider did not answer in time.",
}
TOO_LONG = {414: "The address is too long.", 431: "The headers are too large."}  # said by gunicorn, as a page
READING = (400, 404, 422, 503)
CHANGING = (400, 403, 404, 422, 503)
WITH_BODY = (400, 403, 404, 413, 415, 422, 503)
RUNNING = (400, 403, 404, 413, 415, 422, 429, 502, 503, 504)


class Query(NamedTuple):
    name: str
    schema: Json
    description: str = ""
    place: str = "query"


class Operation(NamedTuple):
    """`answers`: media types by status, none for a status without a body."""

    answers: Mapping[int, tuple[str, ...]]
    errors: tuple[int, ...] = READING
    request: type[msgspec.Struct] | None = None
    query: tuple[Query, ...] = ()
    error_schema: str = "Error"
    summary: str = ""

    def parameters(self) -> Iterator[Json]:
        for name, schema, description, place in self.query:
            yield {"name": name, "in": place, "schema": schema, "description": description}

    def responses(self, method: str) -> dict[int, Json]:
        answers = {status: _answer(types) for status, types in self.answers.items()}
        error = {JSON: {"schema": {"$ref": f"#/components/schemas/{self.error_schema}"}}}
        statuses = [status for status in self.errors if method != "GET" or status not in (413, 415)]
        refusals = {status: {"description": REASONS[status], "content": error} for status in statuses}
        too_long = {status: {"description": text, "content": {"text/html": {}}} for status, text in TOO_LONG.items()}
        return {**answers, **refusals, **too_long}


def _answer(types: tuple[str, ...]) -> Json:
    if not types:
        return {"description": "Nothing to say."}
    described = "A stream of server-sent events." if types == (STREAM,) else "As asked."
    return {"description": described, "content": {type_: {"schema": _schema(type_)} for type_ in types}}


def _schema(type_: str) -> Json:
    """docs/dialects.md describes the events of a stream; OpenAPI 3.1 has no words for them."""
    return {JSON: {"type": "object"}, TEXT: {"type": "string"}}.get(type_, {})


LAST_EVENT_ID = Query("Last-Event-ID", {"type": "string"}, "What came last; what follows it is sent.", "header")
AFTER = Query("after", {"type": "integer", "minimum": 0}, "The same in the query; the header wins.")
DIALECT = Query("dialect", {"type": "string"}, "Any dialect's name; `message` where none is given.")
ON_DISCONNECT = Query("on_disconnect", {"enum": ["continue", "cancel"]}, "What this reader's leaving means to the run.")
FOLLOWING = {200: (STREAM,), 204: ()}

OPERATIONS: dict[str, Operation] = {
    "streams.stream_tokens": Operation(
        FOLLOWING, RUNNING, ChatRequest, summary="The text, token by token, in one request."
    ),
    "streams.stream_session": Operation(FOLLOWING, RUNNING, SessionRequest),
    "streams.stream_reasoning": Operation(
        {200: (STREAM, JSON, TEXT), 204: ()}, RUNNING, ReasoningRequest, summary="Thinking, tools and the answer."
    ),
    "streams.stream_deltas": Operation(FOLLOWING, RUNNING, AskRequest, summary="Pieces, then the whole answer."),
    "chat.post_message": Operation({202: (JSON,)}, RUNNING, MessageRequest),
    "chat.get_message": Operation({200: (JSON,)}),
    "chat.follow_message": Operation(FOLLOWING, query=(LAST_EVENT_ID, AFTER, DIALECT, ON_DISCONNECT)),
    "chat.cancel_message": Operation({200: (JSON,), 202: (JSON,)}, CHANGING),
    "raw.stream_raw": Operation({200: (ANY,), 204: ()}),
    "tools.list_tools": Operation({200: (JSON,)}),
    "tools.list_agents": Operation({200: (JSON,)}),
    "tools.decide": Operation({200: (JSON,)}, WITH_BODY, DecisionRequest),
    "conversations.list_conversations": Operation({200: (JSON,)}, summary="Yours, the last used first."),
    "conversations.get_conversation": Operation({200: (JSON,)}, summary="With the messages that it shows."),
    "conversations.rename_conversation": Operation({200: (JSON,)}, WITH_BODY, TitleRequest, summary="Rename it."),
    "conversations.delete_conversation": Operation({204: ()}, CHANGING),
    "conversations.list_providers": Operation({200: (JSON,)}, summary="Who can answer now, and with which models."),
    "openai.list_models": Operation({200: (JSON,)}, error_schema="OpenAIError"),
    "openai.get_model": Operation({200: (JSON,)}, error_schema="OpenAIError", summary="One model."),
    "openai.complete": Operation({200: (JSON, STREAM)}, RUNNING, CompletionRequest, error_schema="OpenAIError"),
    "responses.create": Operation({200: (JSON, STREAM)}, RUNNING, ResponseRequest, error_schema="OpenAIError"),
    "responses.retrieve": Operation(
        {200: (JSON, STREAM), 204: ()},
        query=(
            Query("stream", {"type": "boolean"}, "Its events rather than what it is now."),
            Query("starting_after", {"type": "integer", "minimum": 0}, "The sequence_number that came last."),
        ),
        error_schema="OpenAIError",
    ),
    "responses.cancel": Operation({200: (JSON,)}, CHANGING, error_schema="OpenAIError"),
    "anthropic.create": Operation({200: (JSON, STREAM)}, RUNNING, MessagesRequest, error_schema="AnthropicError"),
    "anthropic.count_tokens": Operation({200: (JSON,)}, RUNNING, MessagesRequest, error_schema="AnthropicError"),
    "ui.chat": Operation({200: (STREAM,)}, RUNNING, UIChatRequest),
    "ui.follow_chat": Operation(FOLLOWING, query=(ON_DISCONNECT,)),
    "ui.run_agent": Operation({200: (STREAM,)}, RUNNING, AGUIRequest),
    "ops.healthz": Operation({200: (JSON,)}, ()),
    "ops.readyz": Operation({200: (JSON,), 503: (JSON,)}, ()),
    "ops.sse_probe": Operation(
        {200: (STREAM,)},
        query=(
            Query("count", {"type": "integer", "minimum": 1, "maximum": 600}, "How many ticks; 5."),
            Query("interval", {"type": "number", "minimum": 0.05, "maximum": 60}, "Seconds between two; 1."),
        ),
    ),
    "openapi.openapi_json": Operation({200: (JSON,)}, ()),
}
"""By Flask's endpoint. A test holds this against the rules: no endpoint but pages may be missing."""
