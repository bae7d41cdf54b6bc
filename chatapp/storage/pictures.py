"""The pictures that models made, as a model is shown them again with the turns: "make it blue".

One that takes no pictures does without, and so does one of which that is not known, unless it made
them itself: a conversation must survive a change of the model.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from msgspec.structs import replace
from sqlalchemy.orm import Session

from chatapp.chat import Image, Message
from chatapp.chat.files import images_in, with_images
from chatapp.events import File
from chatapp.hub import with_pauses
from chatapp.storage import Answer, StoredMessage
from chatapp.storage.files import with_bytes

Pictures: TypeAlias = Mapping[str, Sequence[Image]]
"""By the ids of answers."""

NO_PICTURES: Pictures = {}


class Maker(NamedTuple):
    """Who is to make an answer. `sees`: whether the model takes pictures, if that is known."""

    provider: str
    model: str
    sees: bool | None = None

    def is_shown(self, answer: Answer) -> bool:
        """Whether it is shown the answer's pictures. One that draws sees, as far as is known."""
        return self.sees or (self.sees is None and (answer.provider, answer.model) == (self.provider, self.model))


def pictures_of(session: Session, history: Sequence[StoredMessage], maker: Maker, max_bytes: int) -> Pictures:
    """Those that are shown to it: of the newest answers, as many as `max_bytes` hold."""
    found: dict[str, list[Image]] = {}
    left = max_bytes
    for message in with_pauses(reversed(history)):
        if not isinstance(message, Answer) or '"file"' not in message.compacted:  # a quick look
            continue
        if not maker.is_shown(message):
            continue
        files = _files(session, message)
        left -= sum(len(file.bytes) for file in files)
        if left < 0:
            break
        found[message.id] = images_in(files)
    return found


def with_pictures(turns: Sequence[Message], pictures: Iterable[Image]) -> list[Message]:
    """The turns of one answer, the last of the assistant's with the pictures."""
    last = max((place for place, turn in enumerate(turns) if turn.role == "assistant"), default=None)
    if last is None:
        return [*turns]
    content = with_images(turns[last].text, pictures)
    return [*turns[:last], replace(turns[last], content=content), *turns[last + 1 :]]


def _files(session: Session, answer: Answer) -> list[File]:
    entries = with_bytes(session, answer.id, answer.entries())
    return [entry.event for entry in entries if isinstance(entry.event, File)]
