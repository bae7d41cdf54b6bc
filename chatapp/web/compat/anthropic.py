"""Anthropic's endpoints: messages, and counting their tokens. The client runs the tools that it offers.

A key may come as `x-api-key` or as a bearer token; without login neither is looked at.
"""

from flask import Blueprint, Response

from chatapp.chat import Chat, Message
from chatapp.dialects.anthropic.events import AnthropicDialect, error_type, message
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.providers.usage import estimate_usage
from chatapp.reading.disconnect import OnLeave
from chatapp.web import services, trace_id
from chatapp.web.asking import Asked, begin_answer
from chatapp.web.bodies import parse
from chatapp.web.streaming import read_of, respond, whole
from chatapp.wire.json_text import json_data

blueprint = Blueprint("anthropic", __name__)


@blueprint.post("/v1/messages")
def create() -> Response:
    """Stream or not. The client's leaving stops the run, unless told."""
    asked = parse(MessagesRequest)
    chat = asked.chat()
    thread = asked.thread is not None
    begun = begin_answer(
        Asked(
            request=asked,
            chat=chat,
            provider=asked.provider,
            keep=thread,
            previous=asked.previous(),
            instructions=asked.system_messages() if thread else [],
        )
    )
    leaving = OnLeave(begun.id, stops=asked.on_disconnect != "continue")
    tools = [tool.name for tool in chat.tools]
    if not asked.stream:
        return _json(message(whole(begun, leaving), tools))
    return respond(read_of(begun), AnthropicDialect(tools, estimated_tokens(chat)), leaving)


@blueprint.post("/v1/messages/count_tokens")
def count_tokens() -> Response:
    """An estimate, by length: no provider is asked."""
    asked = parse(MessagesRequest)
    chat = asked.chat()
    services().providers.resolve(asked.provider, chat.model or None)
    return _json({"input_tokens": estimated_tokens(chat)})


@blueprint.after_request
def name_request(response: Response) -> Response:
    """By which Anthropic's SDK shows it."""
    response.headers["request-id"] = trace_id()
    return response


def estimated_tokens(chat: Chat) -> int:
    """Of the texts, the calls and the tools; images are not counted."""
    calls = [call.arguments for asked in chat.messages for call in asked.tool_calls]
    rest = [Message("system", json_data(value)) for value in (*chat.tools, *calls)]
    return estimate_usage([*chat.messages, *rest], "", "").prompt


def error_shape(status: int, code: str, message: str) -> tuple[int, object]:
    """As Anthropic says it. A wrong field is a 400 there."""
    status = 400 if status == 422 else status
    error = {"type": error_type(status), "message": message}
    return status, {"type": "error", "error": error, "request_id": trace_id()}


def _json(body: object) -> Response:
    return Response(json_data(body), mimetype="application/json")
