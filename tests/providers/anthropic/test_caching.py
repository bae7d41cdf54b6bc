"""What a client wants cached is marked, for Anthropic alone."""

from typing import Any

import msgspec
import pytest

from chatapp.chat import Chat
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.wire.upstream import Upstream

MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("a", "b")]


def asked(**more: Any) -> Chat:
    request = {"model": "m", "system": "Be brief.", "messages": [{"role": "user", "content": "hi"}], **more}
    ask = msgspec.convert(request, MessagesRequest).ask()
    return ask.chat("m", ask.said)


def body(chat: Chat, base_url: str | None = None) -> dict[str, Any]:
    return dict(Anthropic("it", Upstream(), base_url).request(chat).body or {})


@pytest.mark.parametrize(
    ("more", "ttl"),
    [
        ({"system": [{"type": "text", "text": "Be brief.", **MARK}]}, "5m"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", **MARK}]}]}, "5m"),
        ({"tools": [{**TOOLS[0], **MARK}, {**TOOLS[1], **HOUR}]}, "1h"),
        (MARK, "5m"),
    ],
    ids=["system", "message", "tool", "request"],
)
def test_wherever_the_client_marks_it_the_request_is_cached(more: dict[str, Any], ttl: str) -> None:
    chat = asked(**{"tools": TOOLS, **more})
    assert chat.cache == ttl
    sent, mark = body(chat), {"type": "ephemeral", "ttl": ttl}
    assert sent["cache_control"] == mark
    assert sent["system"] == [{"type": "text", "text": "Be brief.", "cache_control": mark}]
    assert [tool.get("cache_control") for tool in sent["tools"]] == [None, mark]
    assert str(sent).count("cache_control") == 3, "Anthropic takes four at most"


def test_nobody_else_is_sent_marks_and_none_come_unasked() -> None:
    assert "cache_control" not in str(body(asked(**MARK), "http://127.0.0.1:1"))
    assert asked().cache is None and "cache_control" not in str(body(asked(tools=TOOLS)))


def test_a_signed_turn_goes_back_without_its_marks() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    turn = {"role": "assistant", "content": [thought, {"type": "text", "text": "x", **MARK}]}
    chat = asked(messages=[{"role": "user", "content": "hi"}, turn, {"role": "user", "content": "so?"}])
    assert body(chat)["messages"][1]["content"] == [thought, {"type": "text", "text": "x"}]
