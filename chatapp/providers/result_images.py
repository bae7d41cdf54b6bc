"""Images in the results of tools, for protocols whose results are texts. Pure.

The model sees them in a turn of the user, right after the results.
"""

from collections.abc import Iterable, Iterator

import msgspec

from chatapp.chat import Image, Message, Part, Text

SEE_BELOW = "The result is an image; it follows."
FOLLOWING = "The images that the tools returned:"


def after_results(messages: Iterable[Message]) -> Iterator[Message]:
    """The turns with the images of results behind them. The results of one turn stay together."""
    images: list[Part] = []
    for message in messages:
        if message.role != "tool" and images:
            yield _shown(images)
            images = []
        yield _without_images(message, images) if message.role == "tool" else message
    if images:
        yield _shown(images)


def _without_images(message: Message, images: list[Part]) -> Message:
    """The result as a text; its images are added to `images`."""
    if isinstance(message.content, str):
        return message
    found = [part for part in message.content if isinstance(part, Image)]
    images += found
    text = message.text or (SEE_BELOW if found else "")
    return msgspec.structs.replace(message, content=text)


def _shown(images: list[Part]) -> Message:
    return Message("user", [Text(FOLLOWING), *images])
