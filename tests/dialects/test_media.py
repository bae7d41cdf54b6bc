"""Sources and files in every dialect, as the official SDKs read them."""

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from anthropic.types import RawContentBlockDeltaEvent, TextBlock
from drivers import a_run
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import ResponseOutputItem, ResponseStreamEvent
from pydantic import TypeAdapter

from chatapp.dialects.anthropic.events import AnthropicDialect, message
from chatapp.dialects.media import WordsForFiles, image_url, in_words
from chatapp.dialects.openai_chat.events import OpenAIDialect, completion
from chatapp.dialects.openai_responses.events import ResponsesDialect
from chatapp.dialects.registry import DIALECTS
from chatapp.events import CitedSource, Entry, File, StreamEvent, TextDelta
from chatapp.transcript import transcript_of

PNG = b"\x89PNG\r\n\x1a\n"
WEB = CitedSource("src_1", "https://source.test/1", "One", "It is blue.", 0, 5)
PICTURE = File("file_1", "image/png", bytes=PNG)
SAID: list[StreamEvent | str] = ["Blue.", WEB, PICTURE]
DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
ADDRESS = "/api/v1/messages/run/files/file_1"


def frames(name: str, *said: StreamEvent | str) -> list[Any]:
    dialect = DIALECTS[name]()
    found = [frame.data for event in told(a_run(*said)) for frame in dialect.encode(event)]
    return [json.loads(data) if data.startswith("{") else data for data in found]


@pytest.mark.parametrize("name", DIALECTS)
def test_the_address_of_a_source_and_a_way_to_the_picture_are_in_every_dialect(name: str) -> None:
    said = json.dumps(frames(name, *SAID))
    assert WEB.url in said
    assert ADDRESS in said or DATA_URL in said or json.dumps(base64.b64encode(PNG).decode()) in said


@pytest.mark.parametrize("name", DIALECTS)
def test_why_a_file_is_left_out_is_told_in_every_dialect(name: str) -> None:
    left_out = File("file_1", "image/png", error="left out: 9 bytes")
    assert "left out: 9 bytes" in json.dumps(frames(name, "x", left_out))


@pytest.mark.parametrize("name", ["token", "delta", "session", "reasoning"])
def test_an_answer_of_nothing_but_files_is_not_empty_to_a_client_that_reads_only_text(name: str) -> None:
    link = f"![file_1]({ADDRESS})"
    assert link in json.dumps(frames(name, PICTURE))
    assert link not in json.dumps(frames(name, *SAID))


def test_the_end_of_the_delta_dialect_repeats_the_words_for_files() -> None:
    assert frames("delta", PICTURE)[-1] == {"type": "end", "answer": f"![file_1]({ADDRESS})"}


def test_openai_s_sdk_reads_annotations_and_images_whole_and_in_chunks() -> None:
    whole = ChatCompletion.model_validate(completion(transcript_of(a_run(*SAID))), strict=True).choices[0].message
    assert whole.annotations and whole.annotations[0].url_citation.to_dict() == {
        "url": WEB.url,
        "title": "One",
        "start_index": 0,
        "end_index": 5,
        "content": "It is blue.",
    }
    assert whole.model_extra and whole.model_extra["images"][0]["image_url"] == {"url": DATA_URL}
    chunks = [ChatCompletionChunk.model_validate(chunk) for chunk in frames("openai", *SAID) if chunk != "[DONE]"]
    extra = [chunk.choices[0].delta.model_extra or {} for chunk in chunks]
    assert [name for delta in extra for name in delta] == ["annotations", "images"]


