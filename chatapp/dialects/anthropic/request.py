"""The request `POST /v1/messages` of Anthropic's clients, as an Ask. Every refusal names the field.

Unknown fields are ignored, and so are hints that do not change what the answer means
(`cache_control`, `metadata`, `service_tier`, …). An unsupported field that would change it is
refused.
Source: https://platform.claude.com/docs/en/api/messages
"""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from chatapp.chat import (
    AnswerSchema,
    Ask,
    ChatOptions,
    Effort,
    HostedTool,
    Message,
    ToolSpec,
)
from chatapp.dialects.anthropic.events import PROTOCOL
from chatapp.dialects.anthropic.request_block import Block, Cache, Turn, blocks_of, cache_of, marks_in, text_of
from chatapp.dialects.anthropic.request_blocks import messages_of
from chatapp.dialects.anthropic.request_documents import wants_citations
from chatapp.dialects.request_parts import (
    Few,
    PositiveInt,
    Share,
    Temperature,
    distinct,
    named_choice,
    refuse,
    refuse_orphans,
    tool_of,
    typed,
)
from chatapp.dialects.requests import Name, OnDisconnect
from chatapp.errors import InvalidField
from chatapp.hub import with_pauses

LITTLE, MUCH = 4096, 12288  # tokens of a budget: a low effort is below, a high one from there on
HOSTED = re.compile(r"(web_search|web_fetch|code_execution|tool_search_tool_[a-z0-9]+)_\d{8}")  # by Anthropic
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class OfferedTool(msgspec.Struct, frozen=True):
    name: str
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, object] | None = None
    strict: bool | None = None
    defer_loading: bool | None = None
    cache_control: Cache | None = None


