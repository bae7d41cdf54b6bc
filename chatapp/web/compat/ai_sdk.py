"""The AI SDK's chat (`useChat`).

A chat's id is its owner's name for a conversation that is stored here: the page sends all that it
holds, and what is new of it is taken. A page that is reloaded follows the answer that is running;
one that stays away for a while stops it.
"""

from flask import Blueprint, Response

from chatapp.dialects.ai_sdk.events import HEADERS, UIMessageDialect
from chatapp.dialects.ai_sdk.request import UIChatRequest
from chatapp.reading.disconnect import OnLeave
from chatapp.service import Answer
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import parse, stops_on_leave
from chatapp.web.endpoint import RUNNING, STREAM, Parameter, endpoint
from chatapp.web.streaming import RUN_HEADER, begin, respond

blueprint = Blueprint("ai_sdk", __name__, url_prefix="/api/ui/chat")

ON_DISCONNECT = Parameter(
    "on_disconnect", {"enum": ["continue", "cancel"]}, "Whether the run continues or is cancelled when the page leaves."
)


@endpoint(blueprint.post(""), request=UIChatRequest, answers={200: (STREAM,)}, errors=RUNNING)
def chat() -> Response:
    """Answer the page's new message, or regenerate an answer."""
    asked = parse(UIChatRequest)
    conversations = current_service().conversations
    newest = conversations.session_answer(current_caller().owner, asked.id)
    begun = begin(asked, asked.ask(newest.id if newest else None))
    visit = conversations.count_visit(begun.answer.id) if begun.found else 0
    return _respond(begun.answer, OnLeave(begun.answer.id, asked.on_disconnect != "continue", visit))


@endpoint(
    blueprint.get("/<path:chat_id>/stream"),
    answers={200: (STREAM,), 204: ()},
    parameters=(ON_DISCONNECT,),
    on_disconnect="cancel",
)
def follow_chat(chat_id: str) -> Response:
    """Follow the answer that is running, from its start; 204 if there is none."""
    conversations = current_service().conversations
    stops = stops_on_leave("cancel")
    newest = conversations.session_answer(current_caller().owner, chat_id)
    if newest is None or not newest.running:
        return Response(status=204)
    visit = conversations.count_visit(newest.id)
    return _respond(newest, OnLeave(newest.id, stops, visit))


def _respond(answer: Answer, on_leave: OnLeave) -> Response:
    headers = {**HEADERS, RUN_HEADER: answer.id}
    return respond(current_service().source(answer), UIMessageDialect(), on_leave, headers)
