"""Pictures and citations, as each provider writes them; and no form of them that costs the reply."""

import base64
import json
from typing import Any

import pytest

from chatapp.events import CitedSource, File, TextDelta
from chatapp.providers import Finished
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.media import file_of_base64, file_of_url
from chatapp.providers.mock.media import picture
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses

PNG = b"\x89PNG\r\n\x1a\n"
B64 = base64.b64encode(PNG).decode()
PICTURE = File("", "image/png", bytes=PNG)
URL = "https://source.test/1"
ODD: list[Any] = [None, 1, "x", [1], [None], {"url": 1}, [{"url": None}], [{"url": ["x"]}], [[]], True]


def sse(*frames: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)


def chat(*deltas: dict[str, Any], **more: Any) -> bytes:
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}], **more} for delta in deltas]
    return sse(*chunks, {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], **more})


def responses(*events: dict[str, Any], **more: Any) -> bytes:
    return sse(*events, {"type": "response.completed", "response": {"status": "completed", "output": [], **more}})


def gemini(*parts: dict[str, Any], **more: Any) -> bytes:
    return sse({"candidates": [{"content": {"parts": list(parts)}, "finishReason": "STOP", **more}]})


def anthropic(*events: dict[str, Any]) -> bytes:
    start = {"type": "message_start", "message": {"usage": {"input_tokens": 1}}}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}
    return sse(start, *events, end, {"type": "message_stop"})


@pytest.fixture
def items(upstream: Any, read: Any) -> Any:
    """`items(adapter, body)`: all that the reply says but for its end."""

    def items(adapter: type[Any], body: bytes) -> list[Any]:
        *said, finished = read(adapter("acme", upstream), body).items
        assert isinstance(finished, Finished) and finished.reason == "stop"
        return said

    return items


def text(delta: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": delta}


def image_item(**fields: Any) -> dict[str, Any]:
    item = {"type": "image_generation_call", "id": "ig", "status": "completed", **fields}
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


@pytest.mark.parametrize(
    ("adapter", "body"),
    [
        (OpenAIChat, chat({"images": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{B64}"}}]})),
        (OpenAIChat, chat({"images": [{"image_url": f"data:image/png;base64,{B64}"}]})),
        (OpenAIChat, chat({"content": [{"type": "image_url", "image_url": f"data:image/png;base64,{B64}"}]})),
        (OpenAIResponses, responses(image_item(result=B64, output_format="png"))),
        (OpenAIResponses, responses(image_item(result=B64))),
        (OpenAIResponses, responses(image_item(result=f"data:image/png;base64,{B64}"))),
        (Gemini, gemini({"inlineData": {"mimeType": "image/png", "data": B64}})),
        (Gemini, gemini({"inlineData": {"mimeType": "image/png", "data": base64.urlsafe_b64encode(PNG).decode()}})),
        (Ollama, json.dumps({"message": {"images": [B64]}, "done": True, "done_reason": "stop"}).encode() + b"\n"),
    ],
)
def test_a_picture_becomes_a_file(items: Any, adapter: type[Any], body: bytes) -> None:
    assert items(adapter, body) == [PICTURE]


def test_a_whole_reply_has_its_pictures_and_citations_too(items: Any) -> None:
    annotation = {"type": "url_citation", "url": URL, "title": "A", "start_index": 0, "end_index": 4}
    said = {"type": "output_text", "text": "Blue", "annotations": [annotation]}
    output = [{"type": "message", "id": "m", "content": [said]}, image_item(result=B64)["item"]]
    body = json.dumps({"status": "completed", "output": output}).encode()
    assert items(OpenAIResponses, body) == [TextDelta("Blue"), CitedSource("", URL, "A", "", 0, 4), PICTURE]
    images = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{B64}"}}]
    nested = {"type": "url_citation", "url_citation": {"url": URL, "title": "A", "start_index": 0, "end_index": 4}}
    message = {"content": "Blue", "images": images, "annotations": [nested]}
    body = json.dumps({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}).encode()
    assert items(OpenAIChat, body) == [TextDelta("Blue"), CitedSource("", URL, "A", "", 0, 4), PICTURE]


def test_a_sketch_of_a_model_that_thinks_is_no_answer(items: Any) -> None:
    sketch = {"thought": True, "inlineData": {"mimeType": "image/png", "data": B64}}
    assert items(Gemini, gemini(sketch, {"text": "x"})) == [TextDelta("x")]


def test_a_file_elsewhere_keeps_its_address(items: Any) -> None:
    part = {"fileData": {"mimeType": "video/mp4", "fileUri": "https://files.test/v"}}
    assert items(Gemini, gemini(part)) == [File("", "video/mp4", url="https://files.test/v")]


def test_openai_s_annotations_name_sources_and_places(items: Any) -> None:
    nested = {"url": URL, "title": "A", "start_index": 0, "end_index": 4, "content": "It is blue."}
    body = chat({"content": "Blue"}, {"annotations": [{"type": "url_citation", "url_citation": nested}]})
    assert items(OpenAIChat, body) == [TextDelta("Blue"), CitedSource("", URL, "A", "It is blue.", 0, 4)]


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"citations": [URL, URL + "2"]}, [CitedSource("", URL), CitedSource("", URL + "2")]),
        ({"citations": [{"url": URL, "title": "A"}]}, [CitedSource("", URL, "A")]),
        (
            {"citations": [URL], "search_results": [{"url": URL, "title": "A", "snippet": "s", "date": None}]},
            [CitedSource("", URL, "A", "s")],
        ),
        ({"web_search": [{"link": URL, "title": "A", "content": "all of it"}]}, [CitedSource("", URL, "A")]),
        ({"search_info": {"search_results": [{"url": URL, "title": "A", "index": 1}]}}, [CitedSource("", URL, "A")]),
    ],
)
def test_the_pages_that_a_search_found_are_sources_once(items: Any, fields: Any, found: list[CitedSource]) -> None:
    """They stand in every chunk."""
    assert items(OpenAIChat, chat({"content": "Blue "}, {"content": "[1]."}, **fields))[2:] == found


