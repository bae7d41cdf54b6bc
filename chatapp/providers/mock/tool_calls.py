"""How the mock uses the tools that it is offered: arguments made from their schemas, an answer from their results. Pure."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from chatapp.chat import Chat, Message, ToolSpec
from chatapp.events import StreamEvent, ToolCall, ToolInputDelta

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
    """The tools that may be called now, as `tool_choice` says."""
    if chat.tool_choice == "none":
        return []
    return [tool for tool in chat.tools if tool.name == chat.tool_choice] or chat.tools


def called(model: str, tools: Sequence[ToolSpec], question: str) -> Sequence[ToolSpec]:
    """Which of them the model calls now, all at once."""
    match model:
        case "tools":
            return tools
        case "agent":  # the first at the first step, and so on
            step = re.match(r"Do step (\d+)", question)
            return [tools[(int(step[1]) - 1) % len(tools)]] if step else []
        case "parallel-tools":
            return [tools[0], tools[-1]]
        case _:
            return tools[:1]


def call(tool: ToolSpec, number: int, question: str) -> Iterator[StreamEvent]:
    """Its arguments in pieces, then the whole call. `number` tells it from others of the same reply."""
    id = f"call_{number}"
    example = _example(tool.parameters, question)
    arguments = example if isinstance(example, dict) else {}  # a client's schema may be one of something else
    text = msgspec.json.encode(arguments).decode()
    for start in range(0, len(text), 8):
        yield ToolInputDelta(id, tool.name, text[start : start + 8])
    yield ToolCall(id, "function", tool.name, arguments)


def answer(found: Sequence[Message]) -> str:
    return "\n".join(f"The tool {'failed' if result.failed else 'said'}: {result.text}" for result in found)


def _example(schema: object, question: str) -> object:
    """A value that the schema allows, its own example where it has one, or the question where a text is wanted."""
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
