"""OpenAPI 3.1 of every endpoint: from Flask's own rules, the types that parse the requests, and
what stands in `@endpoint` beside each view.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, jsonify, render_template
from werkzeug.routing import Rule

from chatapp import __version__
from chatapp.web.addresses import here
from chatapp.web.endpoint import ERRORS, JSON, Endpoint, Json, endpoint, endpoint_of

blueprint = Blueprint("openapi", __name__)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
SCHEMA_REF = "#/components/schemas/{name}"
SCALARS = {"string", "integer", "number", "boolean", "null"}


@endpoint(blueprint.get("/openapi.json"), answers={200: (JSON,)}, errors=(401,))
def openapi_json() -> Response:
    """This description, for programs."""
    return jsonify(document())


@blueprint.get("/docs")
def docs_page() -> str:
    """This description, for people."""
    return render_template("docs.html", api=document())


def document() -> Json:
    rules = [(rule, described) for rule in _rules() if (described := endpoint_of(_view(rule))) is not None]
    requests = sorted({row.request for _, row in rules if row.request}, key=lambda type_: type_.__name__)
    schemas, components = msgspec.json.schema_components(requests, schema_hook=_any, ref_template=SCHEMA_REF)
    named = dict(zip(requests, schemas, strict=True))
    paths: dict[str, Json] = {}
    for rule, described in rules:
        path = paths.setdefault(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {})
        for method in METHODS:
            if method in (rule.methods or ()):
                path[method.lower()] = _operation(rule, method, described, named, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "chatapp", "version": __version__, "description": "A reply is a log."},
        "servers": [{"url": here("/")}],
        "paths": paths,
        "components": {"schemas": {**components, **ERRORS}},
    }


def _rules() -> list[Rule]:
    return sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule)


def _view(rule: Rule) -> Callable[..., Any]:
    return current_app.view_functions[rule.endpoint]


def _operation(rule: Rule, method: str, row: Endpoint, named: Mapping[type, Json], components: Json) -> Json:
    operation: Json = {
        "operationId": f"{rule.endpoint}.{method.lower()}",
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": row.summary or " ".join((_view(rule).__doc__ or "").split()),
        "parameters": [_path_parameter(name) for name in sorted(rule.arguments)] + list(row.described_parameters()),
        "responses": {str(status): answer for status, answer in row.responses(method).items()},
    }
    if row.request and method == "GET":
        operation["parameters"] += _query_of(named[row.request], components)
    elif row.request:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": named[row.request]}}}
    return operation


def _any(_type: type) -> Json:
    """`object` is any JSON value."""
    return {"description": "Any JSON value."}


def _path_parameter(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_of(schema: Json, components: Json) -> list[Json]:
    """The fields that can stand in a query string."""
    properties = components[schema["$ref"].rpartition("/")[2]]["properties"]
    return [
        {"name": name, "in": "query", "schema": _scalar(field)}
        for name, field in properties.items()
        if _scalar(field) is not None
    ]


def _scalar(field: Json) -> Json | None:
    """In a query nothing is null, and nothing is a list."""
    choices = [choice for choice in _choices(field) if choice.get("type") != "null"]
    if not choices or any(not _is_scalar(choice) for choice in choices):
        choices = [choice for choice in choices if _is_scalar(choice)]
    return choices[0] if len(choices) == 1 else {"anyOf": choices} if choices else None


def _choices(field: Json) -> Iterator[Json]:
    yield from field.get("anyOf", [field])


def _is_scalar(choice: Json) -> bool:
    return choice.get("type") in SCALARS or "enum" in choice
