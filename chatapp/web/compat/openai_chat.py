"""OpenAI's endpoints: the models, and chat completions. The client runs the tools that it offers, the server those of
`default_tools`, unseen."""

from flask import Blueprint, Response

from chatapp.dialects.openai_chat.events import OpenAIDialect, completion, error_type
from chatapp.dialects.openai_chat.request import CompletionRequest
from chatapp.errors import NotFound
from chatapp.reading.disconnect import OnLeave
from chatapp.web import services
from chatapp.web.asking import Asked, begin_answer
from chatapp.web.bodies import parse
from chatapp.web.streaming import read_of, respond, whole
from chatapp.wire.json_text import json_data

blueprint = Blueprint("openai", __name__)


@blueprint.get("/v1/models")
def list_models() -> Response:
    """Every model of every provider that can be asked now, as `provider/model`."""
    return _json({"object": "list", "data": _models()})


@blueprint.get("/v1/models/<path:model_id>")
def get_model(model_id: str) -> Response:
    for model in _models():
        if model["id"] == model_id:
            return _json(model)
    raise NotFound(f"model: there is none named {model_id!r}")


@blueprint.post("/v1/chat/completions")
def complete() -> Response:
    """Stream or not. The client's leaving stops the run, unless told."""
    asked = parse(CompletionRequest)
    chat = asked.chat()
    begun = begin_answer(Asked(request=asked, chat=chat, provider=asked.provider))
    leaving = OnLeave(begun.id, stops=asked.on_disconnect != "continue")
    tools = [tool.name for tool in chat.tools]
    if not asked.stream:
        return _json(completion(whole(begun, leaving), tools))
    usage = bool(asked.stream_options and asked.stream_options.include_usage)
    return respond(read_of(begun), OpenAIDialect(usage, tools), leaving)


def error_shape(status: int, code: str, message: str) -> tuple[int, object]:
    """As OpenAI says it: `param` is the field that our messages begin with. A wrong field is a 400 there."""
    status = 400 if status == 422 else status
    field, found, _ = message.partition(": ")
    param = field if found and " " not in field and status < 500 else None
    if (status, param) == (404, "model"):
        code = "model_not_found"
    return status, {"error": {"message": message, "type": error_type(status), "param": param, "code": code}}


def _models() -> list[dict[str, object]]:
    return [
        {"id": f"{name}/{model}", "object": "model", "created": 0, "owned_by": name}
        for name, models in services().providers.listings().items()
        for model in models
    ]


def _json(body: object) -> Response:
    return Response(json_data(body), mimetype="application/json")
