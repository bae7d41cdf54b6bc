"""The request of Anthropic's Messages API. Pure.

Source: https://platform.claude.com/docs/en/api/messages
"""

from chatapp.chat import Chat, Document, Message, Text
from chatapp.errors import InvalidField
from chatapp.hub import with_pauses
from chatapp.providers.call_ids import IdRule
from chatapp.providers.documents import Sendable
from chatapp.providers.prompt import (
    InlineFile,
    failure,
    fitted,
    given,
    inline_file,
    native_content,
    parts,
    refuse,
    refuse_json_mode,
    sendable_turns,
    split_data_url,
    words,
)
from chatapp.providers.thinking import Fields, Switch, switched

PROTOCOL = "anthropic"
TAKE_DOCUMENTS = ("api.anthropic.com",)  # others that speak the protocol refuse such a block
CACHE = ("api.anthropic.com",)  # others cache by themselves, or do not know the field
MAX_TOKENS = 8192  # the field is required; every model of today can write as much
LEAST_BUDGET = 1024
MOST_TEMPERATURE = 1.0
IDS = IdRule("[a-zA-Z0-9_-]{1,64}", 29)  # 64 is the limit of Bedrock's Claude


def request_body(chat: Chat, who: str, think: Switch, takes_documents: bool = True) -> Fields:
    """The body for a chat. Raises InvalidField for anything that the protocol cannot carry."""
    refuse(chat, who, "seed", "verbosity", *([] if takes_documents else ["citations"]))
    refuse_json_mode(chat, who)
    switch = switched(think, chat)
    if _budget(switch) is not None and _continues_another(chat, who):
        switch = {}  # with a budget, the turn would have to begin with signed thinking
    body: Fields = {"model": chat.model, "messages": _messages(chat, who, takes_documents), "stream": True}
    system = "\n\n".join(words(message) for message in chat.messages if message.role == "system" and words(message))
    body |= given(system=system or None, stop_sequences=chat.stop, top_p=chat.top_p, temperature=chat.temperature)
    body |= _limits(chat, who, switch)
    if chat.thinking and switch:
        _refuse_beside_thinking(chat, who)
    if chat.temperature is not None and chat.temperature > MOST_TEMPERATURE:
        raise InvalidField(f"temperature: {who} accepts at most {MOST_TEMPERATURE:g}")
    if chat.schema is not None:
        body["output_config"] = _output_config(switch) | {
            "format": {"type": "json_schema", "schema": chat.schema.described}
        }
    return body | _tools(chat)


def _continues_another(chat: Chat, who: str) -> bool:
    """Whether the chat ends with results of calls that were made without Claude's own thinking."""
    last = next((message for message in reversed(chat.messages) if message.role == "assistant"), None)
    is_open = chat.messages and chat.messages[-1].role == "tool"
    return bool(is_open and last and native_content(last, PROTOCOL, who) is None)


