"""The turns of a request of Anthropic's clients: their blocks, as messages."""

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from chatapp.chat import Image, Message, Native, Part, Text
from chatapp.dialects.anthropic.events import PROTOCOL, SIGNATURE
from chatapp.dialects.request_parts import Few, filled, given, joined
from chatapp.errors import InvalidField
from chatapp.events import ToolCall


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
    content: "str | Annotated[list[Block], Few] | None" = None
    is_error: bool | None = None
    tool_name: str | None = None


class Turn(msgspec.Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: str | Annotated[list[Block], Few]


def messages_of(field: str, turn: Turn) -> Iterator[Message]:
    """Anthropic puts tool results into the user's turn; here each is a message of its own."""
    field = f"{field}.content"
    if turn.role == "system":
        yield Message("system", filled(field, text_of(field, turn.content)))
    elif turn.role == "assistant":
        yield _answer(field, blocks_of(turn.content))
    else:
        blocks = blocks_of(turn.content)
        results = [block.type == "tool_result" for block in blocks]
        for index, block in enumerate(blocks):
            if results[index]:
                yield _result(f"{field}[{index}]", block)
        if not all(results) or not results:
            yield Message("user", filled(field, _parts(field, blocks, but="tool_result")))


def text_of(field: str, content: str | list[Block]) -> str:
    if isinstance(content, str):
        return content
    for index, block in enumerate(content):
        if block.type != "text":
            raise InvalidField(f"{field}[{index}].type: {block.type!r} is not supported; use text")
    return "\n\n".join(block.text or "" for block in content)


def blocks_of(content: str | list[Block]) -> list[Block]:
    return [Block("text", text=content)] if isinstance(content, str) else content


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
    content = _parts(f"{field}.content", blocks_of(block.content or ""))
    return Message("tool", content, tool_call_id=id, failed=bool(block.is_error))


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
