import json

import pytest
from providers.chats import PNG

from chatapp.chat import Chat, Image, Message, Native, Text
from chatapp.errors import EmptyReply, Reported, Truncated
from chatapp.events import ReasoningDelta, TextDelta, ToolCall, ToolResult, Usage
from chatapp.providers import Finished
from chatapp.providers.gemini.adapter import Gemini


@pytest.fixture
def gemini(upstream):
    return Gemini("acme", upstream)


def sse(*chunks):
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def said(*parts, finish=None, **more):
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **more}


STOP = said({"text": ""}, finish="STOP")
ERROR = json.dumps({"error": {"code": 503, "message": "sk-secret", "status": "UNAVAILABLE"}}, indent=2).encode()


def test_thoughts_text_and_usage(gemini, read):
    usage = {
        "promptTokenCount": 3,
        "candidatesTokenCount": 4,
        "thoughtsTokenCount": 5,
        "cachedContentTokenCount": 1,
        "totalTokenCount": 12,
    }
    body = sse(said({"text": "hm", "thought": True}), said({"text": "one"}), said(finish="STOP", usageMetadata=usage))

    assert read(gemini, body).items == [ReasoningDelta("hm"), TextDelta("one"), Finished("stop", Usage(3, 9, 12, 5, 1))]


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("STOP", "stop"), ("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("RECITATION", "content_filter")],
)
def test_finish_reasons_are_mapped(gemini, read, reason, finish):
    assert read(gemini, sse(said({"text": "a"}, finish=reason))).finish == Finished(finish)


def test_a_finish_reason_on_every_chunk_is_no_end(gemini, read):
    body = sse(said({"text": "a"}, finish="STOP"), said({"text": "b"}, finish="STOP"))
    assert read(gemini, body).text == "ab"


def test_a_blocked_prompt_is_filtered(gemini, read):
    assert read(gemini, sse({"promptFeedback": {"blockReason": "SAFETY"}})).finish == Finished("content_filter")


def test_a_failed_call_is_an_error(gemini, read):
    assert isinstance(read(gemini, sse(said(finish="MALFORMED_FUNCTION_CALL"))).error, Reported)


def test_calls_and_their_signatures_go_back_as_they_came(gemini, read):
    first = {"functionCall": {"name": "f", "args": {"x": 1}, "id": "own"}, "thoughtSignature": "sig"}
    second = {"functionCall": {"name": "g"}}
    reading = read(
        gemini, sse(said({"text": "hm", "thought": True}), said({"text": "I look"}, first), said(second), STOP)
    )

    assert reading.tool_calls == [ToolCall("own", "function", "f", {"x": 1}), ToolCall("call_0", "function", "g", {})]
    native = reading.native
    assert native == Native("gemini", [{"text": "I look"}, first, second], "acme")
    turn = Message("assistant", "I look", tool_calls=reading.tool_calls, native=native)
    results = [Message("tool", "1", tool_call_id="own"), Message("tool", "2", tool_call_id="call_0")]
    contents = gemini.request(Chat(model="m", messages=[Message("user", "u"), turn, *results])).body["contents"]
    assert contents[1] == {"role": "model", "parts": native.content}
    assert [part["functionResponse"].get("id") for part in contents[2]["parts"]] == ["own", None]


def test_a_text_s_signature_is_kept_and_its_pieces_are_joined_up_to_it(gemini, read):
    signed = {"text": "", "thoughtSignature": "sig"}
    reading = read(gemini, sse(said({"text": "It"}), said({"text": " is"}), said(signed), said({"text": "."}), STOP))
    assert reading.native == Native("gemini", [{"text": "It is"}, signed, {"text": "."}], "acme")
    turn = Message("assistant", "It is.", native=reading.native)
    contents = gemini.request(Chat(model="m", messages=[Message("user", "u"), turn])).body["contents"]
    assert contents[1]["parts"] == reading.native.content


