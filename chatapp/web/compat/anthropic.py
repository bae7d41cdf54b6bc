"""Anthropic's endpoints: messages, and counting their tokens. The client runs the tools that it
sends."""

from flask import Blueprint, Response

from chatapp.dialects.anthropic.events import AnthropicDialect, error_type, message, told
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.reading.disconnect import OnLeave
from chatapp.service import estimated_tokens
from chatapp.web import current_caller, current_service, trace_id
from chatapp.web.bodies import parse
from chatapp.web.endpoint import JSON, RUNNING, STREAM, endpoint
from chatapp.web.streaming import begin, respond, whole
from chatapp.wire.json_text import json_data

blueprint = Blueprint("anthropic", __name__)


@endpoint(
    blueprint.post("/v1/messages"),
    request=MessagesRequest,
    answers={200: (JSON, STREAM)},
    errors=RUNNING,
    error_schema="AnthropicError",
)
def create() -> Response:
    """Stream or not. The client's leaving stops the run, unless told otherwise."""
    asked = parse(MessagesRequest)
    ask = asked.ask()
    answer = begin(asked, ask).answer
    on_leave = OnLeave(answer.id, stops=asked.on_disconnect != "continue")
    tools = [tool.name for tool in ask.options.tools]
    if not asked.stream:
        return _json(message(whole(answer, on_leave), tools, asked.model))
    dialect = AnthropicDialect(tools, estimated_tokens(ask), asked.model)
    return respond(current_service().source(answer), dialect, on_leave)


@endpoint(
    blueprint.post("/v1/messages/count_tokens"),
    request=MessagesRequest,
    answers={200: (JSON,)},
    errors=RUNNING,
    error_schema="AnthropicError",
)
def count_tokens() -> Response:
    """An estimate, by length: no provider is asked."""
    return _json({"input_tokens": current_service().count_tokens(parse(MessagesRequest).ask(), current_caller())})


@blueprint.after_request
def name_request(response: Response) -> Response:
    """Anthropic's SDK shows this id."""
    response.headers["request-id"] = trace_id()
    return response


def error_shape(status: int, code: str, message: str) -> tuple[int, object]:
    """As Anthropic says it. A wrong field is a 400 there."""
    status = 400 if status == 422 else status
    error = {"type": error_type(status), "message": told(code, message)}
    return status, {"type": "error", "error": error, "request_id": trace_id()}


def _json(body: object) -> Response:
    return Response(json_data(body), mimetype="application/json")
