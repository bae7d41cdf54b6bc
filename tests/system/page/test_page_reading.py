"""Reading: the view follows only those who want it, and the page can be printed, zoomed and
trusted."""

import io
import re
from typing import Any

import pytest
from pypdf import PdfReader

pytestmark = pytest.mark.slow

AT_THE_END = "box => box.scrollHeight - box.scrollTop - box.clientHeight < 3"
LINES = "\n\n".join(f"Paragraph {number}." for number in range(60))


def long_chat(chat: Any, *more: tuple[str, dict[str, Any]]) -> Any:
    """A conversation that does not fit, and whose answer has ended."""
    end = ("completed", {"content": LINES, "finish_reason": "stop", "usage": None, "timing": None})
    return chat.answer_with(("content_delta", {"delta": LINES}), *more, end)


@pytest.mark.parametrize("intent", ["wheel", "key", "selection"])
def test_a_reader_who_means_to_read_elsewhere_is_not_pulled_back(chat: Any, intent: str) -> None:
    long_chat(chat)
    chat.page.unroute("**/events")
    chat.ask("again", "slow").until_text("You")
    scroller = chat.hook("scroller").element_handle()
    chat.page.wait_for_function(AT_THE_END, arg=scroller)
    if intent == "wheel":
        scroller.hover()
        chat.page.mouse.wheel(0, -30)  # less than what counts as near the end
    elif intent == "key":
        chat.answer.evaluate("answer => { answer.tabIndex = 0; answer.focus({ preventScroll: true }); }")
        chat.page.keyboard.press("PageUp")
    else:
        chat.answer.evaluate("answer => getSelection().selectAllChildren(answer.querySelector('[data-content]'))")
    before = chat.drawn()
    chat.page.wait_for_function(
        "length => document.querySelector('[data-role=assistant]:last-child [data-content]').innerHTML.length > length + 200",
        arg=len(before),
    )
    assert not scroller.evaluate(AT_THE_END)
    chat.page.evaluate("getSelection().removeAllRanges()")
    chat.hook("jump").click()
    chat.page.wait_for_function(AT_THE_END, arg=scroller)
    chat.hook("stop").click()
    chat.until_done()


def test_a_selection_in_the_block_that_grows_survives(chat: Any) -> None:
    kept = chat.page.evaluate(
        """async () => {
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const node = document.body.appendChild(document.createElement("div"));
            const view = new MarkdownView(node);
            const kept = [];
            for (const [first, ...more] of [
                ["Select me and", " then **more**", " and `code`\\nand lines"],
                ["- one\\n- select", " more\\n- items", "\\n  - deep"],
                ["```js\\nconst select", " = 1;", "\\nmore\\n```"],
                ["| a | b |\\n|---|---|\\n| select | 2 |", "\\n| 3 | 4 |", "\\n| 5 | 6 |"],
            ]) {
                let text = first;
                view.set(text);
                const walker = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
                while (!/select/i.test(walker.nextNode().data));
                const at = walker.currentNode.data.search(/select/i);
                getSelection().setBaseAndExtent(walker.currentNode, at, walker.currentNode, at + 6);
                for (const piece of more) view.set(text += piece);
                kept.push(String(getSelection()).toLowerCase());
                view.set("");
            }
            node.remove();
            return kept;
        }"""
    )
    assert kept == ["select"] * 4


def test_all_of_a_conversation_is_printed(chat: Any) -> None:
    long_chat(chat)
    pages = PdfReader(io.BytesIO(chat.page.pdf())).pages
    first, *_, last = (line for line in LINES.splitlines() if line)
    assert len(pages) > 1 and first in pages[0].extract_text() and last in pages[-1].extract_text()


def test_the_page_ends_where_the_window_does(chat: Any) -> None:
    """What scrolls is the conversation: else the header could scroll away, and show nothing below."""
    for question in ("One", "Two", "Three", "Four"):
        chat.ask(question, "truncated").until_done()
    for size in (chat.WIDE, chat.PHONE, {"width": 640, "height": 360}, {"width": 320, "height": 180}):
        chat.page.set_viewport_size(size)
        assert chat.page.evaluate("document.documentElement.scrollHeight") == size["height"]


