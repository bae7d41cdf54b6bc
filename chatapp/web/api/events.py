"""Several answers in one stream: for a browser, all of whose tabs share six connections."""

from flask import Blueprint, Response, request

from chatapp.errors import InvalidField
from chatapp.web import current_caller, current_service
from chatapp.web.endpoint import STREAM, Parameter, endpoint
from chatapp.web.streaming import respond_merged

blueprint = Blueprint("events", __name__)

FOLLOWING = (
    Parameter(
        "message", {"type": "array", "items": {"type": "string"}}, "An answer's id; repeat it to follow several."
    ),
    Parameter("Last-Event-ID", {"type": "string"}, "The last id received: `SEQ@MESSAGE,…`.", "header"),
    Parameter("after", {"type": "string"}, "Like Last-Event-ID, in the query; the header wins for what it names."),
)


@endpoint(blueprint.get("/api/v1/events"), answers={200: (STREAM,), 204: ()}, parameters=FOLLOWING)
def follow_messages() -> Response:
    """Follow several answers, live or finished, in one stream of the dialect `message`; each event
    also has its `message_id`. To follow more of them, connect again, with what you have in
    `after`."""
    return respond_merged(current_service().conversations.answers(current_caller().owner, _named()))


def _named() -> list[str]:
    """The ids in the query, each once."""
    ids = list(dict.fromkeys(request.args.getlist("message")))
    limit = current_service().settings.max_merged
    if not ids:
        raise InvalidField("message: expected the id of an answer; repeat message=ID to follow several")
    if len(ids) > limit:
        raise InvalidField(f"message: {len(ids)} are too many; the limit is {limit} (setting max_merged)")
    return ids
