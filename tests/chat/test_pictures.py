from base64 import b64encode

import pytest

from chatapp.chat.pictures import TAKEN, picture_type, picture_type_of_base64

PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0",
    "image/gif": b"GIF89a\1\0\1\0",
    "image/webp": b"RIFF\x24\0\0\0WEBPVP8 ",
}


@pytest.mark.parametrize("media_type", TAKEN)
def test_a_picture_that_is_taken_is_known_by_its_first_bytes(media_type: str) -> None:
    assert picture_type(PICTURES[media_type]) == media_type
    assert picture_type_of_base64(b64encode(PICTURES[media_type]).decode() + "…") == media_type


@pytest.mark.parametrize("data", [b"", b"RIFF\x24\0\0\0WAVEfmt ", b"\x89PN", b"%PDF-1.7", b"BM"])
def test_anything_else_is_none(data: bytes) -> None:
    assert picture_type(data) is None
    assert picture_type_of_base64(b64encode(data).decode()) is None


@pytest.mark.parametrize("text", ["a", "é" * 20, "iVBORw0KGgo", "====", "\0"])
def test_what_is_not_base64_is_none(text: str) -> None:
    assert picture_type_of_base64(text) is None
