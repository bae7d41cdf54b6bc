"""The text of a PDF, read by a helper that a hostile file cannot keep."""

import os
import time

import gevent
import pytest
from pdfs import pdf

from chatapp.errors import InvalidField, Overloaded
from chatapp.uploads.pdf import REMEMBERED, PDFReader, Texts


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


def test_a_file_that_was_read_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, file = PDFReader(10, 1000, 20.0), pdf("first")
    assert reader("ann", "a.pdf", file) == "first"
    monkeypatch.setattr("chatapp.uploads.pdf.output_of", lambda *_: pytest.fail("it was"))
    assert reader("bob", "b.pdf", file) == "first"


def test_only_so_much_text_is_remembered_and_what_was_used_last_stays() -> None:
    texts = Texts(max_chars=10)
    texts.add("a", "x" * 4)
    texts.add("b", "x" * 4)
    assert texts.get("a") == "x" * 4
    texts.add("c", "x" * 4)
    assert (texts.get("a"), texts.get("b"), texts.get("c")) == ("x" * 4, None, "x" * 4)
    texts.add("d", "x" * 11)
    assert [texts.get(name) for name in "acd"] == [None] * 3


def test_only_so_many_empty_texts_are_remembered() -> None:
    texts = Texts()
    for number in range(REMEMBERED + 2):
        texts.add(str(number), "")
    assert [texts.get(name) for name in ("0", "1", "2")] == [None, None, ""]


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