def test_openai_s_sdk_reads_annotations_and_pictures_of_responses() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    *said, last = frames("responses", *SAID)
    assert last == "[DONE]"
    events = [adapter.validate_python(event) for event in said if "response" not in event]
    (added,) = [event for event in events if event.type == "response.output_text.annotation.added"]
    assert (added.annotation.url, added.annotation.start_index, added.annotation.end_index) == (WEB.url, 0, 5)
    items: TypeAdapter[Any] = TypeAdapter(list[ResponseOutputItem])
    text, picture = items.validate_python(said[-1]["response"]["output"])
    assert text.type == "message" and text.content[0].type == "output_text"
    assert [annotation.type for annotation in text.content[0].annotations] == ["url_citation"]
    assert picture.type == "image_generation_call"
    assert base64.b64decode(picture.result or "") == PNG and picture.status == "completed"
    assert [event.type for event in events if "image_generation_call" in event.type] == [
        "response.image_generation_call.in_progress",
        "response.image_generation_call.completed",
    ]


def test_a_place_is_counted_from_the_beginning_of_its_own_item() -> None:
    later = CitedSource("src_1", WEB.url, "", "", 5, 8)
    dialect = ResponsesDialect()
    for event in told(a_run("Blue.", PICTURE, TextDelta("Red"), later)):
        list(dialect.encode(event))
    output: Any = dialect.whole()["output"]
    annotation = output[2]["content"][0]["annotations"][0]
    assert (annotation["start_index"], annotation["end_index"]) == (0, 3)


@pytest.mark.parametrize(
    ("source", "kind"), [(WEB, "web_search_result_location"), (CitedSource("src_1", "", "a.pdf"), "char_location")]
)
def test_anthropic_s_sdk_reads_citations_whole_and_in_deltas(source: CitedSource, kind: str) -> None:
    entries = a_run("Blue.", source)
    (block,) = message(transcript_of(entries), [])["content"]  # type: ignore[misc]
    citations = TextBlock.model_validate(block).citations
    assert citations is not None and [citation.type for citation in citations] == [kind]
    found = [frame.data for event in told(entries) for frame in AnthropicDialect().encode(event)]
    deltas = [RawContentBlockDeltaEvent.model_validate_json(data) for data in found if "citations_delta" in data]
    assert [delta.delta.citation for delta in deltas if delta.delta.type == "citations_delta"] == citations


def test_the_ai_sdk_gets_sources_with_and_without_an_address_and_files() -> None:
    found = frames("ui_message", "Blue.", WEB, CitedSource("src_2", "", "a.pdf"), PICTURE)
    assert {"type": "source-url", "sourceId": "src_1", "url": WEB.url, "title": "One"} in found
    assert {"type": "source-document", "sourceId": "src_2", "mediaType": "text/plain", "title": "a.pdf"} in found
    assert {"type": "file", "url": ADDRESS, "mediaType": "image/png"} in found


def test_a_name_cannot_end_the_link_in_which_it_stands() -> None:
    assert in_words("run", File("file_1", "text/plain", "a](https://evil.test)[b", b"x")) == (
        "[ahttps://evil.testb](/api/v1/messages/run/files/file_1)"
    )


def test_bytes_that_are_elsewhere_are_named_by_their_address() -> None:
    assert image_url("run", File("file_1", "image/png")) == ADDRESS
    assert image_url("run", File("file_1", "image/png", url="https://source.test/a.png")) == "https://source.test/a.png"


def test_words_for_files_are_only_said_if_nothing_else_was() -> None:
    words = WordsForFiles()
    words.file("run", PICTURE)
    assert words.at_end() == f"![file_1]({ADDRESS})"
    words.said = True
    assert words.at_end() == ""


def test_the_shared_dialect_of_chat_tells_the_numbers_of_its_pictures() -> None:
    dialect = OpenAIDialect()
    found = [frame.data for event in told(a_run(PICTURE, PICTURE)) for frame in dialect.encode(event)]
    images = [json.loads(data)["choices"][0]["delta"]["images"][0]["index"] for data in found if '"images"' in data]
    assert images == [0, 1]


def told(entries: Sequence[Entry]) -> list[StreamEvent]:
    return [entry.event for entry in entries]
