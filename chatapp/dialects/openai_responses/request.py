"""The request `POST /v1/responses` of OpenAI's clients, as an Ask. Every refusal names the field.

Unknown fields are ignored, and so are hints that do not change what the answer means. A field that
would change it is refused if it is not supported.
"""

from typing import Literal

import msgspec

from chatapp.chat import AnswerSchema, Ask, ChatOptions, Effort, Message, Native, ToolSpec, Verbosity
from chatapp.dialects.openai_responses.events import PROTOCOL, run_id_of
from chatapp.dialects.request_parts import (
    ContentPart,
    PositiveInt,
    Share,
    Temperature,
    call_of,
    choice_word,
    content_of,
    distinct,
    filled,
    given,
    named_choice,
    refuse,
    refuse_orphans,
    thinking_of,
    tool_of,
)
from chatapp.dialects.requests import OnDisconnect
from chatapp.errors import InvalidField
from chatapp.wire.json_text import json_data

REPEATED = (
    "model",
    "instructions",
    "metadata",
    "previous_response_id",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "max_output_tokens",
    "temperature",
    "top_p",
    "reasoning",
    "text",
    "background",
    "store",
    "truncation",
    "user",
)
"""Fields that the response object repeats from the request."""


class Item(msgspec.Struct, frozen=True):
    """One item of the input: a message, a call, its result, or the thinking of an earlier turn."""

    type: str = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: str | list[ContentPart] | None = None
    call_id: str = ""
    name: str = ""
    arguments: str = ""
    output: str | list[ContentPart] | None = None
    summary: list[ContentPart] | None = None
    encrypted_content: str | None = None


