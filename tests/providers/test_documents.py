"""A PDF goes to the providers that take it, and its text to the others."""

import pytest

from chatapp.chat import Attachment, Chat, Document, Image, Message, Text
from chatapp.chat.files import with_contents
from chatapp.errors import InvalidField
from chatapp.events import ToolCall
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.documents import file_text
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.http import HTTPProvider
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.wire.upstream import Upstream

URL = "data:application/pdf;base64,AAAA"
PLAN = Document("plan.pdf", URL, "Buy bread.")
AS_TEXT = "plan.pdf:\n```pdf\nBuy bread.\n```\n\n"
ELSEWHERE = "http://127.0.0.1:1"

NATIVE = {
    Anthropic: {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
        "title": "plan.pdf",
    },
    Gemini: {"inlineData": {"mimeType": "application/pdf", "data": "AAAA"}},
    OpenAIChat: {"type": "file", "file": {"filename": "plan.pdf", "file_data": URL}},
    OpenAIResponses: {"type": "input_file", "filename": "plan.pdf", "file_data": URL},
}


def turn(provider: type[HTTPProvider], *parts: object, base_url: str | None = None) -> object:
    adapter = provider("it", Upstream(), base_url)
    chat = Chat(model="m", messages=[Message("user", list(parts))])  # type: ignore[arg-type]
    body = adapter.request(chat).body or {}
    return next(body[name] for name in ("messages", "input", "contents") if name in body)[0]  # type: ignore[index]


@pytest.mark.parametrize("provider", NATIVE, ids=lambda provider: provider.__name__)
def test_a_pdf_goes_whole_to_those_that_take_it(provider: type[HTTPProvider]) -> None:
    said = turn(provider, PLAN, Text("Well?"))
    parts = said.get("content", said.get("parts"))  # type: ignore[attr-defined]
    assert parts[0] == NATIVE[provider] and "Well?" in str(parts[1])


@pytest.mark.parametrize("provider", [Anthropic, OpenAIChat, OpenAIResponses, Ollama], ids=lambda each: each.__name__)
def test_the_others_get_its_text(provider: type[HTTPProvider]) -> None:
    said = str(turn(provider, PLAN, Text("Well?"), base_url=ELSEWHERE))
    assert "Buy bread." in said and "Well?" in said and "base64" not in said


def test_the_text_of_a_file_begins_on_a_line_of_its_own() -> None:
    said = turn(OpenAIChat, Text("Compare"), PLAN, PLAN, Text("please"), base_url=ELSEWHERE)
    assert said["content"] == f"Compare\n\n{AS_TEXT}{AS_TEXT}please"  # type: ignore[index]
    file = Attachment("file_1", "a.txt", "text/plain", 3)
    asked = Message("user", [Text("Compare"), file, Text("please")])
    assert with_contents([asked], {"file_1": file_text("a.txt", "abc")})[0].text == (
        "Compare\n\na.txt:\n```txt\nabc\n```\n\nplease"
    )


def test_a_picture_stays_beside_a_text() -> None:
    said = turn(OpenAIChat, PLAN, Image("https://a/b.png"), Text("Well?"), base_url=ELSEWHERE)
    assert [part["type"] for part in said["content"]] == ["text", "image_url", "text"]  # type: ignore[index]
    assert said["content"][0]["text"] == AS_TEXT  # type: ignore[index]


def test_a_tool_s_pdf_stays_in_its_result_or_follows_it() -> None:
    def sent(provider: type[HTTPProvider]) -> str:
        call = ToolCall("c1", "function", "read", {})
        messages = [
            Message("user", "Read"),
            Message("assistant", "", tool_calls=[call]),
            Message("tool", [PLAN], tool_call_id="c1"),
        ]
        return str(provider("it", Upstream(), None).request(Chat(model="m", messages=messages)).body)

    for provider, part in NATIVE.items():
        assert str(part) in sent(provider), provider
    for provider in (OpenAIChat, Gemini):
        assert "The files that the tools returned:" in sent(provider)


def test_only_anthropic_cites_documents() -> None:
    text = Document("list", "", "Buy bread.")
    chat = Chat(model="m", messages=[Message("user", [PLAN, text, Text("Well?")])], citations=True)
    body = Anthropic("it", Upstream(), None).request(chat).body or {}
    first, second, _ = body["messages"][0]["content"]  # type: ignore[index]
    assert first == {**NATIVE[Anthropic], "citations": {"enabled": True}}
    source = {"type": "text", "media_type": "text/plain", "data": "Buy bread."}
    assert second == {"type": "document", "source": source, "title": "list", "citations": {"enabled": True}}
    for provider in (Gemini, OpenAIChat, OpenAIResponses, Ollama):
        with pytest.raises(InvalidField, match="^citations: it does not support this"):
            provider("it", Upstream(), None).request(chat)
    with pytest.raises(InvalidField, match="^citations: it does not support this"):
        Anthropic("it", Upstream(), ELSEWHERE).request(chat)
    plain = Chat(model="m", messages=[Message("user", [text])])
    assert "list:" in str(Anthropic("it", Upstream(), None).request(plain).body)


def test_a_scan_is_refused_if_only_its_text_could_be_sent() -> None:
    scan = Document("scan.pdf", URL, " \n")
    assert "document" in str(turn(Anthropic, scan))
    with pytest.raises(InvalidField, match=r"^attachments: it takes no PDF, only its text, and scan\.pdf has none"):
        turn(OpenAIChat, scan, base_url=ELSEWHERE)


def test_a_file_that_is_gone_is_said_to_be() -> None:
    said = turn(OpenAIChat, Attachment("file_1", "old.txt", "text/plain", 3), Text("Well?"))
    assert said["content"] == "[The file old.txt is no longer here.]\n\nWell?"  # type: ignore[index]


def test_a_text_cannot_close_its_fence() -> None:
    assert file_text("a.md", "```py\n```").text == "a.md:\n``````md\n```py\n```\n``````\n\n"
    assert file_text("Makefile", "all:").text == "Makefile:\n```\nall:\n```\n\n"


def test_a_fence_is_found_after_few_looks() -> None:
    class Looked(str):
        looks = 0

        def __contains__(self, part: object) -> bool:
            self.looks += 1
            return super().__contains__(str(part))

    text = Looked("`" * 10_000)
    file_text("a.txt", text)
    assert text.looks < 20
