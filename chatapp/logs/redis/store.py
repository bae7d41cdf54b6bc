"""Every command on a run's log, and the names of its keys. No waiting, no clock.

chatapp:run:<id>       hash: owner, last, end, cancelled, settled, awaited
chatapp:events:<id>    stream: pieces of events, each with the seq of its last as its id
chatapp:readers:<id>   hash: the processes that have readers
chatapp:writers        hash: the beat of each process, or `gone`
chatapp:runs:<writer>  set: the runs that it has not settled
chatapp:inbox:<writer> stream: what other processes want of it
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.exceptions import NoScriptError

from chatapp.errors import LogError
from chatapp.events import Entry
from chatapp.logs import READ_ENTRIES
from chatapp.logs.redis.commander import Commander
from chatapp.logs.redis.connection import Arg, Command, Connection
from chatapp.logs.redis.pieces import Piece, entries_of
from chatapp.logs.redis.scripts import CANCEL, CREATE, LEAVE, READERS, SETTLE, TAKE_OVER, WRITE

MISSING, FENCED, DAMAGED = -1, -2, -3
PIECES = 8  # read at first; one may hold 256 events, or a picture
NEWS_PIECES = 4  # of a run in one go: a writer sends one in 5 ms, and hundreds of runs may be followed
READ_BYTES = 32 << 10
INBOX_S = 3600  # of a process that is gone for good
READERS_S = 24 * 3600  # a run is over by then
WRITERS = "chatapp:writers"


class StoredRun(NamedTuple):
    id: str
    last: int
    end: int | None


class Written(NamedTuple):
    """`status`: the seq of the last event that Redis has; MISSING, FENCED or DAMAGED."""

    status: int
    cancelled: bool


def run_key(run_id: str) -> str:
    return f"chatapp:run:{run_id}"


def events_key(run_id: str) -> str:
    return f"chatapp:events:{run_id}"


def readers_key(run_id: str) -> str:
    return f"chatapp:readers:{run_id}"


def runs_key(writer: str) -> str:
    return f"chatapp:runs:{writer}"


def inbox_key(writer: str) -> str:
    return f"chatapp:inbox:{writer}"


def write(connection: Connection, writer: str, batch: Sequence[tuple[str, Sequence[Piece]]]) -> list[Written]:
    """Add pieces to each run, in one step for all. Raises StoreError."""
    args: list[Arg] = [writer]
    for run_id, pieces in batch:
        args += run_id, len(pieces)
        for piece in pieces:
            args += piece.first, piece.upto, int(piece.ends), piece.data
    command = WRITE.command((), args)
    try:
        replies = connection.call(*command)
    except NoScriptError:
        replies = connection.call(*WRITE.whole(command))
    written = [Written(pieces[-1].upto if pieces else MISSING, False) for _, pieces in batch]
    for number, status, cancelled in replies:
        written[number] = Written(status, bool(cancelled))
    return written


class Store:
    """All but writing and following, by one `Commander`. Raises LogUnavailable."""

    def __init__(self, commander: Commander, writer: str) -> None:
        self._commander = commander
        self._writer = writer

    def ping(self, patience_s: float) -> None:
        self._commander.call("PING", patience_s=patience_s)

    def create(self, run_id: str) -> None:
        """Raises LogError if the id is taken."""
        keys = run_key(run_id), runs_key(self._writer)
        if not self._commander.script(CREATE, keys, self._writer, run_id):
            raise LogError("this run has a log already")

    def settle(self, run_id: str, retention_s: float) -> None:
        keys = run_key(run_id), events_key(run_id)
        self._commander.script(SETTLE, keys, run_id, max(1, round(retention_s * 1000)))

    def exists(self, run_id: str) -> bool:
        return bool(self._commander.call("EXISTS", run_key(run_id)))

    def find(self, run_id: str) -> StoredRun | None:
        owner, last, end = self._commander.call("HMGET", run_key(run_id), "owner", "last", "end")
        return StoredRun(run_id, int(last), int(end) if end else None) if owner else None

    def read(self, run_id: str, after: int) -> list[Entry]:
        """Entries with seq > `after`, in order; if they are many, the first ones of them.

        Nobody knows how large pieces are: of a run that flowed slowly they are small, so more and
        more of them are asked for.
        """
        entries: list[Entry] = []
        count, size = PIECES, 0
        while len(entries) < READ_ENTRIES and size < READ_BYTES:
            last = entries[-1].seq if entries else after
            found = self._commander.call("XRANGE", events_key(run_id), f"({last}-0", "+", "COUNT", count)
            for id, (_, data) in found:
                entries += entries_of(seq_of(id), data, last)
                size += len(data)
            if len(found) < count:
                break
            count *= 4
        return entries[:READ_ENTRIES]

    def cancel(self, run_id: str) -> bool:
        """Ask the writer to stop it. False if there is no such run."""
        return bool(self._commander.script(CANCEL, [run_key(run_id)], run_id))

    def wake(self) -> None:
        """Let the read that waits for news return, and begin again with what it should wait for."""
        inbox = inbox_key(self._writer)
        self._commander.post("XADD", inbox, "MAXLEN", "~", 1000, "*", "wake", "")
        self._commander.post("EXPIRE", inbox, INBOX_S)

    def attend(self, run_id: str) -> None:
        self._commander.post("HSETNX", WRITERS, self._writer, 0)  # readers of one without a beat do not count
        self._commander.post("HSET", readers_key(run_id), self._writer, "")
        self._commander.post("EXPIRE", readers_key(run_id), READERS_S)

    def readers(self, run_id: str, visit: int | None, leaving: bool) -> tuple[bool, int | None]:
        """Whether other processes have readers, and the visit that the run waits for."""
        keys = readers_key(run_id), WRITERS, run_key(run_id)
        awaited = -1 if visit is None else visit
        elsewhere, awaited = self._commander.script(READERS, keys, self._writer, awaited, int(leaving))
        return bool(elsewhere), None if awaited < 0 else awaited

    def beat(self) -> None:
        self._commander.call("HINCRBY", WRITERS, self._writer, 1)

    def beats(self) -> dict[str, bytes]:
        found = self._commander.call("HGETALL", WRITERS)
        return {name.decode(): beat for name, beat in zip(found[::2], found[1::2], strict=True)}

    def own(self) -> list[str]:
        """The unsettled runs of this process."""
        return [run_id.decode() for run_id in self._commander.call("SMEMBERS", runs_key(self._writer))]

    def take_over(self, gone: str, beat: bytes) -> list[StoredRun]:
        keys = WRITERS, runs_key(gone), runs_key(self._writer)
        runs = self._commander.script(TAKE_OVER, keys, gone, self._writer, beat)
        return [StoredRun(id.decode(), int(last), int(end) if end else None) for id, last, end in runs]

    def leave(self) -> None:
        """This process writes nothing any more."""
        self._commander.script(LEAVE, (WRITERS, runs_key(self._writer)), self._writer)


def seq_of(id: bytes) -> int:
    return int(id.partition(b"-")[0])


def news_command(streams: dict[str, str], block_s: float) -> Command:
    """Wait for entries behind these ids."""
    return ("XREAD", "COUNT", NEWS_PIECES, "BLOCK", round(block_s * 1000), "STREAMS", *streams, *streams.values())


def news(reply: Any) -> list[tuple[str, list[tuple[bytes, list[bytes]]]]]:
    """Of each stream that has some: its key, and its entries as id and fields."""
    return [(key.decode(), [(id, fields) for id, fields in entries]) for key, entries in reply or []]
