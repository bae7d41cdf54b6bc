"""The front ends of others: the AI SDK's chat (`useChat`), and AG-UI's agents.

A chat's id is its owner's name of a conversation, which is kept here: the page sends all that it holds, and what is new
of it is taken. A page that is reloaded follows the answer that is being made; one that stays away for a while stops it.
"""

from flask import Blueprint, Response, request

from chatapp.dialects.agui.events import AGUIDialect
from chatapp.dialects.agui.request import AGUIRequest
from chatapp.dialects.ai_sdk.events import HEADERS, UIMessageDialect
from chatapp.dialects.ai_sdk.request import UIChatRequest
from chatapp.reading.disconnect import OnLeave
from chatapp.web import current_owner, services
from chatapp.web.asking import Asked, begin_answer
from chatapp.web.bodies import parse
from chatapp.web.heads import streams
from chatapp.web.message_json import log_of
from chatapp.web.streaming import RUN_HEADER, read_of, respond

blueprint = Blueprint("ui", __name__)


@blueprint.post("/api/ui/chat")
def chat() -> Response:
    """Answer the page's new message, or make an answer anew."""
    asked = parse(UIChatRequest)
    newest = services().conversations.session_answer(current_owner(), asked.id)
    begun = begin_answer(
        Asked(
            request=asked,
            chat=asked.chat(newest is not None),
            provider=asked.provider,
            retry_of=asked.answer_to_redo(newest.id) if newest else None,
            tools=asked.tool_names(),
            agent=asked.agent,
        )
    )
    turn = services().conversations.come_back(begun.id) if begun.found else 0
    leaving = OnLeave(begun.id, asked.on_disconnect != "continue", turn)
    return respond(read_of(begun), UIMessageDialect(), leaving, {**HEADERS, RUN_HEADER: begun.id})


@blueprint.get("/api/ui/chat/<path:chat_id>/stream")
@streams
def follow_chat(chat_id: str) -> Response:
    """The answer that is being made, from its start; 204 where there is none."""
    newest = services().conversations.session_answer(current_owner(), chat_id)
    if newest is None or newest.status == "done":
        return Response(status=204)
    turn = services().conversations.come_back(newest.id)
    leaving = OnLeave(newest.id, request.args.get("on_disconnect") != "continue", turn)
    return respond(log_of(newest), UIMessageDialect(), leaving, {**HEADERS, RUN_HEADER: newest.id})


@blueprint.post("/api/agui")
def run_agent() -> Response:
    """One run over the conversation that is sent. The client's leaving stops it, unless told."""
    asked = parse(AGUIRequest)
    wishes = asked.wishes
    begun = begin_answer(
        Asked(
            request=asked,
            chat=asked.chat(),
            provider=wishes.provider,
            tools=wishes.tool_names(),
            agent=wishes.agent,
        )
    )
    leaving = OnLeave(begun.id, stops=wishes.on_disconnect != "continue")
    return respond(read_of(begun), AGUIDialect(asked.thread_id, asked.run_id), leaving, {RUN_HEADER: begun.id})
