"""What a client asks, and what comes of it. Values."""

import msgspec

from chatapp.chat import Message


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks: new messages, after those of a conversation or instead of an answer there.

    `keep`: begin a conversation where none is named. `session_id`: the conversation that its owner calls so, begun
    where there is none yet. `retry_of` is the id of the answer to make anew; `previous` that of the answer that this
    goes on from, also where others went on from it already. `asked` is kept beside the answer as it is.
    `request_hash` tells one request from another that comes with the same `idempotency_key`.
    """

    owner: str
    provider: str
    model: str
    messages: list[Message] = []
    conversation_id: str | None = None
    session_id: str | None = None
    retry_of: str | None = None
    previous: str | None = None
    asked: dict[str, object] = {}
    idempotency_key: str | None = None
    request_hash: str | None = None
    result_mode: str | None = None
    keep: bool = False


class Begun(msgspec.Struct, frozen=True):
    """An answer that was begun, or, where its idempotency key was seen before, found (`messages` is empty then)."""

    id: str
    conversation_id: str | None
    result_mode: str | None
    messages: list[Message]
    found: bool = False
