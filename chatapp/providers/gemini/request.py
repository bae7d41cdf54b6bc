"""The request of Gemini's generateContent. Pure.

Source: https://ai.google.dev/api/generate-content
"""

import re
from collections.abc import Sequence

from chatapp.chat import Chat, Document, Image, Message, Text
from chatapp.providers.documents import Sendable
from chatapp.providers.prompt import (
    failure,
    given,
    inline_file,
    inline_image,
    native_content,
    parts,
    refuse,
    sendable_turns,
    with_tool_names,
    words,
)
from chatapp.providers.thinking import Fields, Switch, switched

PROTOCOL = "gemini"
JSON = "application/json"

# Gemini 3 refuses a call without a signature. Google has this one for other models' calls.
NO_SIGNATURE = {"thoughtSignature": "skip_thought_signature_validator"}
needs_signatures = re.compile(r"^(?!.*gemini-[12])").match


def request_body(chat: Chat, who: str, think: Switch) -> Fields:
    """The body for a chat. Raises InvalidField for anything that the protocol cannot carry."""
    refuse(chat, who, "verbosity", "citations")
    body: Fields = {"contents": _contents(chat, who)}
    if system := [_text(message.text) for message in chat.messages if message.role == "system" and words(message)]:
        body["systemInstruction"] = {"parts": system}
    config = given(
        maxOutputTokens=chat.max_tokens,
        temperature=chat.temperature,
        topP=chat.top_p,
        stopSequences=chat.stop,
        seed=chat.seed,
    )
    config |= switched(think, chat)
    if chat.schema is not None:
        config |= {"responseMimeType": JSON, "responseJsonSchema": chat.schema.described}
    elif chat.json_mode:
        config["responseMimeType"] = JSON
    return body | given(generationConfig=config or None) | _tools(chat)


def _tools(chat: Chat) -> Fields:
    if not chat.tools:
        return {}
    functions = [
        {"name": tool.name, "description": tool.description, "parametersJsonSchema": tool.parameters}
        for tool in chat.tools
    ]
    modes: dict[str, Fields] = {"auto": {"mode": "AUTO"}, "none": {"mode": "NONE"}, "required": {"mode": "ANY"}}
    mode = modes.get(chat.tool_choice, {"mode": "ANY", "allowedFunctionNames": [chat.tool_choice]})
    return {"tools": [{"functionDeclarations": functions}], "toolConfig": {"functionCallingConfig": mode}}


def _contents(chat: Chat, who: str) -> list[Fields]:
    """Merge neighbours of one role: the results of all calls of a turn must be together."""
    ids = _own_ids(chat, who)
    contents: list[tuple[str, list[object]]] = []
    turns = sendable_turns(chat, who, PROTOCOL, images_of=("user", "assistant"), takes_documents=True)
    for message, tool_name in with_tool_names(turns):
        if message.role == "system":
            continue
        role = "model" if message.role == "assistant" else "user"
        if not contents or contents[-1][0] != role:
            contents.append((role, []))
        if message.role == "tool":
            contents[-1][1].append(_result(message, tool_name, ids))
        else:
            contents[-1][1].extend(_said(message, who, bool(needs_signatures(chat.model))))
    return [{"role": role, "parts": said} for role, said in contents if said]


def _own_ids(chat: Chat, who: str) -> set[object]:
    """The ids that Gemini itself gave to calls: a result may name only those."""
    written = [native_content(message, PROTOCOL, who) for message in chat.messages]
    said = [part for turn in written if isinstance(turn, list) for part in turn if isinstance(part, dict)]
    return {call["id"] for part in said if isinstance(call := part.get("functionCall"), dict) and "id" in call}


def _said(message: Message, who: str, signed: bool) -> list[object]:
    native = native_content(message, PROTOCOL, who)
    if isinstance(native, list):
        return with_pictures(native, [_part(part, who) for part in parts(message) if isinstance(part, Image)])
    calls: list[Fields] = [{"functionCall": {"name": c.name, "args": c.arguments}} for c in message.tool_calls]
    if calls and signed:
        calls[0] |= NO_SIGNATURE  # of parallel calls only the first has one
    return [*(_part(part, who) for part in parts(message)), *calls]


def with_pictures(turn: Sequence[object], pictures: Sequence[Fields]) -> list[object]:
    """The turn with the model's pictures in their places, in which it is kept without them. They
    are left out if not all of them are there: each has a signature of its own."""
    is_whole = len(pictures) == sum(map(is_empty_picture, turn))
    left = iter(pictures)
    return [
        part | next(left) if isinstance(part, dict) and is_empty_picture(part) else part
        for part in turn
        if is_whole or not is_empty_picture(part)
    ]


def without_picture(part: Fields) -> Fields:
    """A part of the turn as it is kept: its bytes are a file of the answer."""
    blob = part.get("inlineData")
    return part | {"inlineData": {**blob, "data": ""}} if isinstance(blob, dict) and not part.get("thought") else part


def is_empty_picture(part: object) -> bool:
    blob = part.get("inlineData") if isinstance(part, dict) else None
    return isinstance(blob, dict) and blob.get("data") == ""


def _result(message: Message, tool_name: str, ids: set[object]) -> Fields:
    id = message.tool_call_id if message.tool_call_id in ids else None
    response = {"error": failure(message)} if message.failed else {"result": message.text}
    return {"functionResponse": {**given(id=id), "name": tool_name, "response": response}}


def _part(part: Sendable, who: str) -> Fields:
    if isinstance(part, Text):
        return _text(part.text)
    inline = inline_file(part.url) if isinstance(part, Document) else inline_image(part, who)
    return {"inlineData": {"mimeType": inline.media_type, "data": inline.data}}


def _text(text: str) -> Fields:
    return {"text": text}
