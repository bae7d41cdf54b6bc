"""A run's events, folded into a transcript. Pure.

A `Transcript` is built one entry at a time, while the run is written or from its log afterwards.
Its `entries` are the compacted log: neighbouring deltas are joined, and the events that a reset
voided are left out. They are kept as the message once the log itself is gone, and any dialect can
be rendered from them.
"""

from chatapp.events import (
    AttemptReset,
    CitedSource,
    Entry,
    File,
    NativePiece,
    Part,
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunQueued,
    RunStart,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolProgress,
    ToolQuestion,
    ToolResult,
)
from chatapp.text import GrowingText

PART_S = 0.25
"""What came within this time is one part of a joined delta: so coarse is the replay of a kept
answer, and a minute of text costs 240 parts of some 25 bytes, instead of thousands of entries."""


class Transcript:
    """`last_seq` is 0 while it is empty; `start` and `end` are None until they come."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.start: RunStart | None = None
        self.end: RunEnd | None = None
        self._entries: list[Entry] = []
        self._text = GrowingText()  # of the delta under way, which `_join` makes one entry
        self._delta: type[TextDelta | ReasoningDelta] | None = None
        self._last: Entry | None = None  # of those it is joined from
        self._since = 0.0  # when its newest part began to come
        self._parts: list[Part] = []
        self._parted = 0  # characters in them

    def add(self, entry: Entry) -> None:
        event = entry.event
        if isinstance(event, (TextDelta, ReasoningDelta)):
            if self._delta is not type(event):
                self._join()
                self._delta, self._since = type(event), entry.at
            elif entry.at - self._since > PART_S:
                self._end_part()
                self._since = entry.at
            self._text.add(event.text)
            self._last = entry
        elif isinstance(event, Raw):
            pass  # kept only as long as the log; the delta before it may go on after it
        else:
            self._join()
            self._add_whole(entry)
        self.last_seq = entry.seq

    @property
    def entries(self) -> list[Entry]:
        """The compacted log. A joined delta has the seq and the time of its last part: a reader
        that has seen that seq has seen all of it.
        """
        self._join()
        return self._entries

    @property
    def content(self) -> str:
        """The answer's text."""
        return "".join(entry.event.text for entry in self.entries if isinstance(entry.event, TextDelta))

    @property
    def reasoning(self) -> str:
        return "".join(entry.event.text for entry in self.entries if isinstance(entry.event, ReasoningDelta))

    @property
    def sources(self) -> list[CitedSource]:
        """What the answer cites, in the order in which it was said."""
        return [entry.event for entry in self.entries if isinstance(entry.event, CitedSource)]

    @property
    def files(self) -> list[File]:
        """What the model made, in order."""
        return [entry.event for entry in self.entries if isinstance(entry.event, File)]

    def open_calls(self) -> list[ToolCall]:
        """The calls without a result, which the client that offered the tools is to run."""
        calls: dict[str, ToolCall] = {}
        for entry in self.entries:
            event = entry.event
            if isinstance(event, ToolCall):
                calls[event.id] = event
            elif isinstance(event, ToolResult):
                calls.pop(event.tool_call_id, None)  # a later round may use the id again
        return list(calls.values())

    def _join(self) -> None:
        if self._delta is not None:
            assert self._last is not None
            if self._parts:
                self._end_part()
            text = self._delta(str(self._text))
            self._entries.append(Entry(self.last_seq, text, round(self._last.at, 3), tuple(self._parts)))
            self._text, self._delta, self._parts, self._parted = GrowingText(), None, [], 0

    def _end_part(self) -> None:
        assert self._last is not None
        chars = self._text.chars
        self._parts.append(Part(self._last.seq, chars - self._parted, round(self._last.at, 3)))
        self._parted = chars

    def _add_whole(self, entry: Entry) -> None:
        match entry.event:
            case ToolInputDelta() | Raw() | ToolProgress() | RunQueued():
                return  # the complete call follows, or its result; a wait is over
            case AttemptReset():
                self._entries = self._entries[:1]
                return
            case RunStart() as start:
                self.start = start
            case RunEnd() as end:
                self.end = end
            case (
                ToolCall()
                | ToolApproval()
                | ToolQuestion()
                | ToolResult()
                | PlanStep()
                | CitedSource()
                | File()
                | NativePiece()
            ):
                pass
        self._entries.append(Entry(entry.seq, entry.event, round(entry.at, 3), entry.parts))


def parts_of(entry: Entry) -> list[Entry]:
    """The entry as it came, if it is a joined delta: one entry for each of its parts."""
    event = entry.event
    if not entry.parts or not isinstance(event, (TextDelta, ReasoningDelta)):
        return [entry]
    parts, begin = [], 0
    for part in entry.parts:
        text = event.text[begin : begin + part.chars]
        parts.append(Entry(part.seq, type(event)(text), part.at))
        begin += part.chars
    parts[-1] = Entry(entry.seq, parts[-1].event, entry.at)  # its seq counts raw events behind it, too
    return parts


def transcript_of(entries: list[Entry]) -> Transcript:
    transcript = Transcript()
    for entry in entries:
        transcript.add(entry)
    return transcript
