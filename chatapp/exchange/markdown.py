"""A conversation as Markdown, to read: what it shows, with who said what, and when. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from chatapp.events import CitedSource, File, TextDelta, ToolCall
from chatapp.exchange import KeptConversation, KeptMessage

ROLES = {"system": "Instructions", "user": "You", "assistant": "Assistant"}


def markdown_of(conversation: KeptConversation) -> Iterator[str]:
    """In pieces, of a message each."""
    yield f"# {_line(conversation.title) or 'Conversation'}\n"
    shown = conversation.shown_ids()
    for message in conversation.messages:
        if message.id in shown:
            yield _told(message)


def _told(message: KeptMessage) -> str:
    when = datetime.fromtimestamp(message.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
    who = ROLES[message.role] if message.role != "assistant" or not message.model else _line(message.model)
    head = "" if message.continues else f"\n## {who}\n\n*{when}*\n\n"
    return head + _body(message).rstrip("\n") + "\n"


def _body(message: KeptMessage) -> str:
    """Its texts, and what it called, made and cites, in order."""
    if not message.events:
        return "".join(f"*File: {_line(file.name)}*\n\n" for file in message.files) + message.content
    parts: list[str] = []
    sources: list[str] = []
    for event in message.events:
        match event:
            case TextDelta():
                parts.append(event.text)
            case ToolCall():
                parts.append(f"\n\n*Called `{_line(event.name)}`*\n\n")
            case File():
                parts.append(f"\n\n*File: {_line(event.name or event.media_type)}*\n\n")
            case CitedSource():
                sources.append(f"- {_line(event.title or event.url)}{f' <{_line(event.url)}>' if event.url else ''}")
            case _:
                pass
    listed = "\n\nSources:\n\n" + "\n".join(sources) if sources else ""
    return "".join(parts).strip("\n") + listed


def _line(text: str) -> str:
    return " ".join(text.split())
