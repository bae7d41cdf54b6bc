"""A body that is fed, piece by piece."""

import gc
import json
import weakref

import pytest

from chatapp.errors import BadReply, Truncated
from chatapp.events import ReasoningDelta, TextDelta
from chatapp.providers import Finished
from chatapp.providers.delivery import TURN_BYTES, deliver
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.reply_decoder import BLANK_BYTES, ReplyDecoder
from chatapp.settings.tables import ThinkTags
from chatapp.wire.upstream import Upstream

STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"


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
    decoder.check()


def test_a_decoder_that_has_enough_takes_no_more(decoder: ReplyDecoder) -> None:
    assert list(decoder.feed(chunk("a") + STOP + DONE + chunk("b"))) == [TextDelta("a"), Finished("stop")]
    assert decoder.done and list(decoder.feed(chunk("c"))) == []
    decoder.check()


def test_what_came_before_a_failure_is_given_before_it(decoder: ReplyDecoder) -> None:
    assert list(decoder.feed(chunk("a") + b"data: {]}\n\n" + chunk("b"))) == [TextDelta("a")] and decoder.done
    with pytest.raises(BadReply):
        decoder.check()
    decoder.check()  # it is raised once


def test_what_was_held_back_for_a_tag_comes_before_the_failure(upstream: Upstream) -> None:
    decoder = made(upstream, tags="leading")
    assert list(decoder.feed(chunk("<think>hm </th"))) == [ReasoningDelta("hm")]
    assert list(decoder.end(Truncated("cut"))) == [ReasoningDelta(" </th")]
    with pytest.raises(Truncated):
        decoder.check()


def test_a_body_that_breaks_off_is_forgiven_after_the_finish_reason(upstream: Upstream) -> None:
    forgiven, blamed = made(upstream), made(upstream)
    list(forgiven.feed(chunk("a") + STOP))
    list(blamed.feed(chunk("a")))
    assert list(forgiven.end(Truncated("cut"))) == [Finished("stop")]
    assert list(blamed.end(Truncated("cut"))) == []
    forgiven.check()
    with pytest.raises(Truncated):
        blamed.check()


@pytest.mark.parametrize("piece", [b" ", b"\n\n\r\n", b"\xef\xbb\xbf"])
def test_blanks_alone_are_an_empty_reply(upstream: Upstream, piece: bytes) -> None:
    short, endless = made(upstream), made(upstream)
    assert list(short.feed(piece)) == list(short.end()) == []
    for _ in range(BLANK_BYTES // len(piece) + 1):
        assert list(endless.feed(piece)) == []
    assert short.done and endless.done
    for decoder in (short, endless):
        with pytest.raises(Truncated, match="empty reply"):
            decoder.check()


def test_a_web_page_is_no_reply(upstream: Upstream) -> None:
    for decoder, data in ((made(upstream), b"\n<html>"), (made(upstream, "text/HTML"), b"{}")):
        assert list(decoder.feed(data)) == [] and decoder.done
        with pytest.raises(BadReply, match="web page"):
            decoder.check()


def test_a_failure_that_was_raised_is_let_go(upstream: Upstream) -> None:
    gc.disable()
    try:
        decoder = made(upstream)
        list(decoder.feed(b"data: {]}\n\n"))
        with pytest.raises(BadReply):
            decoder.check()
        gone = weakref.ref(decoder)
        del decoder
        assert gone() is None
    finally:
        gc.enable()


def test_no_more_than_a_turn_is_decoded_in_one_go(decoder: ReplyDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a flood of tiny frames; the order stays."""
    fed: list[int] = []
    feed = decoder.feed
    monkeypatch.setattr(decoder, "feed", lambda data: fed.append(len(data)) or feed(data))
    numbers = [str(number) for number in range(2000)]

    body = iter([b"".join(map(chunk, numbers)) + STOP + DONE])
    items = list(deliver(lambda: next(body, b""), decoder))
    assert [item.text for item in items if isinstance(item, TextDelta)] == numbers
    assert items[-1] == Finished("stop")
    assert len(fed) > 10 and max(fed) <= TURN_BYTES
