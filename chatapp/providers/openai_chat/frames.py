"""The frames of OpenAI's chat completions: the fields that we need, with the oddities that were
seen in them."""

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.providers.openai_chat.media import Beside, Found
from chatapp.wire.json_text import NOTHING


class Part(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: "list[Part] | str | None" = None
    image_url: msgspec.Raw | UnsetType = UNSET


class Function(msgspec.Struct):
    name: str | None = None
    arguments: str | dict[str, object] | None = None


class CallPiece(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    extra_content: msgspec.Raw = NOTHING


class Message(Beside):
    error: msgspec.Raw = NOTHING
    content: str | list[msgspec.Raw] | None = None
    refusal: str | None = None
    reasoning_content: str | list[msgspec.Raw] | None = None
    reasoning: str | list[msgspec.Raw] | None = None
    reasoning_details: msgspec.Raw = NOTHING
    extra_content: msgspec.Raw = NOTHING
    tool_calls: list[CallPiece] | None = None
    function_call: Function | None = None


class Choice(msgspec.Struct):
    index: int | None = None
    delta: Message | None = None
    message: Message | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


class Details(msgspec.Struct):
    cached_tokens: float | None = None
    reasoning_tokens: float | None = None


class Numbers(msgspec.Struct):
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    total_tokens: float | None = None
    cached_tokens: float | None = None
    prompt_cache_hit_tokens: float | None = None
    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None


class Groq(msgspec.Struct):
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


class Status(msgspec.Struct):
    """MiniMax's."""

    status_code: int | None = None


class Chunk(Found):
    """A chunk of a stream, or a whole response: the fields that we need."""

    error: msgspec.Raw = NOTHING
    object: str | None = None
    code: msgspec.Raw = NOTHING
    message: msgspec.Raw = NOTHING
    choices: list[Choice] | None = None
    usage: msgspec.Raw = NOTHING
    x_groq: Groq | None = None
    base_resp: Status | None = None


class Model(msgspec.Struct):
    id: str


class Models(msgspec.Struct):
    data: list[Model]


CHUNK = msgspec.json.Decoder(Chunk)
PART = msgspec.json.Decoder(Part | str)
NUMBERS = msgspec.json.Decoder(Numbers)
