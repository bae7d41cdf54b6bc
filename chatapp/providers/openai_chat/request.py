"""The request of OpenAI's chat completions, and how the servers that speak it differ. Pure.

Sources: https://platform.openai.com/docs/api-reference/chat/create and the documentation of the
others.
"""

from dataclasses import dataclass
from typing import Self

from chatapp.chat import Chat, Document, Image, Message, Text
from chatapp.events import ToolCall
from chatapp.hub import with_pauses
from chatapp.providers.call_ids import IdRule
from chatapp.providers.documents import Sendable
from chatapp.providers.prompt import (
    fitted,
    given,
    native_content,
    parts,
    refuse,
    refuse_json_mode,
    result_text,
    sendable_turns,
    system_first,
    words,
)
from chatapp.providers.thinking import REASONING_DEMANDED, REASONING_SENT_BACK, STYLES, Fields, Switch, switched
from chatapp.settings.tables import ThinkingStyle
from chatapp.wire.json_text import json_data

PROTOCOL = "openai"

# Fields of the usual request that a server refuses, by its host name or the end of it.
REFUSE_MAX_TOKENS = ("api.openai.com", ".openai.azure.com", "api.moonshot.ai", "api.moonshot.cn", "api.cerebras.ai")
REFUSE_STREAM_OPTIONS = ("api.mistral.ai",)  # it sends usage anyway
REFUSE_SEED = ("api.mistral.ai",)
REFUSE_OPAQUE = (  # members of another vendor, in a turn whose provider is not known
    "api.openai.com",
    ".openai.azure.com",
    "api.mistral.ai",
    "api.deepseek.com",
    "api.groq.com",
    "api.cerebras.ai",
    "api.perplexity.ai",
    "api.x.ai",
)
TAKE_ANY_ORDER = (  # of roles; the others may run a model whose template refuses it
    "api.openai.com",
    ".openai.azure.com",
    "api.deepseek.com",
    "api.groq.com",
    "api.x.ai",
    "openrouter.ai",
    ".googleapis.com",
)
IDS = {  # by the end of the host's name; the others take any id
    "api.openai.com": IdRule("[!-~]{1,40}", 29),
    ".openai.azure.com": IdRule("[!-~]{1,40}", 29),
    "api.mistral.ai": IdRule("[a-zA-Z0-9]{9}", 9, prefix=""),
}
REFUSE_SCHEMA = ("api.deepseek.com", "api.z.ai", "bigmodel.cn")  # they can only promise JSON of any shape
REFUSE_JSON_MODE = ("api.perplexity.ai",)
TAKE_VERBOSITY = ("api.openai.com", ".openai.azure.com", "openrouter.ai")  # the others may refuse it
TAKE_DOCUMENTS = ("api.openai.com", "openrouter.ai")  # the others refuse a part of this type
UNNAMED = "answer"  # a schema must have a name


@dataclass(frozen=True)
class Quirks:
    """How one server differs.

    `reasoning_field` is where it wants its reasoning back; `no_reasoning` is the value there for a
    call that was made without any.
    """

    think: Switch
    reasoning_field: str | None
    no_reasoning: str
    max_tokens: str
    seed: str
    asks_usage: bool
    takes_schema: bool
    takes_json_mode: bool
    takes_opaque: bool
    takes_verbosity: bool
    any_order: bool
    takes_documents: bool
    ids: IdRule | None

    @classmethod
    def of(cls, host: str, style: ThinkingStyle) -> Self:
        return cls(
            think=STYLES[style],
            reasoning_field=REASONING_SENT_BACK.get(style),
            no_reasoning=" " if style in REASONING_DEMANDED else "",
            max_tokens="max_completion_tokens" if host.endswith(REFUSE_MAX_TOKENS) else "max_tokens",
            seed="random_seed" if host.endswith(REFUSE_SEED) else "seed",
            asks_usage=not host.endswith(REFUSE_STREAM_OPTIONS),
            takes_schema=not host.endswith(REFUSE_SCHEMA),
            takes_json_mode=not host.endswith(REFUSE_JSON_MODE),
            takes_opaque=not host.endswith(REFUSE_OPAQUE),
            takes_verbosity=host.endswith(TAKE_VERBOSITY),
            takes_documents=host.endswith(TAKE_DOCUMENTS),
            any_order=host.endswith(TAKE_ANY_ORDER),
            ids=next((rule for end, rule in IDS.items() if host.endswith(end)), None),
        )


