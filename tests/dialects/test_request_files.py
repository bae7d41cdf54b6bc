"""Files within a request arrive as they were sent, whatever the client's protocol calls them; or are refused by name."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from chatapp.chat import Ask, Document, Image, Message, Sent, Text
from chatapp.dialects.agui.request import AGUIRequest
from chatapp.dialects.ai_sdk.request import UIChatRequest
from chatapp.dialects.anthropic.request import MessagesRequest
from chatapp.dialects.openai_chat.request import CompletionRequest
from chatapp.dialects.openai_responses.request import ResponseRequest
from chatapp.errors import InvalidField

DATA = b"%PDF-1.4 a plan"
BASE64 = b64encode(DATA).decode()
URL = f"data:application/pdf;base64,{BASE64}"
ELSEWHERE = "https://example.com/plan.pdf"
WELL = {"type": "text", "text": "Well?"}
PLACE = {
    "completion": "messages[0].content[0]",
    "response": "input[0].content[0]",
    "anthropic": "messages[0].content[0]",
    "ui": "messages[0].parts[0]",
    "agui": "messages[0].content[0]",
}


def asked(protocol: str, part: Any) -> Ask:
    said: list[Any] = [{"role": "user", "content": [part, WELL]}]
    match protocol:
        case "completion":
            return msgspec.convert({"messages": said}, CompletionRequest).ask()
        case "response":
            return msgspec.convert({"input": said}, ResponseRequest).ask()
        case "anthropic":
            return msgspec.convert({"messages": said}, MessagesRequest).ask()
        case "ui":
            page = {"id": "c", "messages": [{"role": "user", "parts": [part, WELL]}]}
            return msgspec.convert(page, UIChatRequest).ask(None)
        case _:
            return msgspec.convert({"threadId": "t", "runId": "r", "messages": said}, AGUIRequest).ask()


@pytest.mark.parametrize(
    ("protocol", "part", "field", "name"),
    [
        ("completion", {"type": "file", "file": {"file_data": URL, "filename": "plan.pdf"}}, ".file.file_data", "plan.pdf"),
        ("completion", {"type": "file", "file": {"file_data": BASE64}}, ".file.file_data", "document"),
        ("response", {"type": "input_file", "file_data": URL, "filename": "plan.pdf"}, ".file_data", "plan.pdf"),
        ("response", {"type": "input_file", "file_data": URL}, ".file_data", "document.pdf"),
        ("anthropic", {"type": "document", "title": "plan", "source": {"type": "base64", "media_type": "application/pdf", "data": BASE64}}, ".source.data", "plan"),
        ("anthropic", {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": DATA.decode()}}, ".source.data", "document.txt"),
        ("anthropic", {"type": "document", "source": {"type": "content", "content": DATA.decode()}}, ".source.content", "document.txt"),
        ("ui", {"type": "file", "mediaType": "application/pdf", "filename": "plan.pdf", "url": URL}, ".url", "plan.pdf"),
        ("ui", {"type": "file", "mediaType": "text/markdown", "url": f"data:text/markdown;base64,{BASE64}"}, ".url", "document.md"),
        ("agui", {"type": "document", "source": {"type": "data", "mimeType": "application/pdf", "value": BASE64}, "metadata": {"filename": "plan.pdf"}}, ".source.value", "plan.pdf"),
        ("agui", {"type": "binary", "mimeType": "application/pdf", "data": BASE64, "filename": "plan.pdf"}, ".data", "plan.pdf"),
    ],
)  # fmt: skip
def test_a_file_arrives_with_its_name(protocol: str, part: Any, field: str, name: str) -> None:
    sent = Sent(PLACE[protocol] + field, name, DATA)
    assert asked(protocol, part).said == [Message("user", [sent, Text("Well?")])]


@pytest.mark.parametrize(
    ("protocol", "part", "field"),
    [
        ("completion", {"type": "file", "file": {"file_id": "file_1"}}, ".file.file_id"),
        ("response", {"type": "input_file", "file_id": "file_1"}, ".file_id"),
        ("response", {"type": "input_image", "file_id": "file_1", "detail": "auto"}, ".file_id"),
        ("anthropic", {"type": "document", "source": {"type": "file", "file_id": "file_1"}}, ".source.file_id"),
        ("anthropic", {"type": "image", "source": {"type": "file", "file_id": "file_1"}}, ".source.file_id"),
        ("agui", {"type": "image", "source": {"type": "file", "value": "file_1"}}, ".source.value"),
        ("agui", {"type": "document", "source": {"type": "file", "value": "file_1"}}, ".source.value"),
        ("agui", {"type": "binary", "mimeType": "application/pdf", "id": "file_1"}, ".id"),
    ],
)
def test_an_uploaded_file_is_named_by_its_id(protocol: str, part: Any, field: str) -> None:
    (message,) = asked(protocol, part).said
    assert message.content[0] == Sent(PLACE[protocol] + field, id="file_1")


@pytest.mark.parametrize(
    ("protocol", "part", "refusal"),
    [
        ("completion", {"type": "file"}, ".file.file_data: expected the file's data in base64, or the id of an uploaded file"),
        ("completion", {"type": "file", "file": {"file_data": "no base64!"}}, ".file.file_data: expected base64, or a data: URL of it"),
        ("completion", {"type": "file", "file": {"file_data": "data:text/plain,hi"}}, ".file.file_data: expected a data: URL with ;base64"),
        ("completion", {"type": "file", "file": {"file_data": URL, "file_id": "file_1"}}, ".file.file_id: send either the file's data or its id, not both"),
        ("completion", {"type": "input_audio", "input_audio": {"data": "", "format": "mp3"}}, ".type: 'input_audio' is not supported; use text, image or file parts"),
        ("response", {"type": "input_file", "file_url": ELSEWHERE}, ".file_url: not fetched; send the file itself in base64, or upload it to /v1/files"),
        ("anthropic", {"type": "document", "source": {"type": "url", "url": ELSEWHERE}}, ".source.url: not fetched; send the file itself in base64, or upload it to /v1/files"),
        ("anthropic", {"type": "document", "source": {"type": "text", "data": " "}}, ".source.data: must not be empty"),
        ("anthropic", {"type": "document", "source": {"type": "disk"}}, ".source.type: 'disk' is not supported; use base64, file, text or content"),
        ("anthropic", {"type": "document", "source": {"type": "content", "content": [{"type": "tool_use"}]}}, ".source.content[0].type: 'tool_use' is not supported; use text or image"),
        ("ui", {"type": "file", "mediaType": "application/pdf", "url": ELSEWHERE}, ".url: not fetched; send the file itself in base64, or upload it to /v1/files"),
        ("agui", {"type": "document", "source": {"type": "url", "value": ELSEWHERE}}, ".source.value: not fetched; send the file itself in base64, or upload it to /v1/files"),
        ("agui", {"type": "binary", "mimeType": "application/pdf", "url": ELSEWHERE}, ".url: not fetched; send the file itself in base64, or upload it to /v1/files"),
        ("agui", {"type": "binary", "mimeType": "audio/wav", "data": BASE64}, ".mimeType: 'audio/wav' is not supported; use an image, a PDF or text"),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_by_name(protocol: str, part: Any, refusal: str) -> None:
    with pytest.raises(InvalidField) as refused:
        asked(protocol, part)
    assert refused.value.message == PLACE[protocol] + refusal


def test_a_document_that_is_to_be_cited_stays_one() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Buy bread."}
    cited = asked("anthropic", {"type": "document", "title": "plan", "source": source, "citations": {"enabled": True}})
    assert cited.options.citations and cited.said[0].content[0] == Document("plan", "", "Buy bread.")
    assert not asked(
        "anthropic", {"type": "document", "source": source, "citations": {"enabled": False}}
    ).options.citations


def test_what_is_said_of_a_document_is_said_behind_it() -> None:
    source = {"type": "text", "media_type": "text/plain", "data": "Buy bread."}
    part = {"type": "document", "title": "plan", "context": "Of last week.", "source": source}
    assert asked("anthropic", part).said[0].content[1] == Text("plan: Of last week.\n\n")


def test_a_search_result_and_pictures_in_a_document_are_carried() -> None:
    found = {"type": "search_result", "source": "https://a.example", "title": "A", "content": [WELL]}
    sent = Sent("messages[0].content[0].content", "A", b"https://a.example\n\nWell?")
    assert asked("anthropic", found).said[0].content[0] == sent
    pixel = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}
    document = {"type": "document", "source": {"type": "content", "content": [WELL, pixel]}}
    assert asked("anthropic", document).said[0].content[1] == Image("data:image/png;base64,AAAA")


def test_a_result_of_a_tool_may_have_a_file() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_file", "file_data": URL}]}
    said = msgspec.convert({"input": [call, result]}, ResponseRequest).ask().said
    assert said[1].content == [Sent("input[1].output[0].file_data", "document.pdf", DATA)]
