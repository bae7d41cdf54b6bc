"""The adapter in the guide works as printed."""

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from chatapp.chat import Chat, Message, ToolSpec
from chatapp.errors import InvalidField, UpstreamError

PROTOCOLS = ("cohere-v2",)
GUIDE = Path(__file__).parents[2] / "docs/guides/add-a-provider.md"


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    [code] = [
        code for code in re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL) if "class " in code
    ]
    path = tmp_path_factory.mktemp("guide") / "cohere.py"
    path.write_text(code)
    spec = spec_from_file_location("cohere", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Cohere


def test_the_guides_adapter_reads_what_its_provider_sent(adapter, recording, read, cuts, is_expected, upstream):
    expect, cohere = recording.expect, adapter("acme", upstream, "http://acme.test")
    first, *others = [read(cohere, pieces, recording.content_type) for pieces in cuts(recording.body)]
    assert all(other == first for other in others)
    if recording.status >= 400:
        assert isinstance(first.error, UpstreamError)
        return
    if recording.streamed:  # the manifest did not read whole bodies
        assert is_expected(first.text, expect["text"])
        assert is_expected(first.reasoning, expect["reasoning"])
        assert [(call.id, call.name, call.arguments) for call in first.tool_calls] == [
            (call["id"], call["name"], json.loads(call["args"] or "{}")) for call in expect["tool_calls"]
        ]
        assert first.finish.usage.prompt == expect["usage_raw"]["tokens"]["input_tokens"]
    assert first.finish.reason == ("length" if "max-tokens" in recording.name else "stop")


def test_the_guides_adapter_asks_and_refuses(adapter, upstream):
    cohere = adapter("acme", upstream)
    chat = Chat(model="m", messages=[Message("user", "u")], max_tokens=5, stop=["."], thinking=False)

    assert (cohere.base_url, cohere.request(chat).path) == ("https://api.cohere.com", "/v2/chat")
    assert cohere.request(chat).body == {
        "model": "m",
        "messages": [{"role": "user", "content": "u"}],
        "stream": True,
        "thinking": {"type": "disabled"},
        "max_tokens": 5,
        "stop_sequences": ["."],
    }
    with pytest.raises(InvalidField, match="^tools: acme"):
        cohere.check(Chat(model="m", messages=[], tools=[ToolSpec("f", "", {})]))
    assert cohere.decode_models(b'{"models":[{"name":"command"}]}') == ["command"]
