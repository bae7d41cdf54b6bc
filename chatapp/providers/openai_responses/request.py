"""The request of OpenAI's Responses API. Pure.

Source: https://platform.openai.com/docs/api-reference/responses

The provider keeps nothing: each request carries the whole conversation, with encrypted reasoning.
"""

from collections.abc import Collection

from chatapp.chat import Chat, Document, Image, Message, Text, ToolSpec
from chatapp.events import ToolCall
from chatapp.hub import with_pauses
from chatapp.providers.call_ids import IdRule
from chatapp.providers.documents import Sendable
from chatapp.providers.prompt import fitted, given, native_content, parts, refuse, result_text, sendable_turns
from chatapp.providers.thinking import Fields, Switch, switched, takes_effort
from chatapp.wire.json_text import json_data

PROTOCOL = "openai-responses"
TAKE_DOCUMENTS = ("api.openai.com", ".openai.azure.com")  # others that speak the protocol refuse such a part
IDS = IdRule("[!-~]{1,64}", 29)
UNNAMED = "answer"  # a schema must have a name


def request_body(chat: Chat, who: str, think: Switch, takes_documents: bool = True) -> Fields:
    """The body for a chat. Raises InvalidField for anything that the protocol cannot carry."""
    refuse(chat, who, "stop", "seed", "citations")
    body: Fields = {"model": chat.model, "input": _input(chat, who, takes_documents), "stream": True, "store": False}
    if takes_effort(chat.model):
        body["include"] = ["reasoning.encrypted_content"]
    body |= switched(think, chat)
    body |= given(max_output_tokens=chat.max_tokens, temperature=chat.temperature, top_p=chat.top_p)
    body |= given(prompt_cache_key=chat.cache_key or None, text=_text(chat) or None)
    return body | _tools(chat)


def _text(chat: Chat) -> Fields:
    """How the answer is to look."""
    shape = chat.schema
    if shape is not None:
        format: Fields = {"type": "json_schema", "name": shape.name or UNNAMED, "schema": shape.json}
        format |= given(description=shape.description or None, strict=shape.strict)
        return given(format=format, verbosity=chat.verbosity)
    return given(format={"type": "json_object"} if chat.json_mode else None, verbosity=chat.verbosity)


def _tools(chat: Chat) -> Fields:
    if not chat.tools and not chat.hosted:
        return {}
    choice: object = chat.tool_choice
    if choice not in ("auto", "none", "required"):
        choice = {"type": "custom" if choice in _custom_tools(chat) else "function", "name": choice}
    return {
        **({} if chat.parallel_tools else {"parallel_tool_calls": False}),
        "tools": [*map(_tool, chat.tools), *(tool.json for tool in chat.hosted)],
        "tool_choice": choice,
    }


def _tool(tool: ToolSpec) -> Fields:
    named: Fields = {"name": tool.name, "description": tool.description}
    if tool.custom is not None:
        return {"type": "custom", **named, "format": tool.custom}
    return {"type": "function", **named, "parameters": tool.parameters, "strict": tool.strict}


def _custom_tools(chat: Chat) -> set[str]:
    return {tool.name for tool in chat.tools if tool.custom is not None}


def _input(chat: Chat, who: str, takes_documents: bool) -> list[object]:
    """A result is of the kind that its call was."""
    custom, free = _custom_tools(chat), set[str]()
    items: list[object] = []
    turns = list(sendable_turns(chat, who, PROTOCOL, ("user", "tool"), takes_documents))
    for message in with_pauses(fitted(turns, PROTOCOL, who, IDS)):
        free |= _free_calls(message, custom, who)
        items += _items(message, free, who)
    return items


def _free_calls(message: Message, custom: Collection[str], who: str) -> set[str]:
    """The ids of the turn's calls of tools that take free text."""
    native = native_content(message, PROTOCOL, who)
    if isinstance(native, list):
        calls = [item for item in native if isinstance(item, dict) and item.get("type") == "custom_tool_call"]
        return {str(call.get("call_id")) for call in calls}
    return {call.id for call in message.tool_calls if call.name in custom}


def _items(message: Message, free: Collection[str], who: str) -> list[object]:
    """`free` are the ids of the calls of tools that take free text."""
    native = native_content(message, PROTOCOL, who)
    if isinstance(native, list):
        return native
    if message.role == "tool":
        kind = "custom_tool_call_output" if message.tool_call_id in free else "function_call_output"
        return [{"type": kind, "call_id": message.tool_call_id, "output": _output(message)}]
    said: list[object] = [_message(message)] if parts(message) else []
    return said + [_call(call, call.id in free) for call in message.tool_calls]


def _output(message: Message) -> object:
    """A result's text, or its parts if there are images or PDFs among them."""
    if all(isinstance(part, Text) for part in parts(message)):
        return result_text(message)
    return [_part(part) for part in parts(message)]


def _call(call: ToolCall, is_free: bool) -> Fields:
    named = {"call_id": call.id, "name": call.name}
    if is_free:
        return {"type": "custom_tool_call", **named, "input": call.arguments.get("input", "")}
    return {"type": "function_call", **named, "arguments": json_data(call.arguments)}


def _message(message: Message) -> Fields:
    if message.role == "assistant":
        return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": message.text}]}
    return {"role": message.role, "content": [_part(part) for part in parts(message)]}


def _part(part: Sendable) -> Fields:
    if isinstance(part, Document):
        return {"type": "input_file", "filename": part.name, "file_data": part.url}
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": part.url, "detail": "auto"}
    return {"type": "input_text", "text": part.text}
