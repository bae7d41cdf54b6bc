"""How the mock uses a chat's tools: arguments from schemas, an answer from results. Pure."""

import re
from collections.abc import Iterator, Sequence

from chatapp.chat import Chat, Message, ToolSpec
from chatapp.events import StreamEvent, ToolCall, ToolInputDelta
from chatapp.wire.json_text import json_data

NUMBERS = {"integer": 1, "number": 1.5}


def results(chat: Chat) -> list[Message]:
    """The results that the chat ends with."""
    found: list[Message] = []
    for message in reversed(chat.messages):
        if message.role != "tool":
            break
        found.insert(0, message)
    return found


def chosen(chat: Chat) -> Sequence[ToolSpec]:
    """The tools that `tool_choice` allows."""
    if chat.tool_choice == "none":
        return []
    return [tool for tool in chat.tools if tool.name == chat.tool_choice] or chat.tools


def called(model: str, tools: Sequence[ToolSpec], question: str) -> Sequence[ToolSpec]:
    """The tools that the model calls now, in parallel."""
    match model:
        case "tools":
            return tools
        case "agent":  # the first tool at the first step, and so on
            step = re.match(r"Do step (\d+)", question)
            return [tools[(int(step[1]) - 1) % len(tools)]] if step else []
        case "parallel-tools":
            return [tools[0], tools[-1]]
        case _:
            return tools[:1]


def call(tool: ToolSpec, number: int, question: str) -> Iterator[StreamEvent]:
    """The arguments in pieces, then the whole call. `number` tells apart the calls of one reply."""
    id = f"call_{number}"
    example = _example(tool.parameters, question)
    arguments = example if isinstance(example, dict) else {}  # a client's schema may describe something else
    text = json_data(arguments)
    for start in range(0, len(text), 8):
        yield ToolInputDelta(id, tool.name, text[start : start + 8])
    yield ToolCall(id, "function", tool.name, arguments)


def answer(found: Sequence[Message]) -> str:
    return "\n".join(f"The tool {'failed' if result.failed else 'said'}: {result.text}" for result in found)


def _example(schema: object, question: str) -> object:
    """A value that the schema allows: its own example if it has one; the question for a string."""
    if not isinstance(schema, dict):
        return question
    if "default" in schema:
        return schema["default"]
    values = schema.get("examples") or schema.get("enum")
    if values and isinstance(values, list):
        return values[0]
    match schema.get("type"):
        case "object":
            inner = schema.get("properties")
            return {name: _example(inner[name], question) for name in inner} if isinstance(inner, dict) else {}
        case "array":
            return [_example(schema.get("items"), question)]
        case "boolean":
            return True
        case "null":
            return None
        case "integer" | "number" as kind:
            return NUMBERS[kind]
        case _:
            return question
