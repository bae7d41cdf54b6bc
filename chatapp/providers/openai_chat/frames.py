"""The frames of OpenAI's chat completions: the fields that we need, with the oddities that were
seen in them."""

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.providers.openai_chat.media import Beside, Found
from chatapp.wire.json_text import NOTHING


class Part(msgspec.Struct, gc=False):
    type: str = ""
    text: str | None = None
    thinking: "list[Part] | str | None" = None
    image_url: msgspec.Raw | UnsetType = UNSET


class Function(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, object] | None = None


class CallPiece(msgspec.Struct, gc=False):
    index: int | None = None
    id: str | None = None
    type: str | None = None
    function: Function | None = None
    extra_content: msgspec.Raw = NOTHING


class Message(Beside, gc=False):
    error: msgspec.Raw = NOTHING
    content: str | list[msgspec.Raw] | None = None
    refusal: str | None = None
    reasoning_content: str | list[msgspec.Raw] | None = None
    reasoning: str | list[msgspec.Raw] | None = None
    reasoning_details: msgspec.Raw = NOTHING
    extra_content: msgspec.Raw = NOTHING
    tool_calls: list[CallPiece] | None = None
    function_call: Function | None = None


class Choice(msgspec.Struct, gc=False):
    index: int | None = None
    delta: Message | None = None
    message: Message | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    stop_reason: object = None
    matched_stop: object = None

    @property
    def stop_sequence(self) -> str:
        """The one at which the reply ended, as vLLM and SGLang tell it. A number is the end of the
        turn, which the model knows itself."""
        stop = self.stop_reason or self.matched_stop
        return stop if isinstance(stop, str) else ""


class Details(msgspec.Struct, gc=False):
    cached_tokens: float | None = None
    reasoning_tokens: float | None = None


class Numbers(msgspec.Struct, gc=False):
    prompt_tokens: float | None = None
    completion_tokens: float | None = None
    total_tokens: float | None = None
    cached_tokens: float | None = None
    prompt_cache_hit_tokens: float | None = None
    prompt_tokens_details: Details | None = None
    completion_tokens_details: Details | None = None


class Groq(msgspec.Struct, gc=False):
    usage: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING


class Status(msgspec.Struct, gc=False):
    """MiniMax's."""

    status_code: int | None = None


class Chunk(Found, gc=False):
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
