"""OpenAI's Responses: begun, streamed, fetched again, resumed and cancelled, over the log of any
run.

Leaving a stream stops the run, unless it was begun with `background`. `store: false` stores no
conversation, so that nothing can follow it by `previous_response_id`.
"""

from typing import Any

from flask import Blueprint, Response, request

from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.dialects.openai_responses.resource import run_id_of
from chatapp.dialects.openai_responses.stored import client_tools, response_of
from chatapp.errors import InvalidField, NotFound
from chatapp.reading.disconnect import OnLeave
from chatapp.reading.sources import Source, follow
from chatapp.service import Answer
from chatapp.transcript import Transcript
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import parse
from chatapp.web.endpoint import CHANGING, JSON, RUNNING, STREAM, Parameter, endpoint
from chatapp.web.stored_items import PAGING, StoredItemFinder, as_json, items_of, page
from chatapp.web.streaming import begin, respond, wait, whole

blueprint = Blueprint("openai_responses", __name__)

DURABLE_S = 5.0  # a run's first event can be read some milliseconds after it began


@endpoint(
    blueprint.post("/v1/responses"),
    request=ResponseRequest,
    answers={200: (JSON, STREAM)},
    errors=RUNNING,
    error_schema="OpenAIError",
)
def create() -> Response:
    """Stream, wait for the whole, or, in the background, answer at once."""
    asked = parse(ResponseRequest)
    ask = asked.ask(StoredItemFinder())
    answer = begin(asked, ask).answer
    stays = asked.background if asked.on_disconnect is None else asked.on_disconnect == "continue"
    on_leave = OnLeave(answer.id, stops=not stays)
    service = current_service()
    if asked.stream:
        return respond(service.source(answer), ResponsesDialect(ask.repeated, client_tools(ask.repeated)), on_leave)
    if asked.background:
        service.source(answer).read(0, DURABLE_S)
        return _object(service.transcript(service.answer(current_caller(), answer.id)), ask.repeated)
    return _object(whole(answer, on_leave), ask.repeated)


@endpoint(
    blueprint.get("/v1/responses/<response_id>"),
    answers={200: (JSON, STREAM), 204: ()},
    parameters=(
        Parameter("stream", {"type": "boolean"}, "Stream the events instead of returning the current state."),
        Parameter("starting_after", {"type": "integer", "minimum": 0}, "The last sequence_number received."),
    ),
    error_schema="OpenAIError",
)
def retrieve(response_id: str) -> Response:
    """As it is now; with `stream=true` its events, those after `starting_after`, and all that
    come."""
    answer = _answer(response_id)
    if request.args.get("stream", "false").lower() in ("true", "1"):
        return _follow(answer, _starting_after())
    return _object(current_service().transcript(answer), answer.repeated)


@endpoint(
    blueprint.delete("/v1/responses/<response_id>"), answers={200: (JSON,)}, errors=CHANGING, error_schema="OpenAIError"
)
def delete(response_id: str) -> Response:
    """Delete it with its input, which stays only in a conversation that the request named; stop it
    if it is running."""
    answer = _answer(response_id)
    current_service().deleting.answer(answer, alone="conversation" in answer.repeated)
    return as_json({"id": response_id, "object": "response", "deleted": True})


@endpoint(
    blueprint.get("/v1/responses/<response_id>/input_items"),
    answers={200: (JSON,)},
    parameters=PAGING,
    error_schema="OpenAIError",
)
def list_input_items(response_id: str) -> Response:
    """What the request said; the messages before it are those of earlier responses."""
    answer = _answer(response_id)
    return page(items_of(current_service().conversations.said_before(answer.owner, answer.id)))


@endpoint(
    blueprint.post("/v1/responses/input_tokens"),
    request=ResponseRequest,
    answers={200: (JSON,)},
    errors=RUNNING,
    error_schema="OpenAIError",
)
def count_input_tokens() -> Response:
    """An estimate, by length, of the input and all that comes before it: no provider is asked."""
    counted = current_service().count_tokens(parse(ResponseRequest).ask(StoredItemFinder()), current_caller())
    return as_json({"object": "response.input_tokens", "input_tokens": counted})


@endpoint(
    blueprint.post("/v1/responses/<response_id>/cancel"),
    answers={200: (JSON,)},
    errors=CHANGING,
    error_schema="OpenAIError",
)
def cancel(response_id: str) -> Response:
    """Stop it and say how it ended; as it is if it had ended."""
    answer = _answer(response_id)
    current_service().cancel(answer)
    return _object(wait(answer, OnLeave(answer.id)), answer.repeated)


def _answer(response_id: str) -> Answer:
    """Also for an id that is none of a response: what else has it is not the client's concern."""
    try:
        return current_service().answer(current_caller(), run_id_of(response_id))
    except NotFound:
        raise NotFound(f"no such response: {response_id}") from None


def _follow(answer: Answer, after: int) -> Response:
    service, tools = current_service(), client_tools(answer.repeated)
    source, on_leave = service.source(answer), OnLeave(answer.id)
    if not service.has_log(answer):
        # What was kept has fewer events, and so other numbers, than the stream had.
        dialect = ResponsesDialect(answer.repeated, tools, after, last_only=after >= 0)
        return respond(source, dialect, on_leave)
    if not answer.running and after >= _last_number(answer, source):
        return Response(status=204)
    return respond(source, ResponsesDialect(answer.repeated, tools, after), on_leave)


def _last_number(answer: Answer, source: Source) -> int:
    """The `sequence_number` of the last event of a run that ended."""
    dialect = ResponsesDialect(answer.repeated, client_tools(answer.repeated))
    for event in (entry.event for entry in follow(source)):
        for _ in dialect.encode(event):
            pass
    return dialect.sequence - 1


def _starting_after() -> int:
    text = request.args.get("starting_after", "-1")
    if not (text == "-1" or (text.isdecimal() and len(text) < 19)):
        raise InvalidField("starting_after: expected a sequence_number, an integer from 0")
    return int(text)


def _object(transcript: Transcript, repeated: dict[str, Any]) -> Response:
    return as_json(response_of(transcript.entries, repeated))
