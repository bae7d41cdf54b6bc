"""The events and items of OpenAI's Responses: the fields that we need."""

import msgspec
from msgspec import UNSET, UnsetType

from chatapp.wire.json_text import NOTHING


class Piece(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    refusal: str | None = None
    annotations: msgspec.Raw | UnsetType = UNSET

    @property
    def said(self) -> str:
        return self.text or self.refusal or ""


class Kind(msgspec.Struct):
    """What is looked at first: in an item of an unknown kind the rest may be anything."""

    type: str = ""
    encrypted_content: str | None = None


class Item(Kind):
    """The fields that we need of an output item, whatever its type."""

    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    status: str | None = None
    content: list[Piece] | None = None
    summary: list[Piece] | None = None
    arguments: str | dict[str, object] | None = None
    input: str | None = None
    code: str | None = None
    queries: msgspec.Raw = NOTHING
    results: msgspec.Raw = NOTHING
    action: msgspec.Raw = NOTHING
    output: msgspec.Raw = NOTHING
    outputs: msgspec.Raw = NOTHING
    result: msgspec.Raw = NOTHING
    output_format: str | None = None
    error: msgspec.Raw = NOTHING


class Details(msgspec.Struct):
    cached_tokens: float | None = None
    reasoning_tokens: float | None = None


class Numbers(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    total_tokens: float | None = None
    input_tokens_details: Details | None = None
    output_tokens_details: Details | None = None


class Why(msgspec.Struct):
    reason: str | None = None


class Response(msgspec.Struct):
    status: str | None = None
    error: msgspec.Raw = NOTHING
    incomplete_details: Why | None = None
    output: list[msgspec.Raw] | None = None
    usage: Numbers | None = None
    citations: msgspec.Raw | UnsetType = UNSET


class Event(Response):
    """An event of a stream; without a type, a whole response."""

    type: str = ""
    delta: str | dict[str, object] | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    item_id: str | None = None
    annotation: msgspec.Raw | UnsetType = UNSET
    item: msgspec.Raw = NOTHING
    part: Piece | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: str | dict[str, object] | None = None
    response: Response | None = None


class Model(msgspec.Struct):
    id: str


class Models(msgspec.Struct):
    data: list[Model]


EVENT = msgspec.json.Decoder(Event)
KIND = msgspec.json.Decoder(Kind)
ITEM = msgspec.json.Decoder(Item)
