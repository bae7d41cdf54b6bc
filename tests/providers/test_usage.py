from chatapp.chat import Image, Message, Text
from chatapp.events import Usage
from chatapp.providers.usage import estimate_usage


def test_tokens_are_estimated_by_length():
    asked = [Message("user", "12345"), Message("user", [Text("678"), Image("data:image/png;base64,AAAA")])]
    assert estimate_usage(asked, "12345", "1") == Usage(2, 3, 5, 2, 0, estimated=True)


def test_nothing_is_no_tokens():
    assert estimate_usage([], "", "") == Usage(estimated=True)