def test_a_signed_picture_is_kept_once_and_goes_back_in_its_place(gemini, read):
    blob = {"mimeType": "image/png", "data": PNG}
    drawn = {"inlineData": blob, "thoughtSignature": "sig"}
    reading = read(gemini, sse(said({"text": "Here:"}), said(drawn), STOP))
    assert reading.native.content == [
        {"text": "Here:"},
        {"inlineData": {"mimeType": "image/png", "data": ""}, "thoughtSignature": "sig"},
    ]
    picture = Image(f"data:image/png;base64,{PNG}")

    def sent(*images):
        turn = Message("assistant", [Text("Here:"), *images], native=reading.native)
        return gemini.request(Chat(model="m", messages=[Message("user", "u"), turn])).body["contents"][1]["parts"]

    assert sent(picture) == [{"text": "Here:"}, drawn]
    assert sent() == [{"text": "Here:"}]


def test_a_picture_without_a_signature_goes_back_too(gemini):
    turn = Message("assistant", [Text("Here:"), Image(f"data:image/png;base64,{PNG}")])
    contents = gemini.request(Chat(model="m", messages=[Message("user", "u"), turn])).body["contents"]
    assert contents[1]["parts"][1] == {"inlineData": {"mimeType": "image/png", "data": PNG}}


def test_an_unsigned_text_is_kept_once(gemini, read):
    assert read(gemini, sse(said({"text": "It is."}), STOP)).native is None


def test_code_that_the_provider_runs_is_shown_with_its_result(gemini, read):
    code = {"executableCode": {"language": "PYTHON", "code": "1+1"}}
    body = sse(said(code), said({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2"}}), STOP)

    assert read(gemini, body).items[:2] == [
        ToolCall(
            "code_execution", "function", "code_execution", {"language": "PYTHON", "code": "1+1"}, by_provider=True
        ),
        ToolResult("code_execution", "2"),
    ]
    failed = sse(said(code), said({"codeExecutionResult": {"outcome": "OUTCOME_FAILED"}}), STOP)
    assert read(gemini, failed).items[1].error == "OUTCOME_FAILED"
    assert read(gemini, sse(said(code), STOP)).items == [Finished("stop")]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_an_error_in_the_middle_comes_without_a_frame(gemini, read, newline, cuts):
    body = sse(said({"text": "a"})) + ERROR.replace(b"\n", newline) + newline
    for pieces in cuts(body):
        reading = read(gemini, pieces)
        assert reading.text == "a"
        assert isinstance(reading.error, Reported)
        assert "sk-secret" not in reading.error.message


def test_an_error_in_a_frame_is_one_too(gemini, read):
    assert isinstance(read(gemini, sse(said({"text": "a"}), json.loads(ERROR))).error, Reported)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (sse(said({"text": "a"})), Truncated),
        (sse(said({"text": "a"})) + b'data: {"cand', Truncated),
        (ERROR, Reported),
        (b"[" + ERROR + b"]", Reported),
        (b"[]", EmptyReply),
        (b"{}", EmptyReply),
        (b'data: {"candidates":7}\n\n', EmptyReply),
    ],
)
def test_a_200_that_is_no_reply_is_an_error(gemini, read, body, error):
    assert type(read(gemini, body).error) is error


def test_a_list_of_chunks_is_read_too(gemini, read):
    body = json.dumps([said({"text": "a"}), said({"text": "b"}, finish="STOP")]).encode()
    assert read(gemini, body).items == [TextDelta("a"), TextDelta("b"), Finished("stop")]
    cut_off = json.dumps([said({"text": "a"})]).encode()
    assert isinstance(read(gemini, cut_off).error, Truncated)


def test_of_several_answers_the_first_is_read(gemini, read):
    other = {"candidates": [{"index": 1, "content": {"parts": [{"text": "other"}]}, "finishReason": "STOP"}]}
    assert read(gemini, sse(other, said({"text": "one"}, finish="STOP"))).text == "one"


def test_models_that_cannot_chat_are_left_out(gemini):
    listed = [
        {"name": "models/gemini-x", "supportedGenerationMethods": ["generateContent", "countTokens"]},
        {"name": "models/embedding-x", "supportedGenerationMethods": ["embedContent"]},
    ]
    assert gemini.decode_models(json.dumps({"models": listed}).encode()) == ["gemini-x"]
    assert gemini.authorization("k") == {"x-goog-api-key": "k"}