def _limits(chat: Chat, who: str, switch: Fields) -> Fields:
    """`max_tokens` includes the thinking. A budget leaves half of it for the answer, or what the
    smallest one leaves."""
    budget = _budget(switch)
    if budget is None:
        return {**switch, "max_tokens": chat.max_tokens or MAX_TOKENS}
    if chat.max_tokens is not None:
        budget = min(budget, max(chat.max_tokens // 2, LEAST_BUDGET))
        if chat.max_tokens <= LEAST_BUDGET:
            raise InvalidField(f"max_tokens: {who} needs more than {LEAST_BUDGET} while thinking is on")
    thinking = {"type": "enabled", "budget_tokens": budget}
    return {"thinking": thinking, "max_tokens": chat.max_tokens or budget + MAX_TOKENS}


def _budget(switch: Fields) -> int | None:
    """The tokens for thinking; None if the model decides itself, or does not think."""
    thinking = switch.get("thinking")
    return thinking.get("budget_tokens") if isinstance(thinking, dict) else None


def _output_config(switch: Fields) -> Fields:
    config = switch.get("output_config")
    return config if isinstance(config, dict) else {}


def _refuse_beside_thinking(chat: Chat, who: str) -> None:
    if chat.temperature not in (None, MOST_TEMPERATURE):
        raise InvalidField(f"temperature: {who} does not accept one while thinking is on")
    if chat.tools and chat.tool_choice not in ("auto", "none"):
        raise InvalidField(f"tool_choice: {who} supports only 'auto' and 'none' while thinking is on")


def _tools(chat: Chat) -> Fields:
    if not chat.tools and not chat.hosted:
        return _called_before(chat)
    tools: list[Fields] = [
        {
            "name": tool.name,
            "description": tool.description,
            "input_schema": tool.parameters,
            **given(strict=tool.strict or None),
        }
        for tool in chat.tools
    ]
    tools += [tool.json for tool in chat.hosted]
    known: dict[str, Fields] = {"auto": {"type": "auto"}, "none": {"type": "none"}, "required": {"type": "any"}}
    choice = known.get(chat.tool_choice, {"type": "tool", "name": chat.tool_choice})
    if not chat.parallel_tools and chat.tool_choice != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def _called_before(chat: Chat) -> Fields:
    """The tools that were called, to be called no more: no call is taken without its tool."""
    names = dict.fromkeys(call.name for message in chat.messages for call in message.tool_calls)
    if not names:
        return {}
    tools = [{"name": name, "input_schema": {"type": "object"}} for name in names]
    return {"tools": tools, "tool_choice": {"type": "none"}}


def _messages(chat: Chat, who: str, takes_documents: bool) -> list[Fields]:
    """Merge neighbours of one role: the results of all calls of a turn must be together."""
    messages: list[tuple[str, list[object]]] = []
    turns = list(sendable_turns(chat, who, PROTOCOL, ("user", "tool"), takes_documents))
    for message in with_pauses(fitted(turns, PROTOCOL, who, IDS)):
        if message.role == "system":
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if not messages or messages[-1][0] != role:
            messages.append((role, []))
        messages[-1][1].extend(_blocks(message, who, chat.citations))
    if messages and messages[-1][0] == "assistant":
        _strip_end(messages[-1][1])
    return [{"role": role, "content": blocks} for role, blocks in messages if blocks]


def _strip_end(blocks: list[object]) -> None:
    """An answer that is to be gone on with may not end with blanks."""
    last = blocks[-1] if blocks else None
    if isinstance(last, dict) and last.get("type") == "text":
        blocks[-1] = {**last, "text": str(last["text"]).rstrip()}


def _blocks(message: Message, who: str, cites: bool) -> list[object]:
    native = native_content(message, PROTOCOL, who)
    if isinstance(native, list):
        return native
    said: list[object] = [_block(part, cites) for part in parts(message)]
    if message.role == "tool":
        result = {"type": "tool_result", "tool_use_id": message.tool_call_id, "content": said}
        if not message.failed:
            return [result]
        return [{**result, "content": said or [_block(Text(failure(message)))], "is_error": True}]
    calls = message.tool_calls
    return said + [{"type": "tool_use", "id": c.id, "name": c.name, "input": c.arguments} for c in calls]


def _block(part: Sendable, cites: bool = False) -> Fields:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    if isinstance(part, Document):
        document: Fields = {"type": "document", "source": _source(part), "title": part.name}
        return document | ({"citations": {"enabled": True}} if cites else {})
    if inline := split_data_url(part.url):
        return {"type": "image", "source": _base64(inline)}
    return {"type": "image", "source": {"type": "url", "url": part.url}}


def _source(document: Document) -> Fields:
    if document.url:
        return _base64(inline_file(document.url))
    return {"type": "text", "media_type": "text/plain", "data": document.text}


def _base64(inline: InlineFile) -> Fields:
    return {"type": "base64", "media_type": inline.media_type, "data": inline.data}
