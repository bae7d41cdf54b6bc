"""From a parsed request to a run: what all endpoints share that begin one."""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec
from flask import request

from chatapp.agents.catalog import answerer
from chatapp.chat import Chat, Message
from chatapp.errors import InvalidField
from chatapp.providers import Checks
from chatapp.storage.question import Begun, Question
from chatapp.web import current_owner, services, trace_id

KEY_HEADER = "Idempotency-Key"
DELIVERY = ("stream", "stream_options", "on_disconnect")  # how it is told, not what is asked


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks for, whichever protocol it came in.

    `request` is the request as it was parsed, which tells it from another that comes with the same key. `chat` holds
    what is said now, and an empty model for the default; the history of the conversation is put before it. ToolCatalog in it
    are the client's to run; `tools` are names of ours, None: the default ones. `agent` is the name of the one that
    answers; None: the model itself. `keep`: in a new conversation where none is named. `retry_of` is the answer to make
    anew, `previous` the one to go on from. `instructions` come first and are not kept. `repeated`: what the request's
    protocol wants repeated beside the answer.
    """

    request: msgspec.Struct
    chat: Chat
    provider: str | None = None
    conversation_id: str | None = None
    retry_of: str | None = None
    previous: str | None = None
    keep: bool = False
    result_mode: str | None = None
    tools: Sequence[str] | None = None
    agent: str | None = None
    instructions: Sequence[Message] = ()
    repeated: Mapping[str, object] = {}


def begin_answer(asked: Asked) -> Begun:
    """Store what was asked and start the run; or find the one that was begun with the same idempotency key."""
    app = services()
    if found := _found(asked):
        return found
    provider, model = app.providers.resolve(asked.provider, asked.chat.model or None)
    chat = msgspec.structs.replace(asked.chat, model=model)
    if isinstance(provider, Checks):
        provider.check(chat)
    acting = app.agents.find(asked.agent)
    if acting is not None and chat.tools:
        raise InvalidField("tools: an agent calls the server's tools only; leave out those of the client, or the agent")
    offered = app.tools.choose(asked.tools, agent=acting is not None)
    app.runs.admit()
    begun = app.conversations.begin(_question(asked, provider.name, model))
    if not begun.found:
        whole = msgspec.structs.replace(chat, messages=[*asked.instructions, *begun.messages])
        source = answerer(provider, app.tools.toolbox(begun.id, offered), acting)
        app.runs.begin(begun.id, trace_id(), source, whole)
    return begun


def _found(asked: Asked) -> Begun | None:
    """Before anything is asked for that may be missing now: what was begun is there."""
    key = _key()
    return services().conversations.found(current_owner(), key, _hash(asked.request)) if key is not None else None


def _key() -> str | None:
    """An empty one is none."""
    return request.headers.get(KEY_HEADER) or None


def _hash(parsed: msgspec.Struct) -> str:
    fields: dict[str, object] = msgspec.to_builtins(parsed)
    asked = {name: value for name, value in fields.items() if name not in DELIVERY}
    return hashlib.sha256(msgspec.json.encode([request.path, asked], order="deterministic")).hexdigest()


def _question(asked: Asked, provider: str, model: str) -> Question:
    key, conversation_id = _key(), asked.conversation_id
    if asked.retry_of is not None and conversation_id is None:
        conversation_id = services().conversations.message(current_owner(), asked.retry_of).conversation_id
    return Question(
        owner=current_owner(),
        provider=provider,
        model=model,
        messages=asked.chat.messages,
        conversation_id=conversation_id,
        session_id=asked.chat.session_id or None,
        retry_of=asked.retry_of,
        previous=asked.previous,
        asked=dict(asked.repeated),
        idempotency_key=key,
        request_hash=_hash(asked.request) if key is not None else None,
        result_mode=asked.result_mode,
        keep=asked.keep,
    )
