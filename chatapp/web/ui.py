"""The front ends of others: the AI SDK's chat (`useChat`), and AG-UI's agents.

A chat's id is its owner's name of a conversation, which is kept here: the page sends all that it holds, and what is new
of it is taken. A page that is reloaded follows the answer that is being made; one that stays away for a while stops it.
"""

from functools import partial

from flask import Blueprint, Response, request

from chatapp.dialects.agui import AGUIDialect
from chatapp.dialects.ui_message import HEADERS, UIMessageDialect
from chatapp.web import current_owner, services
from chatapp.web.agui_requests import AGUIRequest
from chatapp.web.answers import begin_answer, respond
from chatapp.web.bodies import parse
from chatapp.web.messages import log_of
from chatapp.web.openai import read
from chatapp.web.streams import RUN_HEADER, stop_unless_back
from chatapp.web.ui_requests import UIChatRequest

blueprint = Blueprint("ui", __name__)


@blueprint.post("/api/ui/chat")
def chat() -> Response:
    """Answer the page's new message, or make an answer anew."""
    asked = parse(UIChatRequest)
    newest = services().conversations.session_answer(current_owner(), asked.id)
    begun = begin_answer(
        asked.chat(newest is not None),
        asked.provider,
        retry_of=asked.answer_to_redo(newest.id) if newest else None,
        tools=asked.tool_names(),
        agent=asked.agent,
    )
    on_left = None if asked.on_disconnect == "continue" else partial(stop_unless_back, services(), begun.id, 0)
    return respond(read(begun), UIMessageDialect(), on_left, {**HEADERS, RUN_HEADER: begun.id})


@blueprint.get("/api/ui/chat/<path:chat_id>/stream")
def follow_chat(chat_id: str) -> Response:
    """The answer that is being made, from its start; 204 where there is none."""
    newest = services().conversations.session_answer(current_owner(), chat_id)
    if newest is None or newest.status == "done":
        return Response(status=204)
    turn = services().conversations.come_back(newest.id)
    stays = request.args.get("on_disconnect") == "continue"
    on_left = None if stays else partial(stop_unless_back, services(), newest.id, turn)
    return respond(log_of(newest), UIMessageDialect(), on_left, {**HEADERS, RUN_HEADER: newest.id})


@blueprint.post("/api/agui")
def run_agent() -> Response:
    """One run over the conversation that is sent. The client's leaving stops it, unless told."""
    asked = parse(AGUIRequest)
    wishes = asked.wishes
    begun = begin_answer(asked.chat(), wishes.provider, tools=wishes.tool_names(), agent=wishes.agent)
    on_left = None if wishes.on_disconnect == "continue" else partial(services().runs.cancel, begun.id)
    return respond(read(begun), AGUIDialect(asked.thread_id, asked.run_id), on_left, {RUN_HEADER: begun.id})
