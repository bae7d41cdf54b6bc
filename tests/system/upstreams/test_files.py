"""Files within requests and under ids, by the official SDKs: what the provider is sent of them, and what is kept here."""

import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
from pdfs import pdf

pytestmark = pytest.mark.slow

PLAN = pdf("Bread and milk")
URL = "data:application/pdf;base64," + b64encode(PLAN).decode()
PNG = b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
PIXEL = "data:image/png;base64," + b64encode(PNG).decode()
READ = "plan.pdf:\n```pdf\nBread and milk\n```\n\n"

TABLE = """
[providers.google]
type = "gemini"
base_url = "{url}"
api_key_env = "ACME_KEY"
models = ["native"]
"""
NATIVE = "/models/native:streamGenerateContent?alt=sse"
SAID = b'data: {"candidates":[{"content":{"role":"model","parts":[{"text":"ok"}]},"finishReason":"STOP"}]}\n\n'


@pytest.fixture(scope="module")
def server(kept_serve: Callable[..., Any], kept_upstream: Any, wire: Any) -> Any:
    kept_upstream.script("text", wire.head() + wire.chunk("ok") + wire.DONE)
    kept_upstream.script(NATIVE, wire.head() + SAID)
    return kept_serve(TABLE.format(url=kept_upstream.url), CHATAPP_MAX_KEPT_FILES="3")


@pytest.fixture
def gpt(server: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="anything", max_retries=0)


@pytest.fixture
def claude(server: Any) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=server.url, api_key="anything", max_retries=0)


@pytest.fixture
def sent(kept_upstream: Any) -> Callable[[], Any]:
    """What the provider was asked last."""
    return lambda: kept_upstream.requests[-1][2]


def file_part(**file: str) -> Any:
    return [{"role": "user", "content": [{"type": "text", "text": "Well?"}, {"type": "file", "file": file}]}]


def test_a_pdf_in_a_completion_is_read_or_sent_whole(gpt: openai.OpenAI, sent: Any) -> None:
    messages = file_part(file_data=URL, filename="plan.pdf")
    assert gpt.chat.completions.create(model="acme/text", messages=messages).choices[0].message.content == "ok"
    assert sent()["messages"] == [{"role": "user", "content": f"Well?\n\n{READ}"}]
    assert gpt.chat.completions.create(model="google/native", messages=messages).choices[0].message.content == "ok"
    inline = {"inlineData": {"mimeType": "application/pdf", "data": URL.partition(",")[2]}}
    assert sent()["contents"] == [{"role": "user", "parts": [{"text": "Well?"}, inline]}]


def test_a_file_that_no_model_takes_is_a_bad_request_that_names_it(gpt: openai.OpenAI) -> None:
    for data, wrong in (
        (b"PK\0\0", "is of a type that no model takes"),
        (b"%PDF-nothing", "cannot be read as a PDF"),
        (b"a" * 1_000_001, "has 1000001 characters; the limit is 1000000"),
    ):
        messages = file_part(file_data=b64encode(data).decode(), filename="a.zip")
        with pytest.raises(openai.BadRequestError, match=wrong) as refused:
            gpt.chat.completions.create(model="acme/text", messages=messages)
        assert refused.value.param == "messages[0].content[1].file.file_data"
    many: Any = [{"role": "user", "content": file_part(file_data=URL)[0]["content"][1:] * 11}]
    with pytest.raises(openai.BadRequestError, match="11 files in one message are too many; the limit is 10"):
        gpt.chat.completions.create(model="acme/text", messages=many)


def test_a_response_keeps_its_files_in_the_conversation(gpt: openai.OpenAI, server: Any, sent: Any) -> None:
    part: Any = {"type": "input_file", "filename": "plan.pdf", "file_data": URL}
    picture: Any = {"type": "input_image", "image_url": PIXEL, "detail": "auto"}
    said: Any = [{"role": "user", "content": [part, picture, {"type": "input_text", "text": "Well?"}]}]
    first = gpt.responses.create(model="acme/text", input=said)
    assert sent()["messages"][0]["content"] == [
        {"type": "text", "text": READ},
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "text", "text": "Well?"},
    ]
    gpt.responses.create(model="google/native", input="And?", previous_response_id=first.id)
    shown, drawn, _ = sent()["contents"][0]["parts"]
    assert shown["inlineData"]["mimeType"] == "application/pdf" and drawn["inlineData"]["mimeType"] == "image/png"

    items = gpt.responses.input_items.list(first.id).data
    assert [one.type for one in items[0].content] == ["input_file", "input_image", "input_text"]  # type: ignore[union-attr]
    stored = items[0].content[0].file_id  # type: ignore[union-attr]
    assert gpt.files.content(stored).read() == PLAN and gpt.files.retrieve(stored).filename == "plan.pdf"
    referred: Any = [{"type": "item_reference", "id": items[0].id}]
    gpt.responses.create(model="acme/text", input=referred)
    assert sent()["messages"][0]["content"][0] == {"type": "text", "text": READ}

    client = server.client()
    message = client.get(f"/api/v1/messages/{first.id.replace('resp_', 'msg_')}").json()
    question = client.get(f"/api/v1/messages/{message['parent']}").json()
    assert [file["name"] for file in question["files"]] == ["plan.pdf", "picture.png"]
    assert client.get(question["files"][1]["url"]).content == PNG
    kept = client.get(f"/api/v1/conversations/{message['conversation_id']}/export").json()["messages"][0]
    assert kept["images"] == [PIXEL] and kept["files"] == [{"name": "plan.pdf", "media_type": "application/pdf"}]


