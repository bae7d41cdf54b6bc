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
    PlanStep,
    Raw,
    ReasoningDelta,
    RunEnd,
    RunStart,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolInputDelta,
    ToolResult,
)


class Transcript:
    """`last_seq` is 0 while it is empty; `start` and `end` are None until they come."""

    def __init__(self) -> None:
        self.last_seq = 0
        self.start: RunStart | None = None
        self.end: RunEnd | None = None
        self._entries: list[Entry] = []
        self._pieces: list[str] = []  # of the delta under way, which `_join` makes one entry
        self._delta: type[TextDelta | ReasoningDelta] | None = None

    def add(self, entry: Entry) -> None:
        seq, event = entry
        if isinstance(event, (TextDelta, ReasoningDelta)):
            if self._delta is not type(event):
                self._join()
                self._delta = type(event)
            self._pieces.append(event.text)
        elif isinstance(event, Raw):
            pass  # kept only as long as the log; the delta before it may go on after it
        else:
            self._join()
            self._add_whole(entry)
        self.last_seq = seq

    @property
    def entries(self) -> list[Entry]:
        """The compacted log. A joined delta has the seq of its last part: a reader that has seen
        that seq has seen all of it.
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
        for _, event in self.entries:
            if isinstance(event, ToolCall):
                calls[event.id] = event
            elif isinstance(event, ToolResult):
                calls.pop(event.tool_call_id, None)  # a later round may use the id again
        return list(calls.values())

    def _join(self) -> None:
        if self._delta is not None:
            self._entries.append(Entry(self.last_seq, self._delta("".join(self._pieces))))
            self._pieces, self._delta = [], None

    def _add_whole(self, entry: Entry) -> None:
        match entry.event:
            case ToolInputDelta() | Raw():
                return  # the complete call follows
            case AttemptReset():
                self._entries = self._entries[:1]
                return
            case RunStart() as start:
                self.start = start
            case RunEnd() as end:
                self.end = end
            case ToolCall() | ToolApproval() | ToolResult() | PlanStep() | CitedSource() | File() | NativePiece():
                pass
        self._entries.append(entry)


def transcript_of(entries: list[Entry]) -> Transcript:
    transcript = Transcript()
    for entry in entries:
        transcript.add(entry)
    return transcript
