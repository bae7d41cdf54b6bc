"""What an uploaded file is, by its bytes, and what its name may hold."""

import unicodedata

import pytest

from chatapp.errors import InvalidField, UnsupportedMediaType
from chatapp.uploads.kinds import NAME_CHARS, media_type_of, plain_name, text_of

PNG = b"\x89PNG\r\n\x1a\n\0\0"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0\0", "image/jpeg"),
        (b"GIF89a\0", "image/gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\r\n%PDF-1.7\n\0", "application/pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "text/plain"),
        (b"<!doctype html><script>alert(1)</script>", "text/plain"),
        ("naïve 日本語".encode(), "text/plain"),
        ("﻿naïve".encode("utf-16-le"), "text/plain"),
    ],
)
def test_the_bytes_say_what_a_file_is(data: bytes, media_type: str) -> None:
    assert media_type_of("a.txt", data) == media_type


def test_a_file_that_no_model_takes_is_refused_by_its_name() -> None:
    with pytest.raises(UnsupportedMediaType, match=r"^file: a\.zip is of a type that no model takes; send a picture"):
        media_type_of("a.zip", b"PK\x03\x04\0\0")
    with pytest.raises(UnsupportedMediaType, match=r"latin\.txt"):
        text_of("latin.txt", "naïve".encode("latin-1"))
    with pytest.raises(InvalidField, match="empty"):
        media_type_of("a.txt", b"")


def test_a_text_is_decoded_over_the_ends_of_its_pieces() -> None:
    text = "日" * 400_000
    assert text_of("a", text.encode()) == text
    assert text_of("a", ("\ufeff" + text).encode("utf-16-le")) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b"),
        ("  ", "file"),
        ("写真.png", "写真.png"),
    ],
)
def test_a_name_has_no_folders_and_nothing_that_misleads(name: str, shown: str) -> None:
    assert plain_name(name) == shown


def test_a_long_name_keeps_its_end() -> None:
    assert plain_name("x" * 500 + ".pdf").endswith("….pdf")
    assert len(plain_name("x" * 500)) == NAME_CHARS


def test_of_a_very_long_name_only_the_end_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the vendors' protocols it may be as long as a body."""
    looked_at: list[str] = []
    category = unicodedata.category

    def look(char: str) -> str:
        looked_at.append(char)
        return category(char)

    monkeypatch.setattr("unicodedata.category", look)
    assert plain_name("a" * 100_000 + ".txt").endswith("….txt")
    assert len(looked_at) < 10 * NAME_CHARS