def test_annotations_of_responses_count_from_their_part_of_the_text(items: Any) -> None:
    second = {**text("Red"), "output_index": 1}
    annotation = {"type": "url_citation", "url": URL, "title": "A", "start_index": 0, "end_index": 3}
    added = {"type": "response.output_text.annotation.added", "annotation": annotation}
    place = {"output_index": 1, "content_index": 0}
    said = items(OpenAIResponses, responses(text("Blue"), second, {**added, **place}, citations=[URL, URL + "2"]))
    assert said[2:] == [CitedSource("", URL, "A", "", 4, 7), CitedSource("", URL + "2")]


def test_a_file_that_only_the_provider_has_is_cited_by_its_name(items: Any) -> None:
    annotation = {"type": "file_citation", "file_id": "f", "filename": "a.pdf", "index": 4}
    added = {"type": "response.output_text.annotation.added", "output_index": 0, "annotation": annotation}
    assert items(OpenAIResponses, responses(text("Blue"), added))[1:] == [CitedSource("", "", "a.pdf")]


def test_the_results_of_perplexity_s_responses_are_sources(items: Any) -> None:
    item = {"type": "search_results", "results": [{"url": URL, "title": "A", "snippet": "s", "id": 1}]}
    body = responses({"type": "response.output_item.done", "output_index": 0, "item": item}, text("Blue"))
    assert items(OpenAIResponses, body)[0] == CitedSource("", URL, "A", "s")


@pytest.mark.parametrize("first", [True, False])
def test_anthropic_s_citations_support_the_block_in_which_they_stand(items: Any, first: bool) -> None:
    """They come before its text, or after."""
    citation = {
        "type": "web_search_result_location",
        "url": URL,
        "title": "A",
        "cited_text": "q",
        "encrypted_index": "x",
    }
    document = {"type": "char_location", "document_title": "a.pdf", "cited_text": "d", "document_index": 0}
    cite = [{"type": "citations_delta", "citation": one} for one in (citation, document)]
    say = [{"type": "text_delta", "text": "Red"}]
    deltas = [*cite, *say] if first else [*say, *cite]
    body = anthropic(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Blue"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": "", "citations": []}},
        *({"type": "content_block_delta", "index": 1, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 1},
    )
    assert items(Anthropic, body) == [
        TextDelta("Blue"),
        TextDelta("Red"),
        CitedSource("", URL, "A", "q", 4, 7),
        CitedSource("", "", "a.pdf", "d", 4, 7),
    ]


