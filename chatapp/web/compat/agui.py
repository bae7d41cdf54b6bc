"""AG-UI's agents: the front end holds the conversation, and each request is a run over all of
it.

A front end that lost its connection, or was opened anew, finds a run again by its own names for the
thread and the run, and can stop it by them.
"""

from flask import Blueprint, Response, jsonify

from chatapp.dialects.agui.events import AGUIDialect
from chatapp.dialects.agui.request import AGUIRequest, AGUIRunName, run_key
from chatapp.errors import NotFound
from chatapp.ids import new_id
from chatapp.reading.disconnect import OnLeave
from chatapp.service import Answer
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import parse
from chatapp.web.endpoint import JSON, RUNNING, STREAM, WITH_BODY, endpoint
from chatapp.web.streaming import HEADERS, RUN_HEADER, begin, respond

blueprint = Blueprint("agui", __name__, url_prefix="/api/agui")


@endpoint(blueprint.post(""), request=AGUIRequest, answers={200: (STREAM,)}, errors=RUNNING)
def run_agent() -> Response:
    """One run over the conversation that is sent. The client's leaving stops it, unless told
    otherwise."""
    asked = parse(AGUIRequest)
    # Some clients call every run `1`: a key of its own for each, so that each is begun.
    name = run_key(asked.thread_id, asked.run_id) + new_id("run")
    answer = begin(asked, asked.ask(), name).answer
    return _respond(answer, OnLeave(answer.id, stops=asked.wishes.on_disconnect != "continue"))


@endpoint(blueprint.post("/connect"), request=AGUIRunName, answers={200: (STREAM,)}, errors=RUNNING)
def connect() -> Response:
    """All of a run, from its start, whether it is running or has ended; no events if the thread has
    no run. Leaving stops nothing."""
    answer = _named(parse(AGUIRunName))
    if answer is None:  # the client's package takes no 204
        return Response(headers=HEADERS)
    return _respond(answer, OnLeave(answer.id))


@endpoint(blueprint.post("/cancel"), request=AGUIRunName, answers={200: (JSON,), 202: (JSON,)}, errors=WITH_BODY)
def cancel() -> tuple[Response, int]:
    """Ask for a run to be stopped; its `RUN_FINISHED` tells when it was. 200 if it has ended
    already."""
    answer = _named(parse(AGUIRunName))
    if answer is None:
        raise NotFound("threadId: this thread has no run")
    stopping = current_service().cancel(answer)
    return jsonify(**answer.repeated, status="stopping" if stopping else "done"), 202 if stopping else 200


def _named(name: AGUIRunName) -> Answer | None:
    """The newest run with this name, else of this thread."""
    find, owner = current_service().conversations.newest_begun, current_caller().owner
    found = find(owner, run_key(name.thread_id, name.run_id)) if name.run_id else None
    return found or find(owner, run_key(name.thread_id))


def _respond(answer: Answer, on_leave: OnLeave) -> Response:
    names = answer.repeated
    dialect = AGUIDialect(str(names.get("threadId", "")), str(names.get("runId", "")))
    return respond(current_service().source(answer), dialect, on_leave, {RUN_HEADER: answer.id})
