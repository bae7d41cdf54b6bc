"""A conversation as Markdown, to read: what it shows, with who said what, and when. As on the page,
no picture is loaded from elsewhere, and no HTML is taken for markup. Pure.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from chatapp.events import CitedSource, File, TextDelta, ToolCall
from chatapp.exchange import KeptCall, KeptConversation, KeptMessage
from chatapp.exchange.inert import inert

WEB = re.compile(r"https?://[^\s<>]+").fullmatch
ROLES = {"system": "Instructions", "user": "You", "assistant": "Assistant"}

PIECE_CHARS = 4000  # in lines full of code, some milliseconds


def markdown_of(conversation: KeptConversation) -> Iterator[str]:
    """In pieces, between which others may have their turn."""
    yield f"# {_line(conversation.title) or 'Conversation'}\n"
    shown = conversation.shown_ids()
    for message in conversation.messages:
        if message.id in shown:
            yield _head(message)
            yield from _in_pieces(inert(_body(message).rstrip("\n") + "\n"))


def _head(message: KeptMessage) -> str:
    when = datetime.fromtimestamp(message.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    who = ROLES[message.role] if message.role != "assistant" or not message.model else _line(message.model)
    return "" if message.continues else f"\n## {who}\n\n*{when}*\n\n"


def _body(message: KeptMessage) -> str:
    """Its texts, and what it called, made and cites, in order."""
    if not message.events:
        files = [f"*File: {_line(file.name)}*\n\n" for file in message.files]
        return "".join([*files, message.content, *map(_called, message.calls)])
    parts: list[str] = []
    sources: list[str] = []
    for event in message.events:
        match event:
            case TextDelta():
                parts.append(event.text)
            case ToolCall():
                parts.append(_called(event))
            case File():
                parts.append(f"\n\n*File: {_words(event.name or event.media_type)}*\n\n")
            case CitedSource():
                address = _words(event.url)
                sources.append(f"- {_words(event.title or event.url)}{f' <{address}>' if WEB(address) else ''}")
            case _:
                pass
    listed = "\n\nSources:\n\n" + "\n".join(sources) if sources else ""
    return "".join(parts).strip("\n") + listed


def _called(call: ToolCall | KeptCall) -> str:
    return f"\n\n*Called `{_words(call.name)}`*\n\n"


def _in_pieces(texts: Iterator[str]) -> Iterator[str]:
    """Joined to pieces that are worth a turn."""
    piece: list[str] = []
    chars = 0
    for text in texts:
        piece.append(text)
        chars += len(text)
        if chars > PIECE_CHARS:
            yield "".join(piece)
            piece, chars = [], 0
    yield "".join(piece)


def _line(text: str) -> str:
    return "".join(inert(_words(text)))


def _words(text: str) -> str:
    return " ".join(text.split())
