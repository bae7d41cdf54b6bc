"""Documents in a request of Anthropic's clients: files in base64 or by id, texts, search results.

With `citations` a text stays a document, so that Anthropic can cite it; else it is a file like any
other.
"""

from collections.abc import Iterator

from chatapp.chat import Document, Image, Part, Text
from chatapp.dialects.anthropic.request_block import Block, Citations, Source, blocks_of
from chatapp.dialects.request_files import named_by, refuse_address, sent_file, sent_text
from chatapp.dialects.request_parts import given, image_of
from chatapp.errors import InvalidField


def document_parts(field: str, block: Block) -> Iterator[Part]:
    """The document, and what the client says of it."""
    source = block.source if isinstance(block.source, Source) else Source("text")
    match source.type:
        case _ if block.type == "search_result":
            said = f"{block.source}\n\n{_text_of(f'{field}.content', block.content)}"
            yield _text(f"{field}.content", block, said)
        case "base64":
            name = block.title or named_by(source.media_type)
            yield sent_file(f"{field}.source.data", name, given(f"{field}.source.data", source.data))
        case "file":
            yield sent_file(f"{field}.source.file_id", None, None, given(f"{field}.source.file_id", source.file_id))
        case "text":
            yield _text(f"{field}.source.data", block, source.data)
        case "content":
            yield _text(f"{field}.source.content", block, _text_of(f"{field}.source.content", source.content))
            yield from _images(f"{field}.source.content", source.content)
        case "url":
            raise refuse_address(f"{field}.source.url")
        case other:
            raise InvalidField(f"{field}.source.type: {other!r} is not supported; use base64, file, text or content")
    if block.context:
        yield Text(f"{block.title or 'About the document'}: {block.context}\n\n")


def wants_citations(content: str | list[Block]) -> bool:
    """Whether the answer is to cite documents in this content."""
    blocks = content if isinstance(content, list) else ()
    wishes = (block.citations for block in blocks if block.type in ("document", "search_result"))
    return any(isinstance(wish, Citations) and wish.enabled for wish in wishes)


def _text(field: str, block: Block, text: str) -> Part:
    name = block.title or "document.txt"
    given(field, text.strip())
    return Document(name, "", text) if wants_citations([block]) else sent_text(field, name, text)


def _text_of(field: str, content: str | list[Block] | None) -> str:
    blocks = blocks_of(content or "")
    for index, block in enumerate(blocks):
        if block.type not in ("text", "image"):
            raise InvalidField(f"{field}[{index}].type: {block.type!r} is not supported; use text or image")
    return "\n\n".join(block.text or "" for block in blocks if block.type == "text")


def _images(field: str, content: str | list[Block] | None) -> Iterator[Image]:
    for index, block in enumerate(blocks_of(content or "")):
        if block.type == "image":
            source = block.source if isinstance(block.source, Source) else Source("")
            inline = f"data:{source.media_type};base64,{source.data}"
            yield image_of(f"{field}[{index}].source", inline if source.type == "base64" else source.url)
