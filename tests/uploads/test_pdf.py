"""The text of a PDF, read by a helper that a hostile file cannot keep."""

import os
import time

import gevent
import pytest
from pdfs import pdf

from chatapp.errors import InvalidField, Overloaded
from chatapp.uploads.pdf import PDFReader


def read(data: bytes, max_pages: int = 10, max_chars: int = 1000, timeout_s: float = 20.0) -> str:
    return PDFReader(max_pages, max_chars, timeout_s)("ann", "a.pdf", data)


def test_its_pages_are_read_in_order_and_others_run_meanwhile() -> None:
    turns: list[float] = []

    def run() -> None:
        while True:
            turns.append(time.monotonic())
            gevent.sleep(0.001)

    runner = gevent.spawn(run)
    assert read(pdf("first", "", "third")) == "first\n\nthird"
    runner.kill()
    assert len(turns) > 5


def test_a_large_file_goes_through_the_pipe() -> None:
    assert read(pdf("first") + b"%" + b"x" * 3_000_000 + b"\n") == "first"


def test_a_scan_has_no_text() -> None:
    assert read(pdf("")) == ""


def test_many_pages_and_long_ones_are_cut() -> None:
    assert read(pdf("one", "two", "three"), max_pages=2) == "one\n\ntwo\n\n[The rest of the file was left out.]"
    assert read(pdf("a" * 90, "b"), max_chars=50).startswith("a" * 50 + "\n\n[The rest")


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(InvalidField, match=r"^file: a\.pdf was refused: it cannot be read as a PDF"):
        read(b"%PDF-1.4\nnothing of the sort")


def test_a_helper_that_takes_too_long_is_killed() -> None:
    with pytest.raises(InvalidField, match=r"longer than 0\.01 s to read \(setting pdf_timeout_s\)"):
        read(pdf("one") + b"%" + b"x" * 3_000_000, timeout_s=0.01)


def test_nothing_stays_open_where_no_descriptors_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    first, closed = os.pipe(), []
    pipes = iter([first])

    def pipe() -> tuple[int, int]:
        for ends in pipes:
            return ends
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(os, "pipe", pipe)
    monkeypatch.setattr(os, "close", closed.append)
    with pytest.raises(Overloaded, match="^file: the server cannot read PDFs at the moment"):
        read(pdf("one"))
    monkeypatch.undo()
    assert closed == [*first]
    for end in first:
        os.close(end)
