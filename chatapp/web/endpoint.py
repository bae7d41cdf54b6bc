"""`@endpoint`: what OpenAPI says of a view beside its path, its request type and its docstring; and
what the guards need to know of it.

    @endpoint(blueprint.post("/v1/things"), request=ThingRequest, answers={201: (JSON,)})
    def create() -> Response: ...
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeVar

import msgspec

Json = dict[str, Any]
View = TypeVar("View", bound=Callable[..., Any])

JSON, STREAM, TEXT, ANY, CSV = "application/json", "text/event-stream", "text/plain", "*/*", "text/csv"
HTML = "text/html"
FILE = "application/octet-stream"  # whole, under this type or a more exact one

ERRORS: dict[str, Json] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "trace_id"],
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string", "description": "Safe to show; begins with the field's name."},
                    "trace_id": {"type": "string"},
                },
            }
        },
    },
    "OpenAIError": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "param", "code"],
                "properties": {
                    "message": {"type": "string"},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"]},
                    "code": {"type": ["string", "null"]},
                },
            }
        },
    },
    "AnthropicError": {
        "type": "object",
        "required": ["type", "error"],
        "properties": {
            "type": {"const": "error"},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

REASONS = {
    400: "Malformed: invalid JSON, or an invalid value.",
    401: "No login, or one that has ended.",
    403: "Sent by a page of another site, or only for others.",
    404: "Not found, or not yours.",
    408: "The body did not come in time.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A field has the wrong type or is out of range.",
    429: "A limit of the caller, or of the provider, was reached.",
    502: "The provider failed, or cannot be reached.",
    503: "A store is not available, or the server is overloaded.",
    504: "The provider did not answer in time.",
}
TOO_LONG = {414: "The address is too long.", 431: "The headers are too large."}  # gunicorn's own, as a page
READING = (400, 401, 404, 422, 503)
CHANGING = (400, 401, 403, 404, 422, 503)
WITH_BODY = (400, 401, 403, 404, 408, 413, 415, 422, 503)
RUNNING = (400, 401, 403, 404, 408, 413, 415, 422, 429, 502, 503, 504)


class Parameter(NamedTuple):
    name: str
    schema: Json
    description: str = ""
    place: str = "query"


class Endpoint(NamedTuple):
    """`answers` has media types by status; a status without any has no body. `begins_run`: its GET,
    too, changes something, because EventSource knows no other method. `admin`: only for admins.
    `on_disconnect`: what its reader's leaving does to the run if the query does not say."""

    answers: Mapping[int, tuple[str, ...]]
    errors: tuple[int, ...]
    request: type[msgspec.Struct] | None
    parameters: tuple[Parameter, ...]
    error_schema: str
    summary: str
    begins_run: bool
    admin: bool = False
    on_disconnect: str = "continue"

    def acts(self, query: Mapping[str, str]) -> bool:
        """Whether a GET with this query begins a run, or stops one when its reader leaves."""
        return self.begins_run or query.get("on_disconnect", self.on_disconnect) != "continue"

    @property
    def streams(self) -> bool:
        """Whether its answer is, or may be, a stream."""
        return not {STREAM, ANY}.isdisjoint(self.answers.get(200, ()))

    def described_parameters(self) -> Iterator[Json]:
        for name, schema, description, place in self.parameters:
            yield {"name": name, "in": place, "schema": schema, "description": description}

    def responses(self, method: str) -> dict[int, Json]:
        answers = {status: _answer(types) for status, types in self.answers.items()}
        error = {JSON: {"schema": {"$ref": f"#/components/schemas/{self.error_schema}"}}}
        statuses = [status for status in self.errors if method != "GET" or status not in (408, 413, 415)]
        refusals = {status: {"description": REASONS[status], "content": error} for status in statuses}
        too_long = {status: {"description": text, "content": {"text/html": {}}} for status, text in TOO_LONG.items()}
        return {**answers, **refusals, **too_long}


_endpoints: dict[Callable[..., Any], Endpoint] = {}
_open: set[Callable[..., Any]] = set()


def endpoint(
    route: Callable[[View], View],
    *,
    answers: Mapping[int, tuple[str, ...]],
    errors: tuple[int, ...] = READING,
    request: type[msgspec.Struct] | None = None,
    parameters: tuple[Parameter, ...] = (),
    error_schema: str = "Error",
    summary: str = "",
    begins_run: bool = False,
    admin: bool = False,
    on_disconnect: str = "continue",
) -> Callable[[View], View]:
    """Register a view under `route`, such as `blueprint.get(path)`, and describe it. Without a
    `summary` the docstring is it."""

    def register(view: View) -> View:
        _endpoints[view] = Endpoint(
            answers, errors, request, parameters, error_schema, summary, begins_run, admin, on_disconnect
        )
        return route(view)

    return register


def endpoint_of(view: Callable[..., Any] | None) -> Endpoint | None:
    """None for pages and static files."""
    return _endpoints.get(view) if view is not None else None


def open_to_all(view: View) -> View:
    """Marks a view that needs no login. It stands below the route, next to the view."""
    _open.add(view)
    return view


def is_open(view: Callable[..., Any]) -> bool:
    return view in _open


def _answer(types: tuple[str, ...]) -> Json:
    if not types:
        return {"description": "No content."}
    described = "A stream of server-sent events." if types == (STREAM,) else "The requested representation."
    return {"description": described, "content": {type_: {"schema": _schema(type_)} for type_ in types}}


def _schema(type_: str) -> Json:
    """docs/dialects.md describes the events of a stream; OpenAPI 3.1 has no words for them."""
    return {JSON: {"type": "object"}, TEXT: {"type": "string"}, CSV: {"type": "string"}}.get(type_, {})
