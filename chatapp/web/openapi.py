"""OpenAPI 3.1 of every endpoint: from Flask's own rules and from the types that parse the requests, so that it cannot
say anything else than what is done. `operations.py` says the rest of each endpoint.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, jsonify, render_template

from chatapp import __version__
from chatapp.web.operations import ERRORS, OPERATIONS, Operation

blueprint = Blueprint("openapi", __name__)

METHODS = ("GET", "POST", "PATCH", "DELETE")
SCHEMA_REF = "#/components/schemas/{name}"
SCALARS = {"string", "integer", "number", "boolean", "null"}

Json = dict[str, Any]


@blueprint.get("/openapi.json")
def openapi_json() -> Response:
    """This description, for programs."""
    return jsonify(document())


@blueprint.get("/docs")
def docs_page() -> str:
    """This description, for people."""
    return render_template("docs.html", api=document())


def document() -> Json:
    requests = sorted({op.request for op in OPERATIONS.values() if op.request}, key=lambda type_: type_.__name__)
    schemas, components = msgspec.json.schema_components(requests, schema_hook=_any, ref_template=SCHEMA_REF)
    named = dict(zip(requests, schemas, strict=True))
    paths: dict[str, Json] = {}
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = OPERATIONS.get(rule.endpoint)
        if operation is None:
            continue
        path = paths.setdefault(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {})
        for method in METHODS:
            if method in (rule.methods or ()):
                path[method.lower()] = _operation(rule, method, operation, named, components)
    return {
        "openapi": "3.1.0",
        "info": {"title": "chatapp", "version": __version__, "description": "A reply is a log."},
        "paths": paths,
        "components": {"schemas": {**components, **ERRORS}},
    }


def _operation(rule: Any, method: str, operation: Operation, named: Mapping[type, Json], components: Json) -> Json:
    view = current_app.view_functions[rule.endpoint]
    described: Json = {
        "operationId": f"{rule.endpoint}.{method.lower()}",
        "tags": [rule.endpoint.partition(".")[0]],
        "summary": operation.summary or " ".join((view.__doc__ or "").split()),
        "parameters": [_path_parameter(name) for name in sorted(rule.arguments)] + list(operation.parameters()),
        "responses": {str(status): answer for status, answer in operation.responses(method).items()},
    }
    if operation.request and method == "GET":
        described["parameters"] += _query_of(named[operation.request], components)
    elif operation.request:
        body = {"application/json": {"schema": named[operation.request]}}
        described["requestBody"] = {"required": True, "content": body}
    return described


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