def test_the_same_file_is_stored_once(gpt: openai.OpenAI) -> None:
    said: Any = [{"role": "user", "content": [{"type": "input_file", "filename": "once.pdf", "file_data": URL}]}]
    responses = [gpt.responses.create(model="acme/text", input=said) for _ in range(2)]
    ids = {gpt.responses.input_items.list(one.id).data[0].content[0].file_id for one in responses}  # type: ignore[union-attr]
    assert len(ids) == 1


def test_a_conversation_takes_files_as_items(gpt: openai.OpenAI, sent: Any) -> None:
    part: Any = {"type": "input_file", "filename": "plan.pdf", "file_data": URL}
    conversation = gpt.conversations.create(items=[{"role": "user", "content": [part]}])
    gpt.conversations.items.create(conversation.id, items=[{"role": "user", "content": [part]}])
    gpt.responses.create(model="acme/text", input="Well?", conversation=conversation.id)
    assert "".join(message["content"] for message in sent()["messages"]).count(READ[:-2]) == 2


def test_a_file_is_kept_named_listed_and_deleted(gpt: openai.OpenAI, sent: Any) -> None:
    file = gpt.files.create(
        file=("plan.pdf", PLAN), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert (file.bytes, file.filename, file.purpose, file.status) == (len(PLAN), "plan.pdf", "user_data", "processed")
    assert file.expires_at and file.expires_at - file.created_at in (3599, 3600)
    gpt.chat.completions.create(model="acme/text", messages=file_part(file_id=file.id))
    assert READ[:-2] in sent()["messages"][0]["content"]
    part: Any = {"type": "input_file", "file_id": file.id}
    response = gpt.responses.create(model="acme/text", input=[{"role": "user", "content": [part]}])
    other = gpt.files.create(file=("a.txt", b"Buy bread."), purpose="assistants")
    assert [one.id for one in gpt.files.list()] == [other.id, file.id]
    assert [one.id for one in gpt.files.list(limit=1, order="asc")] == [file.id, other.id]  # page by page
    assert [one.id for one in gpt.files.list(purpose="assistants")] == [other.id]
    assert gpt.files.retrieve(file.id) == file and gpt.files.content(file.id).read() == PLAN
    for one in (file, other):
        assert gpt.files.delete(one.id).deleted
        with pytest.raises(openai.NotFoundError, match="no such file"):
            gpt.files.retrieve(one.id)
    with pytest.raises(openai.NotFoundError, match="no such file") as refused:
        gpt.chat.completions.create(model="acme/text", messages=file_part(file_id=file.id))
    assert refused.value.param == "messages[0].content[1].file.file_id"
    gpt.responses.create(model="acme/text", input="And?", previous_response_id=response.id)
    assert READ[:-2] in sent()["messages"][0]["content"], "the message keeps what it came with"


def test_an_owner_keeps_only_so_many(gpt: openai.OpenAI) -> None:
    files = [gpt.files.create(file=(f"{n}.txt", b"a"), purpose="vision") for n in range(3)]
    with pytest.raises(openai.RateLimitError, match="3 files are kept; the limit is 3"):
        gpt.files.create(file=("4.txt", b"a"), purpose="vision")
    for file in files:
        gpt.files.delete(file.id)


@pytest.mark.parametrize(
    ("asked", "wrong"),
    [
        ({"purpose": "batch"}, "purpose: 'batch' is not supported; use user_data, assistants, vision"),
        (
            {"purpose": "user_data", "expires_after": {"anchor": "created_at", "seconds": 5}},
            "expires_after.seconds: expected an integer from 3600 to 2592000",
        ),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(gpt: openai.OpenAI, asked: Any, wrong: str) -> None:
    with pytest.raises(openai.BadRequestError, match=wrong):
        gpt.files.create(file=("a.txt", b"a"), **asked)


def test_anthropic_s_documents_are_carried(claude: anthropic.Anthropic, sent: Any) -> None:
    whole = {"type": "base64", "media_type": "application/pdf", "data": URL.partition(",")[2]}
    text = {"type": "text", "media_type": "text/plain", "data": "Buy bread."}
    blocks: Any = [
        {"type": "document", "title": "plan.pdf", "source": whole},
        {"type": "document", "title": "list", "source": text, "context": "Of last week."},
        {"type": "text", "text": "Well?"},
    ]
    asked: Any = {"max_tokens": 9, "messages": [{"role": "user", "content": blocks}]}
    assert claude.messages.create(model="acme/text", **asked).content
    list_text = "list:\n```\nBuy bread.\n```\n\nlist: Of last week.\n\nWell?"
    assert sent()["messages"][0]["content"] == READ + list_text
    assert claude.messages.create(model="google/native", **asked).content
    assert sent()["contents"][0]["parts"][0]["inlineData"]["mimeType"] == "application/pdf"
    assert claude.messages.count_tokens(model="acme/text", messages=asked["messages"]).input_tokens > 6
    blocks[0]["citations"] = {"enabled": True}
    with pytest.raises(anthropic.BadRequestError, match="citations: acme does not support this"):
        claude.messages.create(model="acme/text", **asked)
    blocks[0] = {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}}
    with pytest.raises(anthropic.BadRequestError, match=r"content\[0\]\.source\.url: not fetched"):
        claude.messages.create(model="acme/text", **asked)


def test_a_tool_s_document_follows_its_result(claude: anthropic.Anthropic, sent: Any) -> None:
    whole = {"type": "base64", "media_type": "application/pdf", "data": URL.partition(",")[2]}
    result: Any = {
        "type": "tool_result",
        "tool_use_id": "c",
        "content": [{"type": "document", "title": "plan.pdf", "source": whole}],
    }
    use: Any = {"type": "tool_use", "id": "c", "name": "read", "input": {}}
    messages: Any = [
        {"role": "user", "content": "Read"},
        {"role": "assistant", "content": [use]},
        {"role": "user", "content": [result]},
    ]
    claude.messages.create(model="google/native", max_tokens=9, messages=messages)
    answered, shown = sent()["contents"][-1]["parts"][0], sent()["contents"][-1]["parts"][1:]
    assert answered["functionResponse"]["response"] == {"result": "The result is a file; it follows."}
    assert shown[0] == {"text": "The files that the tools returned:"}
    assert shown[1]["inlineData"]["mimeType"] == "application/pdf"
    claude.messages.create(model="acme/text", max_tokens=9, messages=messages)
    assert sent()["messages"][-1] == {"role": "tool", "tool_call_id": "c", "content": READ}


def test_anthropic_s_files_are_kept_too(claude: anthropic.Anthropic, gpt: openai.OpenAI, sent: Any) -> None:
    file = claude.beta.files.upload(file=("plan.pdf", PLAN, "application/pdf"))
    assert (file.type, file.filename, file.mime_type, file.size_bytes) == (
        "file",
        "plan.pdf",
        "application/pdf",
        len(PLAN),
    )
    source: Any = {"type": "document", "source": {"type": "file", "file_id": file.id}}
    asked: Any = {"model": "acme/text", "max_tokens": 9, "messages": [{"role": "user", "content": [source]}]}
    assert claude.beta.messages.create(**asked).content
    assert sent()["messages"][0]["content"] == READ
    other = claude.beta.files.upload(file=("a.txt", b"Buy bread."))
    assert [one.id for one in claude.beta.files.list(limit=1)] == [other.id, file.id]
    assert claude.beta.files.download(file.id).read() == PLAN
    assert gpt.files.retrieve(file.id).filename == "plan.pdf", "one store"
    for one in (file, other):
        assert claude.beta.files.delete(one.id).type == "file_deleted"
    with pytest.raises(anthropic.NotFoundError, match="no such file"):
        claude.beta.files.retrieve_metadata(file.id)


LANGCHAIN = """
import sys
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_openai import ChatOpenAI

url, data = sys.argv[1:]
key = {"model": "acme/text", "api_key": "anything", "max_retries": 0}
part = {"type": "file", "base64": data, "mime_type": "application/pdf", "filename": "plan.pdf"}
for model in (
    ChatOpenAI(base_url=f"{url}/v1", **key),
    ChatOpenAI(base_url=f"{url}/v1", use_responses_api=True, **key),
    ChatAnthropic(base_url=url, **key),
):
    print(model.invoke([HumanMessage(content=[{"type": "text", "text": "Well?"}, part])]).text)
"""

PYDANTIC_AI = """
import sys
from base64 import b64decode
from anthropic import AsyncAnthropic
from pydantic_ai import Agent, BinaryContent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

url, data = sys.argv[1:]
openai = OpenAIProvider(base_url=f"{url}/v1", api_key="anything")
anthropic = AnthropicProvider(anthropic_client=AsyncAnthropic(base_url=url, api_key="anything"))
part = BinaryContent(b64decode(data), media_type="application/pdf")
for model in (
    OpenAIChatModel("acme/text", provider=openai),
    OpenAIResponsesModel("acme/text", provider=openai),
    AnthropicModel("acme/text", provider=anthropic),
):
    print(Agent(model).run_sync(["Well?", part]).output)
"""


@pytest.mark.parametrize("script", [LANGCHAIN, PYDANTIC_AI], ids=["langchain", "pydantic-ai"])
def test_libraries_send_their_documents(server: Any, kept_upstream: Any, script: str) -> None:
    """In all three protocols."""
    before = len(kept_upstream.requests)
    command = [sys.executable, "-c", script, server.url, URL.partition(",")[2]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.split() == ["ok"] * 3, done.stderr
    for _, _, asked in kept_upstream.requests[before:]:
        assert "\nBread and milk\n" in asked["messages"][0]["content"]
