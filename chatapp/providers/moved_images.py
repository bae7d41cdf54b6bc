"""Images and PDFs that a protocol takes from users alone. Pure.

What a tool returned, or the model made itself, the model sees in a turn of the user, right behind.
"""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from chatapp.chat import Document, Image, Message, Part, Role, Text

SEE_BELOW = "The result is an image; it follows."
FILE_BELOW = "The result is a file; it follows."
RETURNED = "The images that the tools returned:"
FILES_RETURNED = "The files that the tools returned:"
MADE = "The images that you made:"


def shown_by_user(messages: Iterable[Message], roles: Collection[Role]) -> Iterator[Message]:
    """The turns with the images and PDFs of these roles, of `tool` and `assistant`, behind them. A
    turn with calls and their results stay together."""
    made: list[Part] = []
    returned: list[Part] = []
    for message in messages:
        if message.role != "tool":
            yield from _shown(made, returned)
        if message.role in roles and message.role in ("tool", "assistant"):
            yield _without_images(message, returned if message.role == "tool" else made)
        else:
            yield message
    yield from _shown(made, returned)


def _without_images(message: Message, images: list[Part]) -> Message:
    """The turn as a text; its images and PDFs are added to `images`."""
    if isinstance(message.content, str):
        return message
    found = [part for part in message.content if isinstance(part, (Image, Document))]
    images += found
    below = FILE_BELOW if any(isinstance(part, Document) for part in found) else SEE_BELOW
    text = message.text or (below if found and message.role == "tool" else "")
    return msgspec.structs.replace(message, content=text)


def _shown(made: list[Part], returned: list[Part]) -> Iterator[Message]:
    title = FILES_RETURNED if any(isinstance(part, Document) for part in returned) else RETURNED
    parts = [*([Text(MADE), *made] if made else []), *([Text(title), *returned] if returned else [])]
    made.clear()
    returned.clear()
    if parts:
        yield Message("user", parts)
