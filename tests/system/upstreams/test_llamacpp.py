"""A real llama.cpp, over each protocol that it speaks. Its model is made here: random weights that say random bytes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy
import pytest

from chatapp.cancel import CancelScope
from chatapp.chat import AnswerSchema, Chat, Message
from chatapp.events import Raw, TextDelta
from chatapp.providers import Finished, ReplyItem
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.http import HTTPProvider
from chatapp.providers.local.server import LocalServer
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.wire.upstream import Upstream

pytestmark = pytest.mark.slow

BYTES = 256
WIDTH, INNER = 32, 64  # of the model: it loads in no time and speaks thousands of tokens a second
REPLIES = 25
TOKENS = 40
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"mood": {"enum": ["good", "bad"]}},
    "required": ["mood"],
    "additionalProperties": False,
}


def write_model(path: Path) -> None:
    """A llama of one layer, whose tokens are the 256 bytes."""
    chance = numpy.random.default_rng(1)
    tokens = [b"<unk>", b"<s>", b"</s>", *(b"<0x%02X>" % byte for byte in range(BYTES))]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL, *[gguf.TokenType.BYTE] * BYTES]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(1)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: ")
    for norm in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        writer.add_tensor(f"{norm}.weight", numpy.ones(WIDTH, numpy.float32))
    shapes = {
        "token_embd": (len(tokens), WIDTH),
        "output": (len(tokens), WIDTH),
        **{f"blk.0.attn_{part}": (WIDTH, WIDTH) for part in ("q", "k", "v", "output")},
        "blk.0.ffn_gate": (INNER, WIDTH),
        "blk.0.ffn_up": (INNER, WIDTH),
        "blk.0.ffn_down": (WIDTH, INNER),
    }
    for name, shape in shapes.items():
        writer.add_tensor(f"{name}.weight", (chance.standard_normal(shape) * 0.3).astype(numpy.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("llamacpp")
    write_model(folder / "random.gguf")
    server = LocalServer(folder, folder / "random.gguf", 1)
    if reason := server.missing():
        pytest.skip(reason)
    yield server.base_url(CancelScope())
    server.close()


@pytest.fixture(params=[OpenAIChat, OpenAIResponses, Anthropic])
def provider(request: pytest.FixtureRequest, url: str) -> Iterator[HTTPProvider]:
    upstream = Upstream()
    base_url = url.removesuffix("/v1") if request.param is Anthropic else url
    yield request.param("llama", upstream, base_url)
    upstream.close()


def ask(provider: HTTPProvider, prompt: str, **fields: Any) -> list[ReplyItem]:
    chat = Chat(model="random", messages=[Message("user", prompt)], raw=True, **fields)
    return list(provider.stream(chat, CancelScope()))


def test_whatever_bytes_it_says_the_reply_is_read_to_its_end(provider: HTTPProvider) -> None:
    for number in range(REPLIES):
        items = ask(provider, f"Tell me about {number}", max_tokens=TOKENS)
        body = b"".join(item.bytes for item in items if isinstance(item, Raw))
        said = [item for item in items[1:] if not isinstance(item, Raw)]
        assert any(isinstance(item, TextDelta) for item in said)
        assert isinstance(said[-1], Finished) and said[-1].usage is not None
        assert 0 < said[-1].usage.completion <= TOKENS
        for pieces in ([body], [body[at : at + 1] for at in range(len(body))]):
            assert list(provider.read("text/event-stream", pieces, "leading")) == said


def test_it_is_held_to_a_schema(url: str) -> None:
    upstream = Upstream()
    for number in range(5):
        items = ask(
            OpenAIChat("llama", upstream, url), f"How are you, {number}?", schema=AnswerSchema(SCHEMA), max_tokens=500
        )
        text = "".join(item.text for item in items if isinstance(item, TextDelta))
        assert json.loads(text)["mood"] in ("good", "bad")
    upstream.close()
