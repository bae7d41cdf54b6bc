"""Images that a protocol takes from users alone. Pure.

What a tool returned, or the model made itself, the model sees in a turn of the user, right behind.
"""

from collections.abc import Collection, Iterable, Iterator

import msgspec

from chatapp.chat import Image, Message, Part, Role, Text

SEE_BELOW = "The result is an image; it follows."
RETURNED = "The images that the tools returned:"
MADE = "The images that you made:"


def shown_by_user(messages: Iterable[Message], roles: Collection[Role]) -> Iterator[Message]:
    """The turns with the images of these roles, of `tool` and `assistant`, behind them. A turn with
    calls and their results stay together."""
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
    """The turn as a text; its images are added to `images`."""
    if isinstance(message.content, str):
        return message
    found = [part for part in message.content if isinstance(part, Image)]
    images += found
    text = message.text or (SEE_BELOW if found and message.role == "tool" else "")
    return msgspec.structs.replace(message, content=text)


def _shown(made: list[Part], returned: list[Part]) -> Iterator[Message]:
    parts = [*([Text(MADE), *made] if made else []), *([Text(RETURNED), *returned] if returned else [])]
    made.clear()
    returned.clear()
    if parts:
        yield Message("user", parts)
