"""What can be used of the tools and results of a server that does not keep to the protocol. Pure.

The SDK refuses all of what one part spoils.
"""

import json
from typing import Any

import jsonschema
from jsonschema.exceptions import SchemaError, UnknownType
from mcp.types import ContentBlock
from pydantic import TypeAdapter, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable


def usable_tool(listed: dict[str, Any]) -> dict[str, Any]:
    """What is needed of a tool that has a name. Raises ValueError if it cannot be called."""
    schema = listed.get("inputSchema")
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise ValueError("its inputSchema is not a JSON schema of an object")
    description = listed.get("description") or listed.get("title")
    return {
        "name": listed["name"],
        "description": description if isinstance(description, str) else "",
        "inputSchema": {**schema, "type": "object"},
    }


def mend_result(result: dict[str, Any], schema: dict[str, Any] | None) -> None:
    """Make it a result that the SDK takes, in place. `schema`: of its tool's structured results."""
    content = result.get("content")
    parts = content if isinstance(content, list) else [] if content is None else [content]
    result["content"] = [_content_block(part) for part in parts]
    result["isError"] = result.get("isError") is True
    structured = result.pop("structuredContent", None)
    if structured is None:
        return
    if isinstance(structured, dict) and (_is_valid(structured, schema) or not parts):
        result["structuredContent"] = structured
    elif not parts:
        result["content"] = [_text_block(json.dumps(structured))]


def text_of(content: Any) -> str:
    """A piece of a result as text for the model."""
    match content.type:
        case "text":
            return str(content.text)
        case "image" | "audio" as kind:
            return f"[{kind}, {content.mime_type}, {len(content.data) * 3 // 4} bytes]"
        case "resource_link":
            return f"[{content.name}: {content.uri}]"
        case _:
            resource = getattr(content, "resource", None)
            return str(getattr(resource, "text", "") or f"[{content.type}: {getattr(resource, 'uri', '')}]")


def _content_block(part: Any) -> dict[str, Any]:
    """A part of a result. One of a kind that the protocol does not know is named in its place."""
    if isinstance(part, str):
        return _text_block(part)
    try:
        _blocks.validate_python(part, by_name=False)
    except ValidationError:
        text = part.get("text") if isinstance(part, dict) else None
        kind = part.get("type") if isinstance(part, dict) else type(part).__name__
        return _text_block(text if isinstance(text, str) else f"[{kind}: a part of an unknown form]")
    return dict(part)


_blocks: TypeAdapter[Any] = TypeAdapter(ContentBlock)


def _text_block(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _is_valid(value: dict[str, Any], schema: dict[str, Any] | None) -> bool:
    """Whether structured content follows its tool's schema. An invalid schema refuses nothing."""
    if schema is None:
        return True
    try:
        # The default registry fetches remote `$ref`s.
        validator = _without_patterns(jsonschema.validators.validator_for(schema))(schema, registry=Registry())
        return bool(validator.is_valid(value))
    except (SchemaError, UnknownType, Unresolvable, ValueError, TypeError, RecursionError):
        return True


def _without_patterns(dialect: Any) -> Any:
    """A pattern may take exponential time, and all servers of this process would wait."""
    keywords = ("pattern", "patternProperties", "additionalProperties", "unevaluatedProperties")
    extend: Any = jsonschema.validators.extend
    return extend(dialect, {keyword: lambda *_: iter(()) for keyword in keywords})
