"""Chats with everything that a chat can hold, for every adapter."""

import json
from typing import Any

import msgspec

from chatapp.chat import AnswerSchema, Chat, Image, Message, Text, ToolSpec
from chatapp.events import ToolCall

PNG = "iVBORw0KGgo="
HERE, THERE = Image(f"data:image/png;base64,{PNG}"), Image("https://pictures.example/a.png")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL = ToolSpec("weather", "The weather", SCHEMA)
CALL = ToolCall("c1", "function", "weather", {"city": "Łódź"})
TIME = ToolCall("c2", "function", "time", {})

ASKED = Message("user", "How is it there?")
CALLED = Message("assistant", "I look.", tool_calls=[CALL, TIME], reasoning="Hm.")
RESULTS = [Message("tool", "mild", tool_call_id="c1"), Message("tool", "no clock", tool_call_id="c2", failed=True)]
SILENT = Message("assistant", "")  # stopped before its first word

PLAIN = Chat(model="m", messages=[Message("system", "s"), Message("user", "u")])
TURNS = Chat(model="m", messages=[Message("user", "a"), Message("assistant", "b"), SILENT, Message("user", "c")])
TOOLS = Chat(model="m", messages=[Message("system", "s"), ASKED, CALLED, *RESULTS], tools=[TOOL])
SEEN = Chat(model="m", messages=[Message("user", [Text("what is it?"), HERE])])
SET = Chat(model="m", messages=[Message("user", "u")], max_tokens=5, temperature=0.5, top_p=0.9)
SHAPED = msgspec.structs.replace(PLAIN, schema=AnswerSchema(SCHEMA))
NAMED = msgspec.structs.replace(PLAIN, schema=AnswerSchema(SCHEMA, "place", "Of a city", strict=True))
ANY_JSON = msgspec.structs.replace(PLAIN, json_mode=True)


def body(adapter: type, chat: Chat, base_url: str = "http://acme.test", **options: Any) -> dict[str, Any]:
    """The request's body, as it goes over the wire."""
    request = adapter("acme", None, base_url, **options).request(chat)
    return json.loads(msgspec.json.encode(request.body))
