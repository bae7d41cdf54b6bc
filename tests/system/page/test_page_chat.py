"""What a reader does on the page, in a real browser against the real server."""

import re
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BRIEF = "truncated"  # a model whose answer is over after a few words


def test_an_answer_arrives_piece_by_piece(chat: Any) -> None:
    chat.ask("Hello", "slow")
    seen = [len(chat.until_text("You").drawn())]
    for _ in range(3):
        chat.page.wait_for_function(
            "before => document.querySelector('[data-role=assistant] [data-content]').innerHTML.length > before",
            arg=seen[-1],
        )
        seen.append(len(chat.drawn()))
    assert chat.answer.get_attribute("aria-busy") == "true"
    assert chat.hook("stop").is_visible()


def test_a_finished_answer_says_what_it_took_and_can_be_copied_and_made_anew(chat: Any) -> None:
    chat.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat.ask("Hello").until_done()
    assert re.fullmatch(r"words · \d+\.\d s · \d+ tokens/s", chat.answer.locator("[data-meta]").inner_text())
    assert chat.answer.get_attribute("aria-busy") == "false"
    chat.answer.locator("[data-copy-answer]").click()
    chat.answer.get_by_text("Copied").wait_for()
    assert chat.page.evaluate("navigator.clipboard.readText()") == chat.message()["content"]
    first = chat.message()["id"]
    chat.choose(BRIEF).answer.locator("[data-regenerate]").click()
    chat.page.locator(f'[data-message="{first}"]').wait_for(state="detached")
    chat.until_done()
    assert chat.answers.count() == 1 and chat.questions == ["Hello"]
    assert chat.reload().until_done().message()["id"] != first


def test_enter_sends_shift_enter_breaks_and_the_box_grows(chat: Any) -> None:
    prompt = chat.hook("prompt")
    chat.choose(BRIEF)
    low = prompt.bounding_box()["height"]
    prompt.press_sequentially("one")
    for line in ("two", "three", "four"):
        prompt.press("Shift+Enter")
        prompt.press_sequentially(line)
    assert prompt.input_value() == "one\ntwo\nthree\nfour"
    assert prompt.bounding_box()["height"] > low
    prompt.press("Enter")
    chat.until_done()
    assert chat.questions == ["one\ntwo\nthree\nfour"]
    assert prompt.input_value() == ""


@pytest.mark.parametrize("composing", [{"isComposing": True}, {"keyCode": 229}])
def test_enter_that_ends_a_composition_does_not_send(chat: Any, composing: dict[str, Any]) -> None:
    chat.choose(BRIEF).write("にほん")
    chat.hook("prompt").evaluate(
        """(box, how) => box.dispatchEvent(
            new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true, ...how }))""",
        composing,
    )
    assert chat.hook("prompt").input_value() == "にほん"
    assert chat.answers.count() == 0
    chat.hook("prompt").press("Enter")
    chat.until_done()
    assert chat.questions == ["にほん"]


def test_nothing_is_sent_when_there_is_nothing_to_send(chat: Any) -> None:
    chat.write("  \n ")
    chat.hook("prompt").press("Enter")
    assert chat.hook("send").is_disabled()
    assert chat.answers.count() == 0


@pytest.mark.parametrize("model", ["slow", "silent"])
def test_stop_reacts_at_once_and_the_server_has_the_last_word(chat: Any, model: str) -> None:
    chat.ask("Hello", model)
    if model == "slow":
        chat.until_text("You asked")
    chat.hook("stop").click()
    assert chat.hook("stop").is_disabled() or chat.hook("send").is_visible()
    chat.until_done()
    assert chat.answer.locator("[data-ending]").inner_text() == "You stopped this answer."
    assert chat.message()["finish_reason"] == "cancelled"
    assert chat.hook("announcer").inner_text() == "You stopped this answer."


