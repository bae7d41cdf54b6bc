"""The turns of a request of Anthropic's clients: their blocks, as messages."""

from collections.abc import Iterator

import msgspec

from chatapp.chat import Image, Message, Native, Part, Text
from chatapp.dialects.anthropic.events import PROTOCOL, SIGNATURE
from chatapp.dialects.anthropic.request_block import Block, Source, Turn, blocks_of, text_of
from chatapp.dialects.anthropic.request_documents import document_parts
from chatapp.dialects.request_files import sent_file
from chatapp.dialects.request_parts import filled, given, joined
from chatapp.errors import InvalidField
from chatapp.events import ToolCall


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
        told = [msgspec.structs.replace(block, citations=None, cache_control=None) for block in own]
        return Native(PROTOCOL, msgspec.to_builtins(told))
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
    places = [(f"{field}[{index}]", block) for index, block in enumerate(blocks) if block.type != but]
    return joined([part for place, block in places for part in _block_parts(place, block)])


def _block_parts(field: str, block: Block) -> Iterator[Part]:
    match block.type:
        case "text":
            yield Text(block.text or "")
        case "tool_reference":  # found by the client's own search
            yield Text(f"The tool {given(f'{field}.tool_name', block.tool_name)} can be called now.\n")
        case "image":
            yield _image(field, _source(block))
        case "document" | "search_result":
            yield from document_parts(field, block)
        case other:
            raise InvalidField(f"{field}.type: {other!r} is not supported; use text, image or document blocks")


def _source(block: Block) -> Source:
    return block.source if isinstance(block.source, Source) else Source("")


def _image(field: str, source: Source) -> Part:
    if source.type == "file":
        return sent_file(f"{field}.source.file_id", None, None, given(f"{field}.source.file_id", source.file_id))
    if source.type == "base64" and source.media_type.startswith("image/") and source.data:
        return Image(f"data:{source.media_type};base64,{source.data}")
    if source.type == "url" and source.url.startswith("https://"):
        return Image(source.url)
    raise InvalidField(f"{field}.source: expected an image in base64, or an https: URL of one")
