"""A response: a reader of a run, in a dialect, from a position. It never touches a provider.

`open_reader` finds the position before the first byte, so that the response can still be a 204;
`Reader.follow` is the body. One blocking `read` serves replay and live alike: there is no hand-off
between them, and so no race.

Resume: the dialect runs from seq 1 with its output muted up to `after`. Its state rebuilds itself,
so what follows is, byte for byte, the suffix of the unbroken stream.
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from time import monotonic

from chatapp.cancel import CancelScope
from chatapp.dialects import Dialect
from chatapp.errors import (
    ChatappError,
    DatabaseUnavailable,
    LimitExceeded,
    LogError,
    Overloaded,
    Unauthorized,
    UnknownRun,
)
from chatapp.events import Entry, ErrorInfo, ReasoningDelta, RunEnd, TextDelta, Timing, Usage
from chatapp.hub import ITEM_WORK, TURN_WORK, let_others_run
from chatapp.logs import READ_ENTRIES
from chatapp.reading.presence import AccessEnded, ServerDraining
from chatapp.reading.sources import Source
from chatapp.wire.client_socket import Unsent
from chatapp.wire.frames import HEARTBEAT, Frame, encode

CATCH_UP_S = 0.5  # another worker's last events, which the client has seen, may be milliseconds away from this one
# Rendered, and sent, in one go; and held of what was read. A client that is stuck holds so much.
PIECE_WORK, AHEAD_CHARS = TURN_WORK // 4, 32_768
RECONNECT_SOON_MS = 500  # for a client that something between us cut off; browsers wait for seconds
RECONNECT_MS = 500, 3000  # spread, so that not all readers meet a restarting server at once
NOT_NOW = LogError, DatabaseUnavailable, LimitExceeded  # what ends a stream that can be resumed


class ClientDisconnected(Exception):
    """The client is gone."""


class AlreadyComplete(Exception):
    """The client has every event of a run that has ended: there is nothing to send."""


class Reader:
    """One response's place in a run. Cancelling its `scope` ends it while it waits. `seq` is that
    of the last event that was sent. Ids have `id_suffix` after the seq. `resets` counts how often
    its client had to begin again."""

    def __init__(self, source: Source, dialect: Dialect, id_suffix: str = "") -> None:
        self.scope = CancelScope()
        self.ended = False  # the terminal event was sent
        self.resets = 0
        self.seq = 0
        self.id_suffix = id_suffix
        self._source = source
        self._dialect = dialect
        self._ahead: Sequence[Entry] = ()  # read and not rendered: more than fits into one piece
        self._work = 0  # of this turn
        self._preamble = b"retry: %d\n" % RECONNECT_SOON_MS if id_suffix else b""
        self._sent_at = 0.0
        self._write: Callable[[bytes], object] | None = None

    def follow(self, heartbeat_s: float, trace_id: str) -> Iterator[bytes]:
        """The body: what is there, then what comes, up to the terminal event; or until the scope is
        cancelled.

        The first piece comes at once, because the headers leave with it. With `write_in_hub` this
        yields only what is not written there.
        """
        try:
            yield self.preamble() + (self.render(self.fetch(0.0)) or HEARTBEAT)
            while not self.ended:
                yield self._next(heartbeat_s)
        except ClientDisconnected:
            return
        except ServerDraining:
            yield self._dismissed(trace_id)
        except AccessEnded:
            yield self.failed(access_ended(), trace_id)
        except NOT_NOW as error:
            yield self.failed(error, trace_id)

    def write_in_hub(self, write: Callable[[bytes], object]) -> None:
        """From now on a token that comes while this reader waits is written in the hub, by `write`,
        which must not wait: it raises Unsent instead. To wake the reader for each of them would
        cost more than to render and to send it."""
        self._write = write

    def fetch(self, wait: float) -> Sequence[Entry]:
        """The entries to `render` next; `[]` if none come within `wait` seconds. Raises LogError,
        and the scope's reason."""
        if self._work > TURN_WORK:
            self._work = 0
            self.scope.run(let_others_run)
        try:
            return self._ahead or self.scope.run(self._source.read, self.seq, wait, self._write and self._take)
        except UnknownRun:
            self._turn_to_kept()
            return self.fetch(0.0)

    def render(self, entries: Sequence[Entry]) -> bytes:
        """What is sent of the entries that were fetched: those that fit into one piece. The others
        are next."""
        pieces, work = [], 0
        for entry in entries:
            pieces.append(piece := self._render(entry))
            work += ITEM_WORK + len(piece)
            if work > PIECE_WORK:
                break
        self._work += work
        self._ahead = near(entries[len(pieces) :]) if len(pieces) < len(entries) else ()
        data = b"".join(pieces)
        return self.preamble() + data if self._preamble else data

    def preamble(self) -> bytes:
        """What is to be sent before anything else, once: that the client must begin again."""
        preamble, self._preamble = self._preamble, b""
        return preamble

    def heartbeat(self) -> bytes:
        return HEARTBEAT + b"".join(map(encode, self._dialect.heartbeat()))

    def failed(self, error: ChatappError, trace_id: str) -> bytes:
        """The dialect's error event, without an id, so that the client may resume later."""
        info = ErrorInfo(error.code, error.message, error.retryable, trace_id)
        end = RunEnd("error", Usage(), Timing(), info)
        return b"".join(map(encode, self._dialect.encode(end)))

    def skip_to(self, after: int, patience_s: float = CATCH_UP_S) -> None:
        """Continue after `after`, which the client has; reset it if the log cannot serve that
        position within `patience_s` seconds.

        Raises AlreadyComplete, UnknownRun.
        """
        deadline = monotonic() + patience_s
        while self.seq < after:
            entries = self._source.read(self.seq, max(0.0, deadline - monotonic()))
            for entry in entries:
                if entry.seq <= after:
                    self._render(entry)
            let_others_run()  # a long log must not hold the hub
            if not entries or entries[-1].seq > after:
                break
        if self.seq != after:
            self._start_again("position")
        elif self.ended:
            raise AlreadyComplete

    def _start_again(self, reason: str) -> None:
        """Foreign, future or trimmed: the client forgets what it has and gets everything from the
        first event."""
        self.resets += 1
        self._preamble += b"".join(map(encode, self._dialect.reset(reason)))
        self._dialect = self._dialect.fresh()
        self.seq, self.ended = 0, False

    def _next(self, heartbeat_s: float) -> bytes:
        """The next bytes of the run; a heartbeat if none come for so long."""
        self._sent_at = monotonic()
        while (left := self._sent_at + heartbeat_s - monotonic()) > 0:
            try:
                data = self.render(self.fetch(left))
            except Unsent as rest:
                rest.send()
                continue
            if data or self.ended:  # an event may have no frames in this dialect, even the last
                return data
        return self.heartbeat()

    def _take(self, entries: Sequence[Entry]) -> bool:
        """Write a few tokens, in the hub. Anything else wakes the reader."""
        if not is_short(entries):
            return False
        assert self._write is not None
        data = b""
        for entry in entries:  # mostly one
            data += self._render(entry)
        if data:
            self._sent_at = monotonic()
            self._write(data)
        self._work = 0  # this turn of the hub ends here
        return True

    def _turn_to_kept(self) -> None:
        """Begin again: what is kept has fewer, larger events, which do not continue those that were
        sent."""
        kept = self._source.kept() if self._dialect.has_event_ids else None
        if kept is None:
            raise UnknownRun("the log of this run no longer exists")
        self._source = kept
        self._start_again("log")

    def _render(self, entry: Entry) -> bytes:
        self.seq = entry.seq
        self.ended = type(entry.event) is RunEnd
        frames = self._dialect.encode(entry.event)
        if self._dialect.has_event_ids:
            return encode_with_id(frames, f"{entry.seq}{self.id_suffix}")
        return b"".join(map(encode, frames))

    def _dismissed(self, trace_id: str) -> bytes:
        """A client that resumes by itself is told when; any other, that this is not the end."""
        if self._dialect.has_event_ids:
            return come_again()
        return self.failed(Overloaded("the server is shutting down; try again in a moment"), trace_id)


