"""OpenAI's Responses: begun, streamed, fetched again, resumed and cancelled, over the log of any run.

Leaving a stream stops the run, unless it was begun with `background`. `store: false` keeps no conversation, so that
nothing can follow it by `previous_response_id`.
"""

from typing import Any

from flask import Blueprint, Response, request

from chatapp.chat import Message
from chatapp.dialects.openai_responses.events import ResponsesDialect, run_id_of
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.errors import InvalidField
from chatapp.reading.disconnect import OnLeave
from chatapp.storage.tables import MessageRow
from chatapp.transcript import Transcript
from chatapp.web import services
from chatapp.web.asking import Asked, begin_answer
from chatapp.web.bodies import parse
from chatapp.web.heads import streams
from chatapp.web.message_json import log_of, owned_answer, transcript
from chatapp.web.streaming import read_of, respond, whole, whole_answer
from chatapp.wire.json_text import json_data

blueprint = Blueprint("responses", __name__)

DURABLE_S = 5.0  # a run's first event can be read some milliseconds after it began


@blueprint.post("/v1/responses")
def create() -> Response:
    """Stream, wait for the whole, or, in the background, answer at once."""
    asked = parse(ResponseRequest)
    repeated = asked.repeated()
    begun = begin_answer(
        Asked(
            request=asked,
            chat=asked.chat(),
            provider=asked.provider,
            keep=asked.store is not False,
            previous=run_id_of(asked.previous_response_id) if asked.previous_response_id else None,
            instructions=[Message("system", asked.instructions)] if asked.instructions else [],
            repeated=repeated,
        )
    )
    stays = asked.background if asked.on_disconnect is None else asked.on_disconnect == "continue"
    leaving = OnLeave(begun.id, stops=not stays)
    if asked.stream:
        return respond(read_of(begun), ResponsesDialect(repeated, _tools(repeated)), leaving)
    if asked.background:
        read_of(begun)(0, DURABLE_S)
        return _object(transcript(owned_answer(begun.id)), repeated)
    return _object(whole(begun, leaving), repeated)


@blueprint.get("/v1/responses/<response_id>")
@streams
def retrieve(response_id: str) -> Response:
    """As it is now; with `stream=true` its events, those after `starting_after`, and all that come."""
    answer = owned_answer(run_id_of(response_id))
    if request.args.get("stream", "false").lower() in ("true", "1"):
        return _follow(answer, _starting_after())
    return _object(transcript(answer), answer.asked_json())


@blueprint.post("/v1/responses/<response_id>/cancel")
def cancel(response_id: str) -> Response:
    """Stop it and say how it ended; as it is where it had ended."""
    answer = owned_answer(run_id_of(response_id))
    said = transcript(answer)
    if said.end is None:
        services().runs.cancel(answer.id)
        said = whole_answer(OnLeave(answer.id))
    return _object(said, answer.asked_json())


def _follow(answer: MessageRow, after: int) -> Response:
    asked, leaving = answer.asked_json(), OnLeave(answer.id)
    if not services().log.exists(answer.id):
        # What is kept has fewer events, and so other numbers, than the stream had.
        dialect = ResponsesDialect(asked, _tools(asked), after, last_only=after >= 0)
        return respond(log_of(answer), dialect, leaving)
    if answer.status == "done" and after >= _last_number(answer):
        return Response(status=204)
    return respond(log_of(answer), ResponsesDialect(asked, _tools(asked), after), leaving)


def _last_number(answer: MessageRow) -> int:
    """The `sequence_number` of the last event of a run that ended."""
    asked = answer.asked_json()
    dialect, seq = ResponsesDialect(asked, _tools(asked)), 0
    while entries := services().log.read(answer.id, seq):
        for seq, event in entries:
            for _ in dialect.encode(event):
                pass
    return dialect.sequence - 1


def _starting_after() -> int:
    text = request.args.get("starting_after", "-1")
    if not (text == "-1" or (text.isdecimal() and len(text) < 19)):
        raise InvalidField("starting_after: expected a sequence number")
    return int(text)


def _object(said: Transcript, asked: dict[str, Any]) -> Response:
    dialect = ResponsesDialect(asked, _tools(asked))
    for _, event in said.entries:
        for _ in dialect.encode(event):
            pass
    return Response(json_data(dialect.whole()), mimetype="application/json")


def _tools(asked: dict[str, Any]) -> list[str] | None:
    """The names of the client's tools. None for a run that was begun another way: all its calls are shown."""
    return [tool["name"] for tool in asked.get("tools", ())] if asked else None
