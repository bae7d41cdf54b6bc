"""Frames of one message among those of others: their JSON also has `message_id`. Pure."""

from collections.abc import Iterable, Iterator

from chatapp.dialects import Dialect
from chatapp.events import StreamEvent
from chatapp.wire.frames import Frame
from chatapp.wire.json_text import json_data


class NamedDialect(Dialect):
    """`dialect`, whose frames all hold a JSON object, in which each frame names the message."""

    has_event_ids = True

    def __init__(self, dialect: Dialect, message_id: str) -> None:
        self.name = dialect.name  # type: ignore[misc]
        self._dialect = dialect
        self._message_id = message_id
        self._field = f'{{"message_id":{json_data(message_id)}'

    def fresh(self) -> "NamedDialect":
        return NamedDialect(self._dialect.fresh(), self._message_id)

    def encode(self, event: StreamEvent) -> Iterator[Frame]:
        return self._named(self._dialect.encode(event))

    def heartbeat(self) -> Iterable[Frame]:
        """As it is: the stream's silence is nobody's own."""
        return self._dialect.heartbeat()

    def reset(self, reason: str) -> Iterator[Frame]:
        return self._named(self._dialect.reset(reason))

    def _named(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        for frame in frames:
            rest = frame.data.removeprefix("{")
            data = self._field + ("" if rest == "}" else ",") + rest
            yield Frame(data, frame.event, frame.id, frame.retry)
