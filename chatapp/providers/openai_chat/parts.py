"""What the parts of a message say: thinking, text, pictures, arguments."""

from collections.abc import Iterator

import msgspec
from msgspec import UNSET

from chatapp.events import CitedSource, File, ReasoningDelta, TextDelta
from chatapp.providers.openai_chat.frames import Function, Message, Part
from chatapp.providers.openai_chat.media import Beside, beside
from chatapp.providers.openai_chat.reasoning_details import words
from chatapp.wire.json_text import NOTHING, json_data

PARTS = ("text", "thinking")  # those that may be empty


def is_known(part: Part) -> bool:
    return bool(part.text or part.thinking or part.type in PARTS or part.image_url is not UNSET)


def reasoning_of(message: Message) -> str:
    """Some send the same under several names."""
    for said in (message.reasoning_content, message.reasoning, message.reasoning_details):
        if text := said if isinstance(said, str) else words(said) if said not in (None, NOTHING) else "":
            return text
    return ""


def arguments_of(function: Function) -> str:
    text = function.arguments or ""
    return json_data(text) if isinstance(text, dict) else text


def part_events(part: Part | str) -> Iterator[ReasoningDelta | TextDelta | CitedSource | File]:
    if isinstance(part, str):
        part = Part(text=part)
    thinking = part.thinking
    if isinstance(thinking, list):
        thinking = "".join(piece.text or "" for piece in thinking)
    if thinking:
        yield ReasoningDelta(thinking)
    if part.text:
        yield TextDelta(part.text)
    if part.image_url is not UNSET:
        yield from beside(Beside(images=msgspec.Raw(b'{"image_url":%b}' % bytes(part.image_url))))