def request_body(chat: Chat, who: str, quirks: Quirks) -> Fields:
    """The body for a chat.

    Raises InvalidField for anything that the protocol, or this server, cannot carry.
    """
    refuse(chat, who, "citations")
    if not quirks.takes_schema:
        refuse(chat, who, "schema")
    if not quirks.takes_json_mode:
        refuse_json_mode(chat, who)
    body: Fields = {"model": chat.model, "messages": _messages(chat, who, quirks), "stream": True}
    if quirks.asks_usage:
        body["stream_options"] = {"include_usage": True}
    body |= switched(quirks.think, chat)
    body |= given(temperature=chat.temperature, top_p=chat.top_p, stop=chat.stop)
    body |= given(**{quirks.max_tokens: chat.max_tokens, quirks.seed: chat.seed})
    body |= given(response_format=_format(chat))
    if quirks.takes_verbosity or "verbosity" not in chat.hints:
        body |= given(verbosity=chat.verbosity)
    return body | tool_fields(chat)


def _format(chat: Chat) -> Fields | None:
    shape = chat.schema
    if shape is None:
        return {"type": "json_object"} if chat.json_mode else None
    more = given(description=shape.description or None, strict=shape.strict)
    return {"type": "json_schema", "json_schema": {"name": shape.name or UNNAMED, **more, "schema": shape.json}}


def tool_fields(chat: Chat) -> Fields:
    """The fields for the tools and for the choice among them."""
    if not chat.tools:
        return {}
    fields: Fields = {"tools": [{"type": "function", "function": tool} for tool in chat.tools]}
    if not chat.parallel_tools:
        fields["parallel_tool_calls"] = False
    if chat.tool_choice == "auto":
        return fields
    named = chat.tool_choice not in ("none", "required")
    choice = {"type": "function", "function": {"name": chat.tool_choice}} if named else chat.tool_choice
    return {**fields, "tool_choice": choice}


def _messages(chat: Chat, who: str, quirks: Quirks) -> list[Fields]:
    called = any(message.tool_calls for message in chat.messages)
    messages = list(sendable_turns(chat, who, takes_documents=quirks.takes_documents))
    if not quirks.any_order:
        messages = system_first(messages)
    if quirks.ids is not None:
        messages = fitted(messages, PROTOCOL, who, quirks.ids)
    return [_message(message, who, quirks, called) for message in with_pauses(messages)]


def _message(message: Message, who: str, quirks: Quirks, called: bool) -> Fields:
    """`called`: a tool was called somewhere in the chat."""
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.tool_call_id, "content": result_text(message)}
    fields: Fields = {"role": message.role, **given(name=message.name or None), "content": _content(message)}
    turn, of_calls = _opaque(message, who, quirks)
    if message.tool_calls:
        fields["content"] = words(message) or None
        fields["tool_calls"] = [_tool_call(call) | of_calls.get(call.id, {}) for call in message.tool_calls]
    fields |= turn
    if "reasoning_details" in turn:
        return fields
    reasoning = message.reasoning or (quirks.no_reasoning if message.tool_calls else "")
    if quirks.reasoning_field and called and reasoning:
        fields[quirks.reasoning_field] = reasoning
    return fields


def _opaque(message: Message, who: str, quirks: Quirks) -> tuple[Fields, dict[object, Fields]]:
    """What this server itself put into the turn: in the message, and by the id of a call."""
    turn: Fields = {}
    of_calls: dict[object, Fields] = {}
    native = native_content(message, PROTOCOL, who)
    known = bool(message.native and message.native.provider)
    for members in native if isinstance(native, list) and (known or quirks.takes_opaque) else ():
        if "tool_call" in members:
            of_calls[members["tool_call"]] = {name: value for name, value in members.items() if name != "tool_call"}
        else:
            turn |= members
    return turn, of_calls


def _content(message: Message) -> str | list[Fields]:
    """Parts only if there are images or documents: every server understands a plain string."""
    said = parts(message)
    return message.text if all(isinstance(part, Text) for part in said) else [_part(part) for part in said]


def _part(part: Sendable) -> Fields:
    if isinstance(part, Document):
        return {"type": "file", "file": {"filename": part.name, "file_data": part.url}}
    if isinstance(part, Image):
        return {"type": "image_url", "image_url": {"url": part.url}}
    return {"type": "text", "text": part.text}


def _tool_call(call: ToolCall) -> Fields:
    arguments = json_data(call.arguments)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
