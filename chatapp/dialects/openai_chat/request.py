"""The request `POST /v1/chat/completions` of OpenAI's clients, as an Ask.

Unknown fields are ignored, and so are hints that do not change what the answer means (`user`,
`metadata`, `service_tier`, …). An unsupported field that would change it is refused by its name.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.chat import AnswerSchema, Ask, ChatOptions, Effort, Message, Native, Role, ToolSpec, Verbosity
from chatapp.dialects.openai_chat.opaque import PROTOCOL
from chatapp.dialects.request_parts import (
    ContentPart,
    Few,
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
    refuse_none_allowed,
    refuse_orphans,
    shown_with,
    thinking_of,
    tool_of,
)
from chatapp.dialects.requests import Name, OnDisconnect
from chatapp.errors import InvalidField
from chatapp.events import ToolCall
from chatapp.hub import with_pauses


class Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str = ""


class Call(msgspec.Struct, frozen=True):
    id: str
    function: Function | None = None
    extra_content: object = None


class Turn(msgspec.Struct, frozen=True):
    """The last four are those of an answer as we gave it: its pictures, what only its provider
    understands, and which one that is."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | Annotated[list[ContentPart], Few] | None = None
    name: Name | None = None
    refusal: str | None = None
    tool_calls: Annotated[list[Call], Few] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    images: Annotated[list[ContentPart], Few] | None = None
    reasoning_details: object = None
    extra_content: object = None
    provider: Name | None = None


