"""What was shown of a reply. Neighbouring pieces of a text are joined, so that a long one costs no
more than its characters."""

from chatapp.events import ReasoningDelta, StreamEvent, TextDelta
from chatapp.text import GrowingText


class Shown:
    def __init__(self) -> None:
        self._events: list[StreamEvent] = []
        self._kind: type[TextDelta | ReasoningDelta] | None = None  # of the text under way
        self._text = GrowingText()

    def add(self, event: StreamEvent) -> None:
        if isinstance(event, (TextDelta, ReasoningDelta)):
            if self._kind is not type(event):
                self._end_text()
                self._kind = type(event)
            self._text.add(event.text)
        else:
            self._end_text()
            self._events.append(event)

    @property
    def events(self) -> list[StreamEvent]:
        self._end_text()
        return self._events

    def _end_text(self) -> None:
        if self._kind is not None:
            self._events.append(self._kind(str(self._text)))
            self._kind, self._text = None, GrowingText()
