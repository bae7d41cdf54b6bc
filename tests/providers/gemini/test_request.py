"""The request of Gemini."""

import json

import msgspec
from providers.chats import ASKED, CALLED, PLAIN, PNG, RESULTS, SCHEMA, SEEN, SET, SHAPED, TOOLS, body

from chatapp.chat import Chat, Native
from chatapp.providers.gemini.adapter import Gemini


def test_parts():
    sent = body(Gemini, TOOLS)

    assert sent["systemInstruction"] == {"parts": [{"text": "s"}]}
    declared = {"name": "weather", "description": "The weather", "parametersJsonSchema": SCHEMA}
    assert sent["tools"] == [{"functionDeclarations": [declared]}]
    assert sent["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}
    assert sent["contents"][1:] == [
        {
            "role": "model",
            "parts": [
                {"text": "I look."},
                {
                    "functionCall": {"name": "weather", "args": {"city": "Łódź"}},
                    "thoughtSignature": "skip_thought_signature_validator",
                },
                {"functionCall": {"name": "time", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "weather", "response": {"result": "mild"}}},
                {"functionResponse": {"name": "time", "response": {"error": "no clock"}}},
            ],
        },
    ]


def test_before_3_asks_for_no_signature():
    sent = body(Gemini, msgspec.structs.replace(TOOLS, model="gemini-2.5-flash"))
    assert "thoughtSignature" not in json.dumps(sent)


def test_images_and_what_is_set():
    inline = {"mimeType": "image/png", "data": PNG}
    assert body(Gemini, SEEN)["contents"][0]["parts"][1] == {"inlineData": inline}
    sent = body(Gemini, msgspec.structs.replace(SET, stop=["."], seed=7))
    limits = {"maxOutputTokens": 5, "temperature": 0.5, "topP": 0.9, "stopSequences": ["."], "seed": 7}
    assert sent["generationConfig"] == limits
    shaped = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert body(Gemini, SHAPED)["generationConfig"] == shaped


def test_a_model_cannot_lead_elsewhere():
    chat = msgspec.structs.replace(PLAIN, model="../../files?x=#y")
    url = Gemini("acme", None).request(chat).path
    assert url == "/models/..%2F..%2Ffiles%3Fx%3D%23y:streamGenerateContent?alt=sse"


def test_names_the_calls_that_it_named_itself():
    native = Native("gemini", [{"functionCall": {"name": "weather", "id": "c1"}}])
    messages = [ASKED, msgspec.structs.replace(CALLED, native=native), *RESULTS]
    first, second = body(Gemini, Chat(model="m", messages=messages))["contents"][-1]["parts"]
    assert first["functionResponse"]["id"] == "c1"
    assert "id" not in second["functionResponse"]
