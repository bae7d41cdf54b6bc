"""The schemas of the OpenResponses specification, for the tests that have an event or a response.

The specification lies beside this repository, in ../shared/openresponses.json.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

SPECIFICATION = Path(__file__).parents[2] / "shared" / "openresponses.json"

needs_specification = pytest.mark.skipif(not SPECIFICATION.exists(), reason="../shared/openresponses.json is absent")


OPENAIS_OWN = ("image_generation_call",)
"""Items for which the specification has no schema."""


def check_event(event: Any) -> None:
    """Fail unless the event follows the schema of its type."""
    if event.get("item", {}).get("type") in OPENAIS_OWN or event["type"].split(".")[1] in OPENAIS_OWN:
        return
    if "response" in event:
        event = {**event, "response": _without_openais_own(event["response"])}
    _check(_events()[event["type"]], event)


def check_response(response: Any) -> None:
    """Fail unless the response object follows its schema."""
    _check(_validator("ResponseResource"), _without_openais_own(response))


def check_item(item: Any) -> None:
    """Fail unless the item, of an input or an output, follows its schema."""
    _check(_validator("ItemField"), item)


def check_stream(data: list[str]) -> list[Any]:
    """The events of a stream, given what its frames hold: they follow their schemas, and `[DONE]` is last."""
    assert data[-1] == "[DONE]"
    events = [json.loads(one) for one in data[:-1]]
    for event in events:
        check_event(event)
    return events


def _without_openais_own(response: Any) -> Any:
    return {**response, "output": [item for item in response["output"] if item["type"] not in OPENAIS_OWN]}


def _check(validator: Draft202012Validator, value: Any) -> None:
    found = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]
    assert not found, found


@cache
def _events() -> dict[str, Draft202012Validator]:
    answer = _document()["paths"]["/responses"]["post"]["responses"]["200"]["content"]["text/event-stream"]
    names = [one["$ref"].rpartition("/")[2] for one in answer["schema"]["oneOf"]]
    schemas = _document()["components"]["schemas"]
    return {schemas[name]["properties"]["type"]["enum"][0]: _validator(name) for name in names}


@cache
def _validator(name: str) -> Draft202012Validator:
    document = _document()
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]})


@cache
def _document() -> Any:
    return json.loads(SPECIFICATION.read_text("utf-8"))