def test_gemini_s_places_are_bytes_and_become_characters(items: Any) -> None:
    """The first chunk has no place of its own; `maps` and `retrievedContext` are chunks, too."""
    grounding = {
        "groundingChunks": [
            {"web": {"uri": URL, "title": "A"}},
            {"retrievedContext": {"title": "a.pdf", "text": "quoted"}},
            {"maps": {"uri": URL + "2", "title": "B"}},
        ],
        "groundingSupports": [
            {"segment": {"endIndex": 5, "text": "Blau…"[:4]}, "groundingChunkIndices": [1]},
            {"segment": {"startIndex": 6, "endIndex": 12}, "groundingChunkIndices": [1, 2]},
        ],
    }
    said = items(Gemini, gemini({"text": "Grün "}, {"text": "grün"}, groundingMetadata=grounding))
    assert said[2:] == [
        CitedSource("", URL, "A"),
        CitedSource("", "", "a.pdf", "quoted", 0, 4),
        CitedSource("", "", "a.pdf", "quoted", 5, 9),
        CitedSource("", URL + "2", "B", "", 5, 9),
    ]


@pytest.mark.parametrize("name", ["citationSources", "citations"])
def test_gemini_s_passages_by_heart_are_sources(items: Any, name: str) -> None:
    metadata = {name: [{"startIndex": 0, "endIndex": 4, "uri": URL, "license": ""}]}
    said = items(Gemini, gemini({"text": "Blue"}, citationMetadata=metadata))
    assert said[1:] == [CitedSource("", URL, "", "", 0, 4)]


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize("field", ["citations", "search_results", "web_search", "search_info"])
def test_no_form_of_the_pages_found_costs_a_completion(items: Any, field: str, odd: Any) -> None:
    assert items(OpenAIChat, chat({"content": "Blue"}, **{field: odd}))[0] == TextDelta("Blue")


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_no_form_of_citations_or_pictures_costs_a_reply(items: Any, odd: Any) -> None:
    blue = TextDelta("Blue")
    assert blue in items(OpenAIChat, chat({"content": "Blue", "annotations": odd, "images": odd}))
    added = {"type": "response.output_text.annotation.added", "output_index": 0, "annotation": odd}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Blue", "annotations": odd}]}
    done = {"type": "response.output_item.done", "output_index": 0, "item": message}
    assert blue in items(OpenAIResponses, responses(text("Blue"), added, done, image_item(result=odd), citations=odd))
    assert blue in items(Gemini, gemini({"text": "Blue"}, groundingMetadata=odd, citationMetadata=odd))
    grounding = {"groundingChunks": odd, "groundingSupports": odd}
    assert blue in items(Gemini, gemini({"text": "Blue"}, groundingMetadata=grounding))
    delta = {"type": "citations_delta", "citation": odd}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Blue"}}
    body = anthropic(block, {"type": "content_block_delta", "index": 0, "delta": delta})
    assert blue in items(Anthropic, body)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (file_of_base64("!"), File("", "application/octet-stream", error="left out: the provider sent it damaged")),
        (file_of_base64(B64, "no type"), File("", "application/octet-stream", bytes=PNG)),
        (file_of_base64(B64, "Audio/L16;codec=pcm"), File("", "audio/l16", bytes=PNG)),
        (file_of_base64(B64.rstrip("=")), PICTURE),
        (file_of_url("https://source.test/a"), File("", "image/*", url="https://source.test/a")),
        (file_of_url(f"data:;base64,{B64}"), PICTURE),
        (
            file_of_url("data:image/svg+xml,<svg/>"),
            File("", "image/svg+xml", error="left out: the provider sent it in an unknown form"),
        ),
    ],
)
def test_a_file_is_read_or_says_why_it_was_not(file: File, expected: File) -> None:
    assert file == expected


def test_the_mock_s_picture_is_a_png() -> None:
    assert file_of_base64(base64.b64encode(picture()).decode()).media_type == "image/png"


def test_a_picture_of_several_megabytes_fits_in_a_line(items: Any) -> None:
    """By the limits that are set if nothing is configured."""
    data = bytes(range(256)) * (24 << 10)  # 6 MB
    body = gemini({"inlineData": {"mimeType": "image/png", "data": base64.b64encode(data).decode()}})
    (file,) = items(Gemini, body)
    assert file.bytes == data
