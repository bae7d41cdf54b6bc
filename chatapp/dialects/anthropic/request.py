"""What Anthropic's clients ask by `POST /v1/messages`, as an Ask. Every refusal names the field.

Unknown fields are ignored, as are hints that change nothing of the answer's meaning (`cache_control`, `metadata`,
`service_tier`, …). What would change it and cannot be carried is refused.
Source: https://platform.claude.com/docs/en/api/messages
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from chatapp.chat import Ask, ChatOptions, Effort, Image, Message, Native, Part, Text, ToolSpec
from chatapp.dialects.anthropic.events import SIGNATURE
from chatapp.dialects.request_parts import (
    PositiveInt,
    Share,
    Temperature,
    distinct,
    filled,
    given,
    named_choice,
    refuse,
    refuse_orphans,
    tool_of,
)
from chatapp.dialects.requests import OnDisconnect
from chatapp.errors import InvalidField
from chatapp.events import ToolCall

LITTLE, MUCH = 4096, 12288  # tokens of a budget: below is a low effort, from there on a high one
CHOICES = {"auto": "auto", "any": "required", "none": "none"}


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    type: str
    media_type: str = ""
    data: str = ""
    url: str = ""


class Block(msgspec.Struct, frozen=True, omit_defaults=True):
    """The fields needed of a content block, of whatever type."""

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


class Turn(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[Block]


class OfferedTool(msgspec.Struct, frozen=True):
    name: str
    type: str | None = None
    description: str | None = None
    input_schema: dict[str, object] | None = None
    strict: bool | None = None


class ChosenTool(msgspec.Struct, frozen=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str = ""
    disable_parallel_tool_use: bool | None = None


class ThinkingSwitch(msgspec.Struct, frozen=True):
    type: Literal["enabled", "adaptive", "disabled"]
    budget_tokens: int | None = None

    @property
    def effort(self) -> Effort | None:
        """What comes nearest to the budget: most providers know words alone."""
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
    """The server keeps the conversation: begin one, or go on from an answer with what is new alone. The SDK's loop of
    tools does that."""

    type: Literal["create", "continue"]
    previous_message_id: str | None = None


class MessagesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`provider` and `on_disconnect` are ours: an SDK sends them as `extra_body`."""

    model: str | None = None
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
    provider: str | None = None
    on_disconnect: OnDisconnect | None = None
    thread: Thread | None = None
    # What is refused:
    top_k: int | None = None
    container: object = None
    mcp_servers: list[object] | None = None

    def ask(self) -> Ask:
        refuse("top_k", self.top_k is not None, "top_p")
        refuse("container", self.container is not None, "none")
        refuse("mcp_servers", bool(self.mcp_servers), "tools, which the client runs")
        tools = distinct([_tool(f"tools[{index}]", tool) for index, tool in enumerate(self.tools or ())])
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
            schema=format.schema_ if format else None,
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

    def system_messages(self) -> list[Message]:
        """Sent with every request, and so not kept with a thread."""
        system = _text("system", self.system) if self.system else ""
        return [Message("system", system)] if system else []

    def previous(self) -> str | None:
        """The id of the answer that the thread goes on from."""
        if self.thread is None or self.thread.type == "create":
            return None
        if self.thread.previous_message_id is None:
            raise InvalidField("thread.previous_message_id: needed to continue")
        return self.thread.previous_message_id

    def _effort(self) -> Effort | None:
        """None where thinking is not switched on: there it would say something of the answer, which no other
        protocol can be told."""
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
        if self.previous() is None:  # else a result's call is in what was kept
            refuse_orphans("messages", messages)
        return messages


def _turn(field: str, turn: Turn) -> Iterator[Message]:
    """The results of tools stand in the user's turn there; here each is a message."""
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
                pass  # carried in the native turn
            case "tool_use":
                calls.append(_call(f"{field}[{index}]", block))
            case other:
                raise InvalidField(f"{field}[{index}].type: {other!r} cannot be carried here")
    return Message("assistant", text, tool_calls=calls, reasoning=thought, native=_native(blocks))


def _call(field: str, block: Block) -> ToolCall:
    id, name = given(f"{field}.id", block.id), given(f"{field}.name", block.name)
    return ToolCall(id, "function", name, block.input or {})


def _native(blocks: list[Block]) -> Native | None:
    """The turn as it came, where it has thinking that Anthropic signed: it is Anthropic's to read again."""
    own = [block for block in blocks if not (block.type == "thinking" and block.signature in (None, "", SIGNATURE))]
    if any(block.type in ("thinking", "redacted_thinking") for block in own):
        return Native("anthropic", msgspec.to_builtins(own))
    return None


def _result(field: str, block: Block) -> Message:
    id = given(f"{field}.tool_use_id", block.tool_use_id)
    content = _parts(f"{field}.content", _blocks(block.content or ""))
    return Message("tool", content, tool_call_id=id, failed=bool(block.is_error))


def _text(field: str, content: str | list[Block]) -> str:
    if isinstance(content, str):
        return content
    for index, block in enumerate(content):
        if block.type != "text":
            raise InvalidField(f"{field}[{index}].type: {block.type!r} cannot be carried here: there are texts")
    return "\n\n".join(block.text or "" for block in content)


def _blocks(content: str | list[Block]) -> list[Block]:
    return [Block("text", text=content)] if isinstance(content, str) else content


def _parts(field: str, blocks: list[Block], but: str = "") -> str | list[Part]:
    """A list of nothing but texts becomes one text: not every provider takes parts."""
    parts = [_part(f"{field}[{index}]", block) for index, block in enumerate(blocks) if block.type != but]
    if any(isinstance(part, Image) for part in parts):
        return parts
    return "".join(part.text for part in parts if isinstance(part, Text))


def _part(field: str, block: Block) -> Part:
    if block.type == "text":
        return Text(block.text or "")
    if block.type != "image" or block.source is None:
        raise InvalidField(f"{field}.type: {block.type!r} cannot be carried here: there are texts and images")
    source = block.source
    if source.type == "base64" and source.media_type.startswith("image/") and source.data:
        return Image(f"data:{source.media_type};base64,{source.data}")
    if source.type == "url" and source.url.startswith("https://"):
        return Image(source.url)
    raise InvalidField(f"{field}.source: expected an image in base64, or an https: URL")


def _tool(field: str, tool: OfferedTool) -> ToolSpec:
    if tool.type not in (None, "custom"):
        raise InvalidField(f"{field}.type: {tool.type!r} cannot be carried here: there are tools that the client runs")
    return tool_of(field, tool.name, tool.description, tool.input_schema, tool.strict)


def _choice(choice: ChosenTool | None, tools: list[ToolSpec]) -> str:
    if choice is None:
        return "auto"
    return named_choice(choice.name, tools) if choice.type == "tool" else CHOICES[choice.type]
