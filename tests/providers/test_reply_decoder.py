"""A body that is fed, piece by piece."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chatapp.errors import BadReply, Reported, Truncated, UpstreamError
from chatapp.events import ReasoningDelta, TextDelta
from chatapp.providers import Finished, ReplyItem
from chatapp.providers.delivery import TURN_BYTES, deliver
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.reply_decoder import BLANK_BYTES, ReplyDecoder
from chatapp.settings.tables import ThinkTags
from chatapp.wire.upstream import Upstream

STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
WHOLE = b'{"choices":[{"delta":{"content":"a"}}]}'


def chunk(text: str) -> bytes:
    return b"data: %s\n\n" % json.dumps({"choices": [{"delta": {"content": text}}]}).encode()


@pytest.fixture
def decoder(upstream: Upstream) -> ReplyDecoder:
    return made(upstream)


def made(upstream: Upstream, content_type: str = "", tags: ThinkTags = "none") -> ReplyDecoder:
    return OpenAIChat("acme", upstream)._decoder(content_type, tags)


def test_each_piece_gives_what_it_completes(decoder: ReplyDecoder) -> None:
    body = chunk("a") + chunk("b") + STOP
    cut = len(chunk("a")) + 3
    assert list(decoder.feed(body[:5])) == []
    assert list(decoder.feed(body[5:cut])) == [TextDelta("a")]
    assert list(decoder.feed(body[cut:])) == [TextDelta("b")]
    assert not decoder.done
    assert list(decoder.end()) == [Finished("stop")] and decoder.done


def test_a_decoder_that_has_enough_takes_no_more(decoder: ReplyDecoder) -> None:
    assert list(decoder.feed(chunk("a") + STOP + DONE + chunk("b"))) == [TextDelta("a"), Finished("stop")]
    assert decoder.done and list(decoder.feed(chunk("c"))) == []


def until_it_fails(items: Iterator[ReplyItem], kind: type[UpstreamError]) -> list[ReplyItem]:
    came: list[ReplyItem] = []
    with pytest.raises(kind):
        came.extend(iter(items))
    return came


def test_what_came_before_a_failure_is_given_before_it(decoder: ReplyDecoder) -> None:
    body = chunk("a") + b"data: {]}\n\n" + chunk("b")
    assert until_it_fails(decoder.feed(body), BadReply) == [TextDelta("a")]


def test_what_was_held_back_for_a_tag_comes_before_the_failure(upstream: Upstream) -> None:
    decoder = made(upstream, tags="leading")
    assert list(decoder.feed(chunk("<think>hm </th"))) == [ReasoningDelta("hm")]
    assert list(decoder.broken_off(Truncated("cut"))) == [ReasoningDelta(" </th")] and not decoder.done
    decoder = made(upstream, tags="leading")
    list(decoder.feed(chunk("<think>hm </th")))
    assert until_it_fails(decoder.end(), Truncated) == [ReasoningDelta(" </th")]


def test_a_body_that_breaks_off_is_forgiven_after_the_finish_reason(upstream: Upstream) -> None:
    forgiven, blamed, told = made(upstream), made(upstream), made(upstream)
    list(forgiven.feed(chunk("a") + STOP))
    list(blamed.feed(chunk("a")))
    list(told.feed(chunk("a") + b'{"error":{"message":"no"}}'))
    assert list(forgiven.broken_off(Truncated("cut"))) == [Finished("stop")] and forgiven.done
    assert list(blamed.broken_off(Truncated("cut"))) == [] and not blamed.done
    assert until_it_fails(told.broken_off(Truncated("cut")), Reported) == []


@pytest.mark.parametrize("piece", [b" ", b"\n\n\r\n", b"\xef\xbb\xbf"])
def test_blanks_alone_are_an_empty_reply(upstream: Upstream, piece: bytes) -> None:
    short, endless = made(upstream), made(upstream)
    assert list(short.feed(piece)) == []
    assert until_it_fails(short.end(), Truncated) == []
    for _ in range((BLANK_BYTES - 1) // len(piece)):
        assert list(endless.feed(piece)) == []
    assert until_it_fails(endless.feed(piece), Truncated) == []


def test_a_web_page_is_no_reply(upstream: Upstream) -> None:
    for decoder, data in ((made(upstream), b"\n<html>"), (made(upstream, "text/HTML"), b"{}")):
        assert until_it_fails(decoder.feed(data), BadReply) == []


@pytest.mark.parametrize(
    "body", [b"[" + b",".join([WHOLE] * 1000) + b"]", b"data: [" + b",".join([WHOLE] * 1000) + b"]\n\n"]
)
def test_a_list_is_decoded_as_it_is_taken(upstream: Upstream, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run gives the others their turns between two items, and not before the first of many."""
    decoded: list[object] = []
    reply = OpenAIChat.reply

    def watched(provider: OpenAIChat) -> Any:
        made = reply(provider)
        take = made.take
        monkeypatch.setattr(made, "take", lambda frame: decoded.append(frame) or take(frame))
        return made

    monkeypatch.setattr(OpenAIChat, "reply", watched)
    items = OpenAIChat("acme", upstream).read("", [body])
    assert next(items) == TextDelta("a")
    assert len(decoded) == 1


def test_no_more_than_a_turn_is_decoded_in_one_go(decoder: ReplyDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a flood of tiny frames; the order stays."""
    fed: list[int] = []
    pauses: list[int] = []
    feed = decoder.feed
    monkeypatch.setattr(decoder, "feed", lambda data: fed.append(len(data)) or feed(data))
    numbers = [str(number) for number in range(1000)]
    silence = b"data: {}\n\n" * 1000
    body = iter([silence + b"".join(map(chunk, numbers)) + silence + STOP + DONE])
    items = list(deliver(lambda: next(body, b""), decoder, lambda: pauses.append(len(fed)), None))
    assert [item.text for item in items if isinstance(item, TextDelta)] == numbers
    assert isinstance(items[-1], Finished)
    assert len(fed) > 10 and max(fed) <= TURN_BYTES
    assert pauses[:2] == [1, 2] and len(pauses) > 2
