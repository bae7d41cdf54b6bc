"""Several answers in one stream: for a browser, all of whose tabs share six connections."""

from collections.abc import Iterable

from flask import Blueprint, Response, request

from chatapp.dialects import Dialect
from chatapp.dialects.named import NamedDialect
from chatapp.errors import InvalidField
from chatapp.reading.disconnect import OnLeave
from chatapp.reading.merged import cursor, open_merged
from chatapp.reading.pace import Spread
from chatapp.reading.reader import AlreadyComplete
from chatapp.reading.sources import Source
from chatapp.service import Answer
from chatapp.web import current_caller, current_service
from chatapp.web.addresses import addressed_source
from chatapp.web.endpoint import STREAM, Parameter, endpoint
from chatapp.web.streaming import NO_HEADERS, check_place, is_live, mode_name, streamed

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
    check_place()
    service = current_service()
    answers = {answer.id: answer for answer in service.branches.answers(current_caller().owner, _named())}
    after = _positions(answers)
    sources = {id: _source(answer, late=id in after) for id, answer in answers.items()}
    try:
        reader = open_merged(sources, lambda id: _dialect(answers[id]), after)
    except AlreadyComplete:
        return Response(status=204)
    service.readers.add(reader)
    return streamed(reader, [OnLeave(id) for id in answers], NO_HEADERS, resumed=bool(after))


def _named() -> list[str]:
    """The ids in the query, each once."""
    ids = list(dict.fromkeys(request.args.getlist("message")))
    limit = current_service().settings.max_merged
    if not ids:
        raise InvalidField("message: expected the id of an answer; repeat message=ID to follow several")
    if len(ids) > limit:
        raise InvalidField(f"message: {len(ids)} are too many; the limit is {limit} (setting max_merged)")
    return ids


def _positions(answers: Iterable[str]) -> dict[str, int]:
    """The seqs that the client has, by run; -1 of each if the header is no id of ours."""
    try:
        after = cursor(request.args.get("after", ""))
    except ValueError as error:
        raise InvalidField(f"after: expected the id of an event, SEQ@MESSAGE,…; {error}") from None
    try:
        return {**after, **cursor(request.headers.get("Last-Event-ID", ""))}
    except ValueError:
        return dict.fromkeys(answers, -1)


def _source(answer: Answer, late: bool) -> Source:
    """At the pace of people, if they follow it from its start."""
    service = current_service()
    source = addressed_source(service.source(answer), answer.id)
    return source if late or not is_live(answer) else Spread(source, service.settings.pace_s)


def _dialect(answer: Answer) -> Dialect:
    return NamedDialect(current_service().dialects[mode_name(answer)](), answer.id)