class OfferedFunction(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: dict[str, object] | None = None
    strict: bool | None = None


class OfferedTool(msgspec.Struct, frozen=True):
    type: str
    function: OfferedFunction | None = None


class NamedFunction(msgspec.Struct, frozen=True):
    name: str


class AllowedTools(msgspec.Struct, frozen=True):
    mode: Literal["auto", "required"] = "auto"
    tools: "list[ChosenTool]" = []


ALLOWED = "allowed_tools"


class ChosenTool(msgspec.Struct, frozen=True):
    """One tool that must be called, or, as `allowed_tools`, those that may be."""

    type: str
    function: NamedFunction | None = None
    allowed_tools: AllowedTools | None = None


class NamedSchema(msgspec.Struct, frozen=True, rename={"schema_": "schema"}):
    schema_: dict[str, object] | None = None
    name: str = ""
    description: str | None = None
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: NamedSchema | None = None


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class ThinkingSwitch(msgspec.Struct, frozen=True):
    type: Literal["enabled", "disabled"]


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`provider`, `thinking` and `on_disconnect` are ours; an SDK sends them as `extra_body`."""

    model: Name | None = None
    messages: list[Turn]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: PositiveInt | None = None
    max_completion_tokens: PositiveInt | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    tools: list[OfferedTool] | None = None
    tool_choice: str | ChosenTool | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: Effort | None = None
    verbosity: Verbosity | None = None
    provider: Name | None = None
    thinking: bool | ThinkingSwitch | None = None
    on_disconnect: OnDisconnect | None = None
    # Refused, unless the value is the default anyway:
    n: int | None = None
    logprobs: bool | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    modalities: list[str] | None = None
    functions: list[object] | None = None
    web_search_options: object | UnsetType = UNSET

    def ask(self) -> Ask:
        self._refuse_unsupported()
        thinking = _thinking(self.thinking, self.reasoning_effort)
        tools = distinct([_tool(f"tools[{index}]", tool) for index, tool in enumerate(self.tools or ())])
        options = ChatOptions(
            thinking=thinking,
            effort=self.reasoning_effort if thinking == thinking_of(self.reasoning_effort) else None,
            max_tokens=self.max_completion_tokens or self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=[self.stop] if isinstance(self.stop, str) else self.stop or [],
            seed=self.seed,
            tools=_allowed(self.tool_choice, tools),
            tool_choice=_choice(self.tool_choice, tools),
            parallel_tools=self.parallel_tool_calls is not False,
            schema=_schema(self.response_format),
            json_mode=self.response_format is not None and self.response_format.type == "json_object",
            verbosity=self.verbosity,
        )
        return Ask(said=self._messages(), options=options, provider=self.provider, model=self.model)

    def _messages(self) -> list[Message]:
        if not self.messages:
            raise InvalidField("messages: must not be empty")
        messages = [message(f"messages[{index}]", turn) for index, turn in enumerate(with_pauses(self.messages))]
        refuse_orphans("messages", messages)
        return messages

    def _refuse_unsupported(self) -> None:
        refuse("n", self.n not in (None, 1), "send one request for each answer")
        refuse("logprobs", bool(self.logprobs))
        refuse("frequency_penalty", bool(self.frequency_penalty))
        refuse("presence_penalty", bool(self.presence_penalty))
        refuse("logit_bias", bool(self.logit_bias))
        refuse("modalities", self.modalities not in (None, ["text"]), 'use ["text"]')
        refuse("functions", bool(self.functions), "use tools")
        refuse("web_search_options", self.web_search_options not in (UNSET, None))


def message(field: str, turn: Turn) -> Message:
    content = content_of(f"{field}.content", turn.content)
    if turn.role == "tool":
        if not turn.tool_call_id:
            raise InvalidField(f"{field}.tool_call_id: must not be empty")
        return Message("tool", content, tool_call_id=turn.tool_call_id)
    if turn.role != "assistant":
        role: Role = "system" if turn.role == "developer" else turn.role
        return Message(role, filled(f"{field}.content", content), name=turn.name or "")
    calls = [_call(f"{field}.tool_calls[{index}]", call) for index, call in enumerate(turn.tool_calls or ())]
    return Message(
        "assistant",
        shown_with(content or turn.refusal or "", turn.images or ()),
        tool_calls=calls,
        reasoning=turn.reasoning_content or "",
        native=_native(turn),
    )


def _native(turn: Turn) -> Native | None:
    """The members that only the turn's provider understands, as the client sent them back."""
    members = {"reasoning_details": turn.reasoning_details, "extra_content": turn.extra_content}
    told: list[object] = [
        {"tool_call": call.id, "extra_content": call.extra_content}
        for call in turn.tool_calls or ()
        if call.extra_content
    ]
    told += [{name: value} for name, value in members.items() if value]
    return Native(PROTOCOL, told, turn.provider or "") if told else None


def _call(field: str, call: Call) -> ToolCall:
    if call.function is None:
        raise InvalidField(f"{field}.function: missing; only function calls are supported")
    return call_of(f"{field}.function", given(f"{field}.id", call.id), call.function.name, call.function.arguments)


def _tool(field: str, tool: OfferedTool) -> ToolSpec:
    if tool.type != "function":
        raise InvalidField(f"{field}.type: {tool.type!r} is not supported; use function")
    function = tool.function
    if function is None:
        raise InvalidField(f"{field}.function: must not be empty")
    return tool_of(f"{field}.function", function.name, function.description, function.parameters, function.strict)


def _choice(choice: str | ChosenTool | None, tools: list[ToolSpec]) -> str:
    if not isinstance(choice, ChosenTool):
        return choice_word(choice)
    if choice.type == ALLOWED:
        return _allowed_tools(choice).mode
    return _chosen("tool_choice", choice, tools)


def _allowed(choice: str | ChosenTool | None, tools: list[ToolSpec]) -> list[ToolSpec]:
    """The tools that may be called."""
    if not isinstance(choice, ChosenTool) or choice.type != ALLOWED:
        return tools
    allowed = _allowed_tools(choice)
    field = f"tool_choice.{ALLOWED}.tools"
    names = {_chosen(f"{field}[{index}]", tool, tools) for index, tool in enumerate(allowed.tools)}
    refuse_none_allowed(field, allowed.mode, names)
    return [tool for tool in tools if tool.name in names]


def _allowed_tools(choice: ChosenTool) -> AllowedTools:
    if choice.allowed_tools is None:
        raise InvalidField(f"tool_choice.{ALLOWED}: missing; expected an object with mode and tools")
    return choice.allowed_tools


def _chosen(field: str, choice: ChosenTool, tools: list[ToolSpec]) -> str:
    if choice.type != "function":
        raise InvalidField(f"{field}: type {choice.type!r} is not supported; use function")
    if choice.function is None:
        raise InvalidField(f"{field}.function: must not be empty")
    return named_choice(field, choice.function.name, [tool.name for tool in tools])


def _schema(format: ResponseFormat | None) -> AnswerSchema | None:
    if format is None or format.type != "json_schema":
        return None
    given = format.json_schema
    if given is None or given.schema_ is None:
        raise InvalidField("response_format.json_schema.schema: must not be empty")
    return AnswerSchema(given.schema_, given.name, given.description or "", given.strict)


def _thinking(switch: bool | ThinkingSwitch | None, effort: Effort | None) -> bool | None:
    if isinstance(switch, ThinkingSwitch):
        return switch.type == "enabled"
    return switch if switch is not None else thinking_of(effort)