class OfferedTool(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    name: str = ""
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class ChosenTool(msgspec.Struct, frozen=True):
    type: str
    name: str = ""


class Reasoning(msgspec.Struct, frozen=True):
    effort: Effort | None = None
    summary: str | None = None


class Format(msgspec.Struct, frozen=True, omit_defaults=True, rename={"schema_": "schema"}):
    type: Literal["text", "json_object", "json_schema"]
    name: str = ""
    schema_: dict[str, object] | None = None
    description: str | None = None
    strict: bool | None = None


class TextFormat(msgspec.Struct, frozen=True, omit_defaults=True):
    format: Format | None = None
    verbosity: Verbosity | None = None


class ResponseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`provider` and `on_disconnect` are ours; an SDK sends them as `extra_body`."""

    model: str | None = None
    input: str | list[Item] | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    stream: bool | None = None
    store: bool | None = None
    background: bool | None = None
    max_output_tokens: PositiveInt | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    tools: list[OfferedTool] | None = None
    tool_choice: str | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    text: TextFormat | None = None
    metadata: dict[str, str] | None = None
    truncation: str | None = None
    user: str | None = None
    provider: str | None = None
    on_disconnect: OnDisconnect | None = None
    # Refused:
    conversation: object = None
    prompt: object = None
    top_logprobs: int | None = None

    def ask(self) -> Ask:
        """The instructions hold for this turn only."""
        refuse("conversation", self.conversation is not None, "use previous_response_id")
        refuse("prompt", self.prompt is not None, "use input and instructions")
        refuse("top_logprobs", bool(self.top_logprobs))
        effort = self.reasoning.effort if self.reasoning else None
        tools = distinct([_tool(f"tools[{index}]", tool) for index, tool in enumerate(self.tools or ())])
        format = self.text.format if self.text else None
        messages = _messages(self.input)
        if self.previous_response_id is None:
            refuse_orphans("input", messages)
        options = ChatOptions(
            thinking=thinking_of(effort),
            effort=effort,
            max_tokens=self.max_output_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            tools=tools,
            tool_choice=_choice(self.tool_choice, tools),
            parallel_tools=self.parallel_tool_calls is not False,
            schema=_schema(format),
            json_mode=format is not None and format.type == "json_object",
            verbosity=self.text.verbosity if self.text else None,
        )
        return Ask(
            said=messages,
            options=options,
            provider=self.provider,
            model=self.model,
            keep=self.store is not False,
            previous=run_id_of(self.previous_response_id) if self.previous_response_id else None,
            previous_field="previous_response_id",
            instructions=[Message("system", self.instructions)] if self.instructions else [],
            repeated=self.repeated(),
        )

    def repeated(self) -> dict[str, object]:
        """The fields that the response object repeats. `tools` is always one of them: by it a later
        reader tells the client's calls from ours."""
        given = {name: getattr(self, name) for name in REPEATED if getattr(self, name) is not None}
        repeated: dict[str, object] = msgspec.to_builtins({"tools": [], **given})
        return repeated


def _messages(given: str | list[Item] | None) -> list[Message]:
    if isinstance(given, str):
        return [Message("user", filled("input", given))]
    if not given:
        raise InvalidField("input: must not be empty")
    messages: list[Message] = []
    for index, item in enumerate(given):
        _add(f"input[{index}]", item, messages)
    return messages


def _add(field: str, item: Item, messages: list[Message]) -> None:
    """Add an item. The thinking, calls and text of one turn, each an item, become one message."""
    match item.type:
        case "message":
            _add_message(field, item, messages)
        case "reasoning":
            _extend(messages, _thinking(item))
        case "function_call":
            call = call_of(field, given(f"{field}.call_id", item.call_id), item.name, item.arguments)
            _extend(messages, Message("assistant", "", tool_calls=[call]))
        case "function_call_output":
            result = content_of(f"{field}.output", item.output)
            messages.append(Message("tool", result, tool_call_id=given(f"{field}.call_id", item.call_id)))
        case other:
            raise InvalidField(
                f"{field}.type: {other!r} is not supported; "
                "use message, reasoning, function_call or function_call_output"
            )


def _add_message(field: str, item: Item, messages: list[Message]) -> None:
    content = content_of(f"{field}.content", item.content)
    match item.role:
        case None:
            raise InvalidField(f"{field}.role: must not be empty")
        case "assistant":
            _extend(messages, Message("assistant", content))
        case "user":
            messages.append(Message("user", filled(f"{field}.content", content)))
        case "system" | "developer":
            messages.append(Message("system", filled(f"{field}.content", content)))


def _thinking(item: Item) -> Message:
    """Sealed thinking goes back without the id, which is ours: a provider refuses it with another
    id than its own."""
    reasoning = "".join(part.text or "" for part in item.summary or ())
    if not item.encrypted_content:
        return Message("assistant", "", reasoning=reasoning)
    summary = [{"type": "summary_text", "text": part.text or ""} for part in item.summary or ()]
    sealed = {"type": "reasoning", "summary": summary, "encrypted_content": item.encrypted_content}
    return Message("assistant", "", reasoning=reasoning, native=Native(PROTOCOL, [sealed]))


def _extend(messages: list[Message], more: Message) -> None:
    last = messages[-1] if messages else None
    if (
        last is None
        or last.role != "assistant"
        or (more.content and last.content)
        or (last.content and (more.reasoning or more.native))
    ):
        messages.append(more)
        return
    messages[-1] = msgspec.structs.replace(
        last,
        content=last.content or more.content,
        reasoning=last.reasoning + more.reasoning,
        tool_calls=[*last.tool_calls, *more.tool_calls],
        native=Native(PROTOCOL, [*_items(last), *_items(more)]) if last.native or more.native else None,
    )


def _items(message: Message) -> list[object]:
    """What a provider of this protocol gets of a turn in which some thinking is sealed."""
    if message.native:
        return list(message.native.content) if isinstance(message.native.content, list) else []
    said: list[object] = []
    if message.text.strip():
        said.append(
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": message.text}]}
        )
    for call in message.tool_calls:
        about = {"call_id": call.id, "name": call.name, "arguments": json_data(call.arguments)}
        said.append({"type": "function_call", **about})
    return said


def _tool(field: str, tool: OfferedTool) -> ToolSpec:
    if tool.type != "function":
        raise InvalidField(f"{field}.type: {tool.type!r} is not supported; use function")
    return tool_of(field, tool.name, tool.description, tool.parameters, tool.strict)


def _choice(choice: str | ChosenTool | None, tools: list[ToolSpec]) -> str:
    if isinstance(choice, ChosenTool):
        if choice.type != "function":
            raise InvalidField(f"tool_choice: type {choice.type!r} is not supported; use function")
        return named_choice(choice.name, tools)
    return choice_word(choice)


def _schema(format: Format | None) -> AnswerSchema | None:
    if format is None or format.type != "json_schema":
        return None
    if format.schema_ is None:
        raise InvalidField("text.format.schema: must not be empty")
    return AnswerSchema(format.schema_, format.name, format.description or "", format.strict)
