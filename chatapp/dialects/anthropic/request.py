"""The request `POST /v1/messages` of Anthropic's clients, as an Ask. Every refusal names the field.

Unknown fields are ignored, and so are hints that do not change what the answer means
(`cache_control`, `metadata`, `service_tier`, …). An unsupported field that would change it is
refused.
Source: https://platform.claude.com/docs/en/api/messages
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from chatapp.chat import AnswerSchema, Ask, ChatOptions, Effort, Image, Message, Native, Part, Text, ToolSpec
from chatapp.dialects.anthropic.events import PROTOCOL, SIGNATURE
from chatapp.dialects.request_parts import (
    PositiveInt,
    Share,
    Temperature,
    distinct,
    filled,
    given,
    joined,
    named_choice,
    refuse,
    refuse_orphans,
    tool_of,
)
from chatapp.dialects.requests import Name, OnDisconnect
from chatapp.errors import InvalidField
from chatapp.events import ToolCall

LITTLE, MUCH = 4096, 12288  # tokens of a budget: a low effort is below, a high one from there on
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """A content block of any type: the fields that we read."""

    type: str
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    source: Source | None = None
    id: str | None = None
    name: str | None = None
    input: dict[str, object] | None = None
    tool_use_id: str | None = None
    content: "str | list[Block] | None" = None
    is_error: bool | None = None
    tool_name: str | None = None


class Turn(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class OfferedTool(msgspec.Struct, frozen=True):
    name: str
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, object] | None = None
    strict: bool | None = None
    defer_loading: bool | None = None


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
    system: str | list[Block] | None = None
    max_tokens: PositiveInt | None = None
    stream: bool | None = None
    temperature: Temperature | None = None
    top_p: Share | None = None
    stop_sequences: list[str] | None = None
    tools: list[OfferedTool] | None = None
    tool_choice: ChosenTool | None = None
    thinking: ThinkingSwitch | None = None
    output_config: OutputConfig | None = None
    provider: Name | None = None
    on_disconnect: OnDisconnect | None = None
    thread: Thread | None = None
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
            tool_choice=_choice(self.tool_choice, tools),
            parallel_tools=not (self.tool_choice and self.tool_choice.disable_parallel_tool_use),
            schema=AnswerSchema(format.schema_, strict=True) if format else None,  # as Anthropic guarantees it
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

    def _loaded_tools(self) -> Iterator[tuple[int, OfferedTool]]:
        """With their places: a tool whose loading is deferred waits until a result refers to it."""
        results = [block for turn in self.messages for block in _blocks(turn.content) if block.content]
        loaded = {part.tool_name for block in results for part in _blocks(block.content or "")}
        for index, tool in enumerate(self.tools or ()):
            if not tool.defer_loading or tool.name in loaded:
                yield index, tool

    def system_messages(self) -> list[Message]:
        """A client sends these with every request, so they are not kept with a thread."""
        system = _text("system", self.system) if self.system else ""
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
        for index, turn in enumerate(self.messages):
            messages += _turn(f"messages[{index}]", turn)
        if self.previous() is None:  # else a result's call may be in the messages that were kept
            refuse_orphans("messages", messages)
        return messages


def _turn(field: str, turn: Turn) -> Iterator[Message]:
    """Anthropic puts tool results into the user's turn; here each is a message of its own."""
    field = f"{field}.content"
    if turn.role == "system":
        yield Message("system", filled(field, _text(field, turn.content)))
    elif turn.role == "assistant":
        yield _answer(field, _blocks(turn.content))
    else:
        blocks = _blocks(turn.content)
        results = [block.type == "tool_result" for block in blocks]
        for index, block in enumerate(blocks):
            if results[index]:
                yield _result(f"{field}[{index}]", block)
        if not all(results) or not results:
            yield Message("user", filled(field, _parts(field, blocks, but="tool_result")))


def _answer(field: str, blocks: list[Block]) -> Message:
    text, thought, calls = "", "", []
    for index, block in enumerate(blocks):
        match block.type:
            case "text":
                text += block.text or ""
            case "thinking":
                thought += block.thinking or ""
            case "redacted_thinking":
                pass  # stands in the native turn
            case "tool_use":
                calls.append(_call(f"{field}[{index}]", block))
            case other:
                raise InvalidField(
                    f"{field}[{index}].type: {other!r} is not supported in an assistant message; "
                    "use text, thinking, redacted_thinking or tool_use"
                )
    return Message("assistant", text, tool_calls=calls, reasoning=thought, native=_native(blocks))


def _call(field: str, block: Block) -> ToolCall:
    id, name = given(f"{field}.id", block.id), given(f"{field}.name", block.name)
    return ToolCall(id, "function", name, block.input or {})


def _native(blocks: list[Block]) -> Native | None:
    """The turn as it came, if Anthropic signed thinking in it, which nobody else can read."""
    own = [block for block in blocks if not _is_vain(block)]
    if any(block.type in ("thinking", "redacted_thinking") for block in own):
        return Native(PROTOCOL, msgspec.to_builtins(own))
    return None


def _is_vain(block: Block) -> bool:
    """Whether Anthropic refuses it: thinking that it did not sign, and a blank text."""
    if block.type == "thinking":
        return block.signature in (None, "", SIGNATURE)
    return block.type == "text" and not (block.text or "").strip()


def _result(field: str, block: Block) -> Message:
    id = given(f"{field}.tool_use_id", block.tool_use_id)
    content = _parts(f"{field}.content", _blocks(block.content or ""))
    return Message("tool", content, tool_call_id=id, failed=bool(block.is_error))


def _text(field: str, content: str | list[Block]) -> str:
    if isinstance(content, str):
        return content
    for index, block in enumerate(content):
        if block.type != "text":
            raise InvalidField(f"{field}[{index}].type: {block.type!r} is not supported; use text")
    return "\n\n".join(block.text or "" for block in content)


def _blocks(content: str | list[Block]) -> list[Block]:
    return [Block("text", text=content)] if isinstance(content, str) else content


def _parts(field: str, blocks: list[Block], but: str = "") -> str | list[Part]:
    """The content of these blocks, without those of type `but`."""
    return joined([_part(f"{field}[{index}]", block) for index, block in enumerate(blocks) if block.type != but])


def _part(field: str, block: Block) -> Part:
    if block.type == "text":
        return Text(block.text or "")
    if block.type == "tool_reference":  # found by the client's own search
        return Text(f"The tool {given(f'{field}.tool_name', block.tool_name)} can be called now.\n")
    if block.type != "image":
        raise InvalidField(f"{field}.type: {block.type!r} is not supported; use text or image blocks")
    source = block.source or Source("")
    if source.type == "base64" and source.media_type.startswith("image/") and source.data:
        return Image(f"data:{source.media_type};base64,{source.data}")
    if source.type == "url" and source.url.startswith("https://"):
        return Image(source.url)
    raise InvalidField(f"{field}.source: expected an image in base64, or an https: URL of one")


def _tool(field: str, tool: OfferedTool) -> ToolSpec:
    if tool.type not in (None, "custom"):
        raise InvalidField(f"{field}.type: {tool.type!r} is not supported; use custom tools")
    return tool_of(field, tool.name, tool.description, tool.input_schema, tool.strict)


def _choice(choice: ChosenTool | None, tools: list[ToolSpec]) -> str:
    if choice is None:
        return "auto"
    return named_choice(choice.name, [tool.name for tool in tools]) if choice.type == "tool" else CHOICES[choice.type]