def open_reader(
    source: Source, dialect: Dialect, after: int = 0, id_suffix: str = "", patience_s: float = CATCH_UP_S
) -> Reader:
    """A reader that continues after seq `after` (negative: a position that no log can serve), for
    which it waits `patience_s` seconds if the log does not reach it yet.

    Raises AlreadyComplete, UnknownRun.
    """
    reader = Reader(source, dialect, id_suffix)
    if after:
        try:
            reader.skip_to(after, patience_s)
        except UnknownRun:
            if (kept := source.kept()) is None:
                raise
            return open_reader(kept, dialect.fresh(), after, id_suffix, patience_s)
    return reader


def is_short(entries: Sequence[Entry]) -> bool:
    """Whether they are texts that can be rendered and sent in one turn."""
    work = 0
    for entry in entries:
        event = entry.event
        if type(event) is not TextDelta and type(event) is not ReasoningDelta:
            return False
        work += ITEM_WORK + len(event.text)
    return work < PIECE_WORK // 2  # a fraction of a turn, as their frames may be several times as long


def near(entries: Sequence[Entry]) -> Sequence[Entry]:
    """The first of these, as far as they are short. The others are read again when it is their
    turn."""
    chars = 0
    for number, entry in enumerate(entries):
        event = entry.event
        chars += len(event.text) if isinstance(event, TextDelta | ReasoningDelta) else AHEAD_CHARS // READ_ENTRIES
        if chars > AHEAD_CHARS:
            return entries[:number]
    return entries


def access_ended() -> ChatappError:
    return Unauthorized("your login, or this link, has ended")


def come_again() -> bytes:
    """Tells a client that resumes by itself when to do so. No blank line, as in a heartbeat."""
    return b"retry: %d\n" % random.randint(*RECONNECT_MS)


def encode_with_id(frames: Iterable[Frame], id: str) -> bytes:
    """The frames of one event; the last one carries its id, so that a client never resumes inside
    an event."""
    data, last = b"", None
    for frame in frames:
        if last is not None:
            data += encode(last)
        last = frame
    return data if last is None else data + encode(last, id)