@pytest.mark.parametrize("model", ["fail-first", "fail-late", "truncated"])
def test_a_failure_stands_in_the_answer_and_can_be_retried(chat: Any, model: str) -> None:
    chat.ask("Hello", model).until_done()
    failure = chat.answer.locator("[data-failure]")
    error = chat.message()["error"]
    assert error["message"] in failure.inner_text() and error["trace_id"] in failure.inner_text()
    assert chat.rendered(chat.message()["content"]) == chat.drawn()  # what had come stays
    chat.choose("words")
    failed = chat.message()["id"]
    failure.locator("[data-retry]").click()
    chat.page.locator(f'[data-message="{failed}"]').wait_for(state="detached")
    chat.until_text("I am the mock")
    assert chat.questions == ["Hello"] and chat.answers.count() == 1 and failure.is_hidden()


def test_a_refused_question_comes_back_into_the_box(chat: Any) -> None:
    refusal = '{"error": {"code": "overloaded", "message": "Too much to do.", "trace_id": "abc"}}'
    chat.page.route("**/api/v1/messages", lambda route: route.fulfill(status=503, body=refusal))
    chat.write("Precious words")
    chat.hook("prompt").press("Enter")
    chat.hook("notice").wait_for()
    assert "Too much to do." in chat.hook("notice").inner_text() and "abc" in chat.hook("notice").inner_text()
    assert chat.hook("prompt").input_value() == "Precious words"
    assert chat.answers.count() == 0
    chat.hook("notice-close").click()
    assert chat.hook("notice").is_hidden()
    chat.expect_problem("503")


def test_thinking_is_open_while_it_thinks_and_folds_with_its_duration(chat: Any) -> None:
    chat.choose("words")
    chat.hook("thinking-toggle").click()
    assert chat.hook("thinking-toggle").get_attribute("aria-pressed") == "true"
    chat.ask("Hello")
    panel = chat.answer.locator("details[data-thinking]")
    panel.locator("[data-reasoning]", has_text="The user asks").wait_for()
    assert panel.get_attribute("open") is not None
    chat.until_text("You asked")
    assert panel.get_attribute("open") is None
    assert re.fullmatch(r"Thought for \d+\.\d s", panel.locator("[data-thinking-label]").inner_text())
    chat.hook("stop").click()
    chat.until_done()
    panel.locator("summary").click()
    assert "I cannot know an answer" in panel.locator("[data-reasoning]").inner_text()
    chat.reload()
    assert chat.hook("thinking-toggle").get_attribute("aria-pressed") == "true"
    label = chat.answer.locator("[data-thinking-label]").inner_text()
    shown = float(label.removeprefix("Thought for ").removesuffix(" s"))
    assert abs(shown - chat.message()["reasoning_ms"] / 1000) < 0.051  # a browser rounds 0.95 up, Python down


def test_conversations_are_listed_opened_renamed_and_deleted_in_place(chat: Any) -> None:
    chat.ask("First question", BRIEF).until_done()
    first = chat.page.url
    chat.page.evaluate("window.sameDocument = true")
    chat.new_chat()
    assert chat.answers.count() == 0 and chat.hook("prompt").evaluate("box => box === document.activeElement")
    chat.ask("Second question", BRIEF).until_done()
    links = chat.page.locator("[data-conversation] [data-link]")
    assert links.all_inner_texts() == ["Second question", "First question"]
    assert chat.page.locator('[aria-current="page"]').inner_text() == "Second question"

    links.nth(1).click()
    chat.page.wait_for_url(first)
    assert chat.questions == ["First question"]
    item = chat.page.locator("[data-conversation]").nth(1)
    item.hover()
    item.locator("[data-rename]").click()
    item.locator("[data-rename-field]").fill("A better name")
    item.locator("[data-rename-field]").press("Enter")
    assert chat.page.title() == "A better name · chatapp"

    item.hover()
    item.locator("[data-delete]").click()
    chat.page.wait_for_url(chat.url + "/")
    assert "A better name" in chat.hook("undo-line").inner_text()
    assert links.all_inner_texts() == ["Second question"]
    assert chat.page.evaluate("window.sameDocument") is True
    chat.reload()
    assert links.all_inner_texts() == ["Second question"]