class ChosenTool(msgspec.Struct, frozen=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class ThinkingSwitch(msgspec.Struct, frozen=True):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int | None = None

    @property
    def effort(self) -> Effort | None:
        """The word that comes nearest to the budget: most providers take no number."""
        if self.budget_tokens is None:
            return None
        return "low" if self.budget_tokens < LITTLE else "medium" if self.budget_tokens < MUCH else "high"


class Format(msgspec.Struct, frozen=True, rename={"schema_": "schema"}):
    type: Literal["json_schema"]
    schema_: dict[str, object]


class OutputConfig(msgspec.Struct, frozen=True):
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    format: Format | None = None


class Thread(msgspec.Struct, frozen=True):
    """The server keeps the conversation. Create one, or continue from an answer and send only new
    messages, as the SDK's tool runner does."""

    type: Literal["create", "continue"]
    previous_message_id: Name | None = None


class MessagesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`provider` and `on_disconnect` are ours; an SDK sends them as `extra_body`."""

    model: Name | None = None
    messages: list[Turn]
    system: str | Annotated[list[Block], Few] | None = None
    max_tokens: PositiveInt | None = None
    stream: bool | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    stop_sequences: list[str] | None = None
    tools: list[dict[str, object]] | None = None
    tool_choice: ChosenTool | None = None
    thinking: ThinkingSwitch | None = None
    output_config: OutputConfig | None = None
    provider: Name | None = None
    on_disconnect: OnDisconnect | None = None
    thread: Thread | None = None
    cache_control: Cache | None = None
    # Refused:
    top_k: int | None = None
    container: object = None
    mcp_servers: list[object] | None = None

    def ask(self) -> Ask:
        refuse("top_k", self.top_k is not None, "use top_p")
        refuse("container", self.container is not None)
        refuse("mcp_servers", bool(self.mcp_servers), "use tools, which the client runs")
        tools = distinct([_tool(f"tools[{index}]", tool) for index, tool in self._loaded_tools()])
        format = self.output_config.format if self.output_config else None
        options = ChatOptions(
            thinking=self.thinking.type != "disabled" if self.thinking else None,
            effort=self._effort(),
            max_tokens=self.max_tokens,
            temperature=self.temperature,
            top_p=self.top_p,
            stop=self.stop_sequences or [],
            tools=tools,
            hosted=self._hosted_tools(),
            tool_choice=_choice(self.tool_choice, tools),
            parallel_tools=not (self.tool_choice and self.tool_choice.disable_parallel_tool_use),
            schema=AnswerSchema(format.schema_, strict=True) if format else None,  # as Anthropic guarantees it
            cache=cache_of(self._marks()),
            citations=any(wants_citations(turn.content) for turn in with_pauses(self.messages)),
        )
        thread = self.thread is not None
        return Ask(
            said=self._messages(),
            options=options,
            provider=self.provider,
            model=self.model,
            keep=thread,
            previous=self.previous(),
            previous_field="thread.previous_message_id",
            instructions=self.system_messages() if thread else [],
        )

    def _marks(self) -> Iterator[Cache | None]:
        """Up to where the client wants the request to be cached. A provider is only told that it
        wants it: the places are lost when a request is taken apart."""
        yield self.cache_control
        yield from (tool.cache_control for tool in typed("tools", self.tools or [], OfferedTool))
        yield from marks_in(self.system)
        for turn in with_pauses(self.messages):
            yield from marks_in(turn.content)

    def _loaded_tools(self) -> Iterator[tuple[int, OfferedTool]]:
        """With their places: a tool whose loading is deferred waits until a result refers to it."""
        results = [block for turn in self.messages for block in blocks_of(turn.content) if block.content]
        loaded = {part.tool_name for block in results for part in blocks_of(block.content or "")}
        for index, tool in enumerate(typed("tools", self.tools or [], OfferedTool)):
            if _is_hosted(tool):
                continue
            if not tool.defer_loading or tool.name in loaded:
                yield index, tool

    def _hosted_tools(self) -> list[HostedTool]:
        return [
            HostedTool(PROTOCOL, str(tool["type"]), tool)
            for tool in self.tools or ()
            if HOSTED.fullmatch(str(tool.get("type")))
        ]

    def system_messages(self) -> list[Message]:
        """A client sends these with every request, so they are not kept with a thread."""
        system = text_of("system", self.system) if self.system else ""
        return [Message("system", system)] if system else []

    def previous(self) -> str | None:
        """The id of the answer that the thread continues from."""
        if self.thread is None or self.thread.type == "create":
            return None
        if self.thread.previous_message_id is None:
            raise InvalidField("thread.previous_message_id: required when type is 'continue'")
        return self.thread.previous_message_id

    def _effort(self) -> Effort | None:
        """None unless thinking is on: else Anthropic's effort is about the answer, and no other
        protocol can say that."""
        if self.thinking is None or self.thinking.type == "disabled":
            return None
        said = self.output_config.effort if self.output_config else None
        return said or self.thinking.effort

    def _messages(self) -> list[Message]:
        if not self.messages:
            raise InvalidField("messages: must not be empty")
        messages = [] if self.thread else self.system_messages()
        for index, turn in enumerate(with_pauses(self.messages)):
            messages += messages_of(f"messages[{index}]", turn)
        if self.previous() is None:  # else a result's call may be in the messages that were kept
            refuse_orphans("messages", messages)
        return messages


def _is_hosted(tool: OfferedTool) -> bool:
    return HOSTED.fullmatch(tool.type or "") is not None


def _tool(field: str, tool: OfferedTool) -> ToolSpec:
    if tool.type not in (None, "custom"):
        raise InvalidField(f"{field}.type: {tool.type!r} is not supported; use custom tools")
    return tool_of(field, tool.name, tool.description, tool.input_schema, tool.strict)


def _choice(choice: ChosenTool | None, tools: list[ToolSpec]) -> str:
    if choice is None:
        return "auto"
    return (
        named_choice("tool_choice", choice.name, [tool.name for tool in tools])
        if choice.type == "tool"
        else CHOICES[choice.type]
    )
