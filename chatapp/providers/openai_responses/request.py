"""The request of OpenAI's Responses API. Pure.

Source: https://platform.openai.com/docs/api-reference/responses

The provider keeps nothing: each request carries the whole conversation, with encrypted reasoning.
"""

from chatapp.chat import Chat, Image, Message, Part
from chatapp.providers.call_ids import IdRule
from chatapp.providers.prompt import fitted, given, native_content, parts, refuse, result_text, sendable_turns
from chatapp.providers.thinking import Fields, Switch, switched, takes_effort
from chatapp.wire.json_text import json_data

PROTOCOL = "openai-responses"
IDS = IdRule("[!-~]{1,64}", 29)
UNNAMED = "answer"  # a schema must have a name


def request_body(chat: Chat, who: str, think: Switch) -> Fields:
    """The body for a chat. Raises InvalidField for anything that the protocol cannot carry."""
    refuse(chat, who, "stop", "seed")
    body: Fields = {"model": chat.model, "input": _input(chat, who), "stream": True, "store": False}
    if takes_effort(chat.model):
        body["include"] = ["reasoning.encrypted_content"]
    body |= switched(think, chat)
    body |= given(max_output_tokens=chat.max_tokens, temperature=chat.temperature, top_p=chat.top_p)
    return body | given(text=_text(chat) or None) | _tools(chat)


def _text(chat: Chat) -> Fields:
    """How the answer is to look."""
    shape = chat.schema
    if shape is not None:
        format: Fields = {"type": "json_schema", "name": shape.name or UNNAMED, "schema": shape.json}
        format |= given(description=shape.description or None, strict=shape.strict)
        return given(format=format, verbosity=chat.verbosity)
    return given(format={"type": "json_object"} if chat.json_mode else None, verbosity=chat.verbosity)


def _tools(chat: Chat) -> Fields:
    if not chat.tools:
        return {}
    tools = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": tool.strict,
        }
        for tool in chat.tools
    ]
    named = chat.tool_choice not in ("auto", "none", "required")
    return {
        **({} if chat.parallel_tools else {"parallel_tool_calls": False}),
        "tools": tools,
        "tool_choice": {"type": "function", "name": chat.tool_choice} if named else chat.tool_choice,
    }


def _input(chat: Chat, who: str) -> list[object]:
    return [
        item
        for message in fitted(list(sendable_turns(chat, who, PROTOCOL)), PROTOCOL, who, IDS)
        for item in _items(message, who)
    ]


def _items(message: Message, who: str) -> list[object]:
    native = native_content(message, PROTOCOL, who)
    if isinstance(native, list):
        return native
    if message.role == "tool":
        output = {"type": "function_call_output", "call_id": message.tool_call_id, "output": result_text(message)}
        return [output]
    said: list[object] = [_message(message)] if parts(message) else []
    for call in message.tool_calls:
        arguments = json_data(call.arguments)
        said.append({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments})
    return said


def _message(message: Message) -> Fields:
    if message.role == "assistant":
        return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": message.text}]}
    return {"role": message.role, "content": [_part(part) for part in parts(message)]}


def _part(part: Part) -> Fields:
    if isinstance(part, Image):
        return {"type": "input_image", "image_url": part.url, "detail": "auto"}
    return {"type": "input_text", "text": part.text}
