"""AG-UI's agents: the front end holds the conversation, and each request is a run over all of
it."""

from flask import Blueprint, Response

from chatapp.dialects.agui.events import AGUIDialect
from chatapp.dialects.agui.request import AGUIRequest
from chatapp.reading.disconnect import OnLeave
from chatapp.web import current_service
from chatapp.web.bodies import parse
from chatapp.web.endpoint import RUNNING, STREAM, endpoint
from chatapp.web.streaming import RUN_HEADER, begin, respond

blueprint = Blueprint("agui", __name__)


@endpoint(blueprint.post("/api/agui"), request=AGUIRequest, answers={200: (STREAM,)}, errors=RUNNING)
def run_agent() -> Response:
    """One run over the conversation that is sent. The client's leaving stops it, unless told
    otherwise."""
    asked = parse(AGUIRequest)
    answer = begin(asked, asked.ask()).answer
    on_leave = OnLeave(answer.id, stops=asked.wishes.on_disconnect != "continue")
    dialect = AGUIDialect(asked.thread_id, asked.run_id)
    return respond(current_service().source(answer), dialect, on_leave, {RUN_HEADER: answer.id})