def test_back_and_forward_move_between_conversations(chat: Any) -> None:
    chat.ask("First question", BRIEF).until_done()
    chat.new_chat()
    chat.ask("Second question", BRIEF).until_done()
    for move, questions in (
        (chat.page.go_back, []),
        (chat.page.go_back, ["First question"]),
        (chat.page.go_forward, []),
        (chat.page.go_forward, ["Second question"]),
    ):
        move()
        chat.page.wait_for_function(
            "count => document.querySelectorAll('[data-role=user]').length === count", arg=len(questions)
        )
        assert chat.questions == questions


def test_someone_elses_conversation_is_a_page_that_says_nothing_of_it(reader: Callable[..., Any]) -> None:
    one, other = reader().open(), reader().open()
    one.ask("A secret", BRIEF).until_done()
    other.page.goto(one.page.url)
    assert "There is nothing here" in other.page.locator("main").inner_text()
    assert "secret" not in other.page.content()
    other.expect_problem("404")


def test_the_chosen_model_is_remembered(chat: Any) -> None:
    chat.choose("think")
    assert '"model":"think"' in chat.reload().hook("picker").get_attribute("data-value")


def test_an_example_is_asked_with_one_click(chat: Any) -> None:
    chat.choose(BRIEF)
    chat.page.locator("[data-example]").first.click()
    chat.until_done()
    assert len(chat.questions) == 1
    assert chat.page.locator("[data-example]").first.is_hidden()


def test_an_example_leaves_a_draft_alone(chat: Any) -> None:
    chat.choose(BRIEF)
    chat.write("Of my own")
    chat.page.locator("[data-example]").first.click()
    chat.until_done()
    assert "Of my own" not in chat.questions[0] and chat.hook("prompt").input_value() == "Of my own"
    assert chat.reload().hook("prompt").input_value() == "Of my own"


def test_the_keyboard_stays_somewhere_when_the_button_that_it_was_on_goes(chat: Any) -> None:
    chat.ask("Hello", "words").until_done()
    chat.choose("slow")
    button = chat.answer.locator("[data-regenerate]")
    button.focus()
    button.press("Enter")
    chat.hook("stop").wait_for()
    chat.page.wait_for_function("() => document.activeElement.matches('[data-prompt]')")
    chat.hook("stop").click()
    chat.until_done()


def test_undo_covers_no_button_of_the_prompt(reader: Callable[..., Any]) -> None:
    chat = reader(width="phone").open().ask("Hello", BRIEF).until_done()
    chat.hook("drawer-open").click()
    chat.page.locator("[data-conversation] [data-delete]").first.click()
    line = chat.hook("undo-line")
    line.wait_for()
    chat.page.keyboard.press("Escape")  # closes the drawer
    chat.page.locator("body:not([data-drawer-shown])").wait_for()
    said, prompt = line.bounding_box(), chat.hook("composer").bounding_box()
    assert said["y"] + said["height"] < prompt["y"]


WHERE_IT_RESTS = """async (box) => {
  let top;
  do {  // a turn of the wheel scrolls on for some frames
    top = box.scrollTop;
    await new Promise((done) => setTimeout(done, 100));
  } while (top !== box.scrollTop);
  return top;
}"""


def test_a_reader_who_scrolled_up_is_left_alone_and_can_come_back(chat: Any) -> None:
    chat.ask("Hello\n" * 60, BRIEF).until_done()
    chat.ask("again", "slow").until_text("You asked")
    scroller = chat.hook("scroller").element_handle()
    at_the_end = "box => box.scrollHeight - box.scrollTop - box.clientHeight < 2"
    chat.page.wait_for_function(at_the_end, arg=scroller)
    scroller.hover()
    chat.page.mouse.wheel(0, -600)
    chat.hook("jump").wait_for()
    top = scroller.evaluate(WHERE_IT_RESTS)
    chat.until_text("I am the mock")
    assert scroller.evaluate("box => box.scrollTop") == top
    chat.hook("jump").click()
    chat.page.wait_for_function(at_the_end, arg=scroller)
    chat.hook("jump").wait_for(state="hidden")
    chat.hook("stop").click()
    chat.until_done()
