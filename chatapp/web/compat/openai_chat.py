"""OpenAI's endpoints: the models, and chat completions. The client runs the tools that it sends;
the server those of `default_tools`, unseen."""

import re

from flask import Blueprint, Response, request

from chatapp.dialects.openai_chat.events import OpenAIDialect, completion, error_type
from chatapp.dialects.openai_chat.request import CompletionRequest
from chatapp.errors import BudgetExceeded, LimitExceeded, NotFound, RequestRefused, TokenLimitExceeded
from chatapp.reading.disconnect import OnLeave
from chatapp.web import current_service
from chatapp.web.bodies import parse
from chatapp.web.endpoint import JSON, RUNNING, STREAM, endpoint
from chatapp.web.streaming import begin, respond, whole
from chatapp.wire.json_text import json_data

blueprint = Blueprint("openai_chat", __name__)

ANTHROPIC = "anthropic-version"  # a header of all its clients; they list models at the same address

_refused_field = re.compile(r": the field (\S+)")

LIMITS = {
    LimitExceeded.code: ("requests", "rate_limit_exceeded"),
    TokenLimitExceeded.code: ("tokens", "rate_limit_exceeded"),
    BudgetExceeded.code: ("insufficient_quota", "insufficient_quota"),
}
"""OpenAI's type and code for the limits of an owner, by our code."""


@endpoint(blueprint.get("/v1/models"), answers={200: (JSON,)}, error_schema="OpenAIError")
def list_models() -> Response:
    """Every model of every provider that can be asked now, as `provider/model`. A client that sends
    `anthropic-version` gets Anthropic's fields as well."""
    models = _models()
    listed: dict[str, object] = {"object": "list", "data": models}
    if _of_anthropic():
        ids = [model["id"] for model in models] or [None]
        listed |= {"first_id": ids[0], "last_id": ids[-1], "has_more": False}
    return _json(listed)


@endpoint(
    blueprint.get("/v1/models/<path:model_id>"),
    answers={200: (JSON,)},
    error_schema="OpenAIError",
    summary="One model.",
)
def get_model(model_id: str) -> Response:
    for model in _models():
        if model["id"] in (model_id, f"{model_id}:latest"):  # Ollama's default tag
            return _json(model)
    raise NotFound(f"model: unknown model {model_id!r}; GET /v1/models lists the available ones")


@endpoint(
    blueprint.post("/v1/chat/completions"),
    request=CompletionRequest,
    answers={200: (JSON, STREAM)},
    errors=RUNNING,
    error_schema="OpenAIError",
)
def complete() -> Response:
    """Stream or not. The client's leaving stops the run, unless told otherwise."""
    asked = parse(CompletionRequest)
    ask = asked.ask()
    answer = begin(asked, ask).answer
    on_leave = OnLeave(answer.id, stops=asked.on_disconnect != "continue")
    tools = [tool.name for tool in ask.options.tools]
    if not asked.stream:
        return _json(completion(whole(answer, on_leave), tools, asked.model))
    usage = bool(asked.stream_options and asked.stream_options.include_usage)
    return respond(current_service().source(answer), OpenAIDialect(usage, tools, asked.model), on_leave)


def error_shape(status: int, code: str, message: str) -> tuple[int, object]:
    """As OpenAI says it: `param` is the field that our messages begin with. A wrong field is a 400
    there."""
    status = 400 if status == 422 else status
    field, found, _ = message.partition(": ")
    param = field if found and " " not in field and status < 500 else None
    if code == RequestRefused.code and (refused := _refused_field.search(message)):
        param = refused[1]
    if (status, param) == (404, "model"):
        code = "model_not_found"
    if status == 401:
        code = "invalid_api_key"
    type_, code = LIMITS.get(code, (error_type(status), code))
    return status, {"error": {"message": message, "type": type_, "param": param, "code": code}}


def _models() -> list[dict[str, object]]:
    return [_model(name, model) for name, models in current_service().providers.listings().items() for model in models]


def _model(provider: str, model: str) -> dict[str, object]:
    """When it was made is not known here."""
    about = {"type": "model", "display_name": model, "created_at": "1970-01-01T00:00:00Z"} if _of_anthropic() else {}
    return {"id": f"{provider}/{model}", "object": "model", "created": 0, "owned_by": provider, **about}


def _of_anthropic() -> bool:
    return ANTHROPIC in request.headers


def _json(body: object) -> Response:
    return Response(json_data(body), mimetype="application/json")