@pytest.mark.parametrize("percent", [200, 400])
def test_a_zoomed_page_leaves_its_height_to_the_text(chat: Any, percent: int) -> None:
    long_chat(chat)
    width, height = chat.WIDE["width"] * 100 // percent, chat.WIDE["height"] * 100 // percent
    chat.page.set_viewport_size({"width": width, "height": height})
    chat.hook("scroller").hover()
    chat.page.mouse.wheel(0, -30)  # a reader who means to read elsewhere
    chat.page.locator("[data-content] p").nth(30).scroll_into_view_if_needed()
    chat.page.wait_for_function(
        """wanted => [...document.querySelectorAll("[data-content] p")].filter((p) => {
            const { top, bottom } = p.getBoundingClientRect();
            const at = document.elementFromPoint(40, (top + bottom) / 2);
            return top >= 0 && bottom <= innerHeight && p.contains(at);
        }).length >= wanted""",
        arg=height // 70,  # a paragraph takes some 40 px: no part of the height is lost
    )
    assert chat.page.evaluate("document.documentElement.scrollWidth") == width
    chat.hook("prompt").scroll_into_view_if_needed()
    chat.write("still here")


def test_a_very_long_question_is_folded(chat: Any) -> None:
    chat.page.route("**/api/v1/messages", lambda route: None)
    chat.write("word " * 40_000)
    chat.hook("prompt").press("Enter")
    more = chat.hook("show-all")
    more.wait_for()
    assert "199,999" in more.inner_text()
    assert len(chat.questions[0]) < 2000
    more.click()
    assert len(chat.questions[0]) == 199_999 and more.get_attribute("aria-expanded") == "true"
    more.click()
    assert len(chat.questions[0]) < 2000


@pytest.mark.parametrize(
    ("markdown", "hint"),
    [
        ("[paypal.com](https://evil.test/x)", "evil.test"),
        ("[https://bank.test/login](https://evil.test)", "evil.test"),
        ("[log in at **www.bank.test** now](https://bank.test.evil.test/)", "bank.test.evil.test"),
        ("[bank.test](https://bank.test@evil.test)", "evil.test"),
        ("[bücher.example](https://other.test)", "other.test"),
        ("[bank.test](https://www.bank.test/x)", ""),
        ("[www.bank.test](https://bank.test/x)", ""),
        ("[bücher.example](https://xn--bcher-kva.example)", ""),
        ("https://bank.test/a", ""),
        ("[the docs](https://bank.test)", ""),
    ],
)
def test_a_label_that_names_another_host_gets_a_hint(chat: Any, markdown: str, hint: str) -> None:
    found = re.findall(r'class="link-host"> \((.*?)\)', chat.rendered(markdown))
    assert found == ([hint] if hint else [])


def test_an_empty_answer_says_so(chat: Any) -> None:
    end = {"content": "", "finish_reason": "stop", "usage": None, "timing": None}
    chat.answer_with(("completed", end))
    assert chat.answer.locator("[data-ending]").inner_text() == "The model gave an empty answer."


# Of all answers together, as it is laid out.
SHOWN = """() => [...document.querySelectorAll("[data-content]")].filter((node) => node.checkVisibility())
    .reduce((sum, node) => sum + node.innerText.length, 0)"""


@pytest.mark.parametrize(("length", "answers", "most"), [(20_000, 1, 4000), (1000, 20, 8000)])
def test_a_screenful_or_two_is_laid_out_before_a_script_draws_all(
    chat: Any, browser: Any, length: int, answers: int, most: int
) -> None:
    path = chat.bring(*["word " * (length // 5)] * answers)
    held: list[Any] = []
    chat.page.route("**/js/main.js", lambda route: held.append(route))
    chat.page.goto(chat.url + path, wait_until="commit")
    chat.page.locator("[data-page-data]").wait_for(state="attached")
    chat.page.wait_for_function(f"([least, most]) => least < ({SHOWN})() && ({SHOWN})() < most", arg=[900, most])
    held.pop().continue_()
    chat.ready()
    chat.page.wait_for_function(f"least => ({SHOWN})() > least", arg=0.98 * length * answers)
    context = browser.new_context(java_script_enabled=False, storage_state=chat.page.context.storage_state())
    page = context.new_page()
    page.goto(chat.url + path)
    texts = [node.inner_text() for node in page.locator("[data-content]").all() if node.is_visible()]
    assert sum(map(len, texts)) > 0.98 * length * answers
    context.close()
