"""The text of PDFs, read by a helper process for each: see `pdf_helper`."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import msgspec

from chatapp.errors import InvalidField, Overloaded
from chatapp.hub.large_values import sha256_of
from chatapp.quotas.turns import OwnerTurns
from chatapp.uploads.spawned import output_of

HELPER = Path(__file__).with_name("pdf_helper.py")
AT_ONCE = 2  # helpers of one process: each takes a core
REMEMBERED_CHARS = 4_000_000  # at most 16 MB, of a process
REMEMBERED = 1000  # texts: those of scans are empty
WAITING = 10  # files of one owner, besides the one that is read: what the page sends at once

ReadPDF: TypeAlias = Callable[[str, str, bytes], str]
"""From an owner, a file's name and its bytes to its text, which may be empty. Raises InvalidField,
LimitExceeded, Overloaded."""


class Texts:
    """The texts that were read last, by their files' digests. Most clients of the vendors'
    protocols send their files again with each request."""

    def __init__(self, max_chars: int = REMEMBERED_CHARS) -> None:
        self._max_chars = max_chars
        self._texts: dict[str, str] = {}  # the one used last is at the end
        self._chars = 0

    def get(self, digest: str) -> str | None:
        text = self._texts.pop(digest, None)
        if text is not None:
            self._texts[digest] = text
        return text

    def add(self, digest: str, text: str) -> None:
        self._chars += len(text) - len(self._texts.pop(digest, ""))
        self._texts[digest] = text
        while self._chars > self._max_chars or len(self._texts) > REMEMBERED:
            self._chars -= len(self._texts.pop(next(iter(self._texts))))


class _Result(msgspec.Struct):
    text: str = ""
    error: str = ""


logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PDFReader:
    """Calls wait for the helper, for their owner's turn, and for one of the helpers, each for
    `timeout_s` at most. A file that was read before is not read again."""

    max_pages: int
    max_chars: int
    timeout_s: float
    _turns: OwnerTurns = field(default_factory=lambda: OwnerTurns(AT_ONCE, 1, WAITING, "file: PDFs"))
    _texts: Texts = field(default_factory=Texts)

    def __call__(self, owner: str, name: str, data: bytes) -> str:
        digest = sha256_of(data)
        text = self._texts.get(digest)
        if text is None:
            text = self._read_in_turn(owner, name, data)
            self._texts.add(digest, text)
        return text

    def _read_in_turn(self, owner: str, name: str, data: bytes) -> str:
        with self._turns.turn(owner, self.timeout_s):
            result = self._read(name, data)
        if result.error:
            raise InvalidField(f"file: {name} was refused: {result.error}")
        return result.text

    def _read(self, name: str, data: bytes) -> _Result:
        limits = map(str, (self.max_pages, self.max_chars, self.timeout_s))
        try:
            out = output_of([sys.executable, "-I", str(HELPER), *limits], data, self.timeout_s)
        except OSError as error:  # no memory, process or descriptor is left
            logger.warning("no PDF can be read: %s", error)
            raise Overloaded("file: the server cannot read PDFs at the moment; try again in a moment") from None
        if out is None:
            raise InvalidField(f"file: {name} took longer than {self.timeout_s:g} s to read (setting pdf_timeout_s)")
        try:
            return msgspec.json.decode(out, type=_Result)
        except msgspec.DecodeError:  # it hit a limit of its own
            return _Result(error="reading it takes too much time or memory")
