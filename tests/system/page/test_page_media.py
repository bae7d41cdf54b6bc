"""Pictures, files and sources of an answer, as a reader sees them."""

from typing import Any

import pytest

pytestmark = pytest.mark.slow

END = ("completed", {"finish_reason": "stop"})


def links(chat: Any, place: str) -> list[tuple[str, str]]:
    found = chat.answer.locator(f"[data-{place}] a").all()
    return [(link.inner_text(), link.get_attribute("href")) for link in found]


def test_an_answer_shows_its_picture_and_its_sources_by_number(chat: Any) -> None:
    chat.ask("Hello", "media").until_done()
    for _ in range(2):  # watched, and after a reload
        picture = chat.answer.locator("[data-files] img")
        picture.wait_for()
        chat.page.wait_for_function("document.querySelector('[data-files] img').naturalWidth === 48")
        assert picture.get_attribute("alt") == "sky-and-grass.png"
        sky, grass = "https://example.org/sky", "https://example.org/grass"
        assert links(chat, "content") == [("[1]", sky), ("[2]", grass)]
        assert links(chat, "sources") == [("The sky", sky), ("Grass", grass)]
        for link in chat.answer.locator("[data-content] a").all():
            assert link.get_attribute("rel") == "noopener noreferrer nofollow"
        chat.reload()
    assert not chat.problems and not chat.foreign


def test_where_the_model_wrote_no_numbers_the_words_that_a_source_supports_get_them(chat: Any) -> None:
    first, second = "https://source.test/1", "https://source.test/2"
    chat.answer_with(
        ("content_delta", {"delta": "😀 Blue. Green, `code`."}),
        ("source", {"id": "src_1", "url": first, "title": "A", "quote": "", "start": 2, "end": 7}),
        ("source", {"id": "src_2", "url": second, "title": "B", "quote": "", "start": 8, "end": 13}),
        ("source", {"id": "src_3", "url": first, "title": "A", "quote": "", "start": 8, "end": 13}),
        ("completed", {"content": "😀 Blue. Green, `code`.", "finish_reason": "stop"}),
    )
    assert chat.answer.locator("[data-content]").inner_text().strip() == "😀 Blue. [1] Green [1] [2], code."
    assert links(chat, "content") == [("[1]", first), ("[1]", first), ("[2]", second)]
    assert [text for text, _ in links(chat, "sources")] == ["A", "B"]


def test_a_source_has_the_words_that_are_cited_of_it_each_once(chat: Any) -> None:
    cited = [
        ("A", "The sky is blue."),
        ("A", "Grass is <b>green</b>."),
        ("A", "The sky is blue."),
        ("", "Alone."),
        ("B", ""),
        ("C", "x" + "🌍" * 300),
    ]
    chat.answer_with(
        ("content_delta", {"delta": "x"}),
        *(
            ("source", {"id": f"src_{number}", "url": "", "title": title, "quote": quote})
            for number, (title, quote) in enumerate(cited)
        ),
        ("completed", {"content": "x", "finish_reason": "stop"}),
    )
    items = chat.answer.locator("[data-sources] li").all()
    assert [item.locator("q").all_inner_texts() for item in items] == [
        ["The sky is blue.", "Grass is <b>green</b>."],
        [],
        [],
        ["x" + "🌍" * 299 + "…"],
    ]
    assert items[1].inner_text() == "Alone."


def test_numbers_in_code_and_beyond_the_list_stay_as_they_are(chat: Any) -> None:
    said = "`a[1]` and [2] and [1]"
    chat.answer_with(
        ("content_delta", {"delta": said}),
        ("source", {"id": "src_1", "url": "https://source.test/1", "title": "A", "quote": ""}),
        ("completed", {"content": said, "finish_reason": "stop"}),
    )
    assert links(chat, "content") == [("[1]", "https://source.test/1")]


@pytest.mark.parametrize("url", ["javascript:document.title='run'", "gs://bucket/a", ""])
def test_a_source_that_is_not_on_the_web_is_named_and_not_linked(chat: Any, url: str) -> None:
    chat.answer_with(
        ("content_delta", {"delta": "x [1]"}),
        ("source", {"id": "src_1", "url": url, "title": "<b>A</b>", "quote": ""}),
        ("completed", {"content": "x [1]", "finish_reason": "stop"}),
    )
    assert links(chat, "sources") == [] and links(chat, "content") == []
    assert chat.answer.locator("[data-sources]").inner_text().strip() == "<b>A</b>"


def test_files_that_are_no_pictures_are_links_and_lost_ones_say_why(chat: Any) -> None:
    chat.answer_with(
        ("file", {"id": "file_1", "media_type": "text/csv", "name": "a.csv", "url": "/api/v1/messages/m/files/file_1"}),
        ("file", {"id": "file_2", "media_type": "image/png", "name": "", "url": "https://source.test/a.png"}),
        ("file", {"id": "file_3", "media_type": "image/png", "name": "", "error": "left out: too large"}),
        ("file", {"id": "file_4", "media_type": "image/png", "name": "", "url": "javascript:1"}),
        END,
    )
    assert links(chat, "files") == [
        ("a.csv", "/api/v1/messages/m/files/file_1"),
        ("file_2", "https://source.test/a.png"),
    ]
    assert chat.answer.locator("[data-files] img").count() == 0
    assert chat.answer.locator("[data-files] p").all_inner_texts() == ["file_3: left out: too large", "file_4"]
    assert not chat.foreign
