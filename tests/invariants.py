"""What must hold whatever is broken, in one place: the fault tests, the storms and the soak use it.

- Each reader applied exactly 1..n: nothing twice, nothing missing, in order.
- Every append that was acknowledged is there.
- There is exactly one terminal event, and it is the last.
- All readers and the stored message agree, byte for byte.
- Descriptors, greenlets, connections and memory are back where they were.
"""

import gc
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gevent
import greenlet

from chatapp.events import Entry, RunEnd
from chatapp.transcript import transcript_of
from chatapp.wire.frames import ServerEvent

TERMINAL = ("completed", "error")  # of the dialect `message`
SETTLE_S = 10.0  # for what ends in milliseconds


class Broken(AssertionError):
    """An invariant does not hold."""


def check_entries(entries: Sequence[Entry], acknowledged: Sequence[Entry] = ()) -> None:
    """A whole log, as one reader got it; `acknowledged` is what its writer was told is durable."""
    seqs = [entry.seq for entry in entries]
    if seqs != list(range(1, len(seqs) + 1)):
        raise Broken(f"seqs are not 1..n: {_first_wrong(seqs)}")
    ends = [entry.seq for entry in entries if isinstance(entry.event, RunEnd)]
    if ends != [len(entries)]:
        raise Broken(f"there must be one end, and it is the last of {len(entries)}: {ends}")
    for entry in acknowledged:
        if entry.seq > len(entries) or entries[entry.seq - 1].event != entry.event:
            raise Broken(f"the acknowledged entry {entry.seq} is not there: {entry.event}")


def check_readers(readers: Iterable[Sequence[Entry]], acknowledged: Sequence[Entry] = ()) -> None:
    """All readers of one run."""
    first: Sequence[Entry] | None = None
    for entries in readers:
        check_entries(entries, acknowledged)
        if first is not None and entries != first:
            raise Broken("two readers applied different events")
        first = entries


def check_kept(entries: Sequence[Entry], content: str) -> None:
    """The stored message is what the log says."""
    if transcript_of(entries).content != content:
        raise Broken("the stored message differs from its log")


@dataclass
class Applied:
    """A client of the dialect `message`, which applies each event once and resumes from the last
    that it has. `resets` says when, and why, it was told to begin again."""

    last: int = 0
    text: str = ""
    ended: str | None = None
    resets: list[str] = field(default_factory=list)
    _seen: list[int] = field(default_factory=list)

    def apply(self, event: ServerEvent, text_of: Callable[[ServerEvent], str]) -> None:
        if event.type == "reset":
            self.resets.append(f"after {self.last}: {event.data}")
            self.last, self.text, self.ended, self._seen = 0, "", None, []
            return
        if event.type == "heartbeat":
            return
        if self.ended is not None:
            raise Broken(f"an event after the end: {event}")
        if event.last_event_id:
            seq = int(event.last_event_id)
            if seq <= self.last:
                raise Broken(f"event {seq} came again; the last was {self.last}")
            self.last = seq
            self._seen.append(seq)
        self.text += text_of(event)
        if event.type in TERMINAL:
            self.ended = event.type


def check_clients(clients: Sequence[Applied], content: str, resets: bool = False) -> None:
    """All clients of one run, and the message that was stored of it."""
    for number, client in enumerate(clients):
        if client.ended is None:
            raise Broken(f"client {number} saw no terminal event; its last was {client.last}")
        if client.text != content:
            raise Broken(f"client {number} has other text than the stored message: {_difference(client.text, content)}")
        if client.resets and not resets:
            raise Broken(f"client {number} was reset: {client.resets}")
    if len({client._seen[-1] if client._seen else 0 for client in clients}) > 1:
        raise Broken("the clients' last events differ")


@dataclass(frozen=True)
class Holdings:
    """What a process holds. Memory is in KiB."""

    descriptors: int
    sockets: int
    memory_kib: int

    @classmethod
    def of(cls, pid: int) -> "Holdings":
        names = [_target(path) for path in Path(f"/proc/{pid}/fd").iterdir()]
        status = Path(f"/proc/{pid}/status").read_text()
        rss = re.search(r"VmRSS:\s+(\d+)", status)
        assert rss is not None
        return cls(len(names), sum(name.startswith("socket:") for name in names), int(rss[1]))

    def check_back_at(self, before: "Holdings", memory_kib: int, descriptors: int = 2) -> None:
        """Whether these are what was held `before`, but for so much."""
        if self.descriptors > before.descriptors + descriptors:
            raise Broken(f"descriptors: {before.descriptors} before, {self.descriptors} now")
        if self.memory_kib > before.memory_kib + memory_kib:
            raise Broken(f"memory: {before.memory_kib} KiB before, {self.memory_kib} KiB now")


def check_returns(holdings: Callable[[], Holdings], before: Holdings, memory_kib: int, descriptors: int = 2) -> None:
    """Wait until a process holds what it held before. Raises Broken."""
    with gevent.Timeout(SETTLE_S, False):
        while True:
            try:
                return holdings().check_back_at(before, memory_kib, descriptors)
            except Broken:
                gevent.sleep(0.05)
    holdings().check_back_at(before, memory_kib, descriptors)


def live_greenlets() -> int:
    """Of this process."""
    gc.collect()
    return sum(isinstance(each, greenlet.greenlet) and not each.dead for each in gc.get_objects())


def _target(path: Path) -> str:
    try:
        return os.readlink(path)
    except FileNotFoundError:  # it was closed meanwhile
        return ""


def _first_wrong(seqs: Sequence[int]) -> str:
    at = next(at for at, seq in enumerate(seqs, 1) if seq != at)
    return f"{seqs[at - 1]} stands in the place of {at}"


def _difference(one: str, other: str) -> str:
    at = next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)
    return f"{len(one)} and {len(other)} characters, first different at {at}"


def check_logs(model: Mapping[str, Sequence[Entry]], read: Callable[[str], Sequence[Entry]]) -> None:
    """Each run of a model is in the log, whole."""
    for run_id, entries in model.items():
        if list(read(run_id)) != list(entries):
            raise Broken(f"the log of {run_id} differs from what was appended")
