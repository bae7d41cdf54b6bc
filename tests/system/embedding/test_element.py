"""The element in pages that a host may write: looks, words, policies, other people, bad connections."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe import violations

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
TYPES = "require-trusted-types-for 'script'; trusted-types "
CODE = "```python\n" + "value = [1, 2, 3]  # a note\n" * 4000 + "```\n"


@pytest.fixture
def place(desk: Any, host: Any) -> Callable[..., Any]:
    """Somebody at a page of the host's with these elements, under this policy."""

    def place(elements: str, policy: str = POLICY, more: str = "", who: str = "ann") -> Any:
        ann = desk(who)
        src = ann.page.locator("script[type=module]").first.get_attribute("src")
        page = f'<!doctype html><html lang="en"><title>Here</title>{more}<script type="module" src="{src}"></script>'
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        ann.page.route("**/here", lambda route: route.fulfill(headers=headers, body=page + elements))
        ann.page.goto(f"{host.url}/here")
        return ann

    return place


def documented() -> list[str]:
    guide = (ROOT / "docs/guides/embed.md").read_text("utf-8")
    example = guide.partition("```css")[2].partition("```")[0]
    return sorted(set(re.findall(r"--[\w-]+", example)))


def test_a_host_without_its_chat_says_so_in_plain_words(place: Any, desk: Any, host: Any) -> None:
    ann = desk("ann")
    ann.page.route("**/element/embedded-chat.js", lambda route: route.abort())
    src = ann.page.locator("script[type=module]").first.get_attribute("src")
    body = (
        f'<!doctype html><html lang="en"><title>Here</title><script type="module" src="{src}"></script>'
        '<script>addEventListener("chatapp-refused", () => document.body.dataset.refused = "")</script>'
        '<chatapp-chat id="plain" url="/chat"></chatapp-chat>'
        '<chatapp-chat id="own" url="/chat"><p>Call 110 instead.</p></chatapp-chat>'
    )
    ann.page.route("**/here", lambda route: route.fulfill(content_type="text/html", body=body))
    ann.page.goto(f"{host.url}/here")
    ann.page.locator("body[data-refused]").wait_for()
    plain = "The chat cannot be loaded. Check the connection, and load this page again."
    ann.page.locator("#plain").get_by_text(plain).wait_for()
    ann.page.get_by_text("Call 110 instead.").wait_for()
    assert ann.page.evaluate("document.querySelector('#plain').ask('Hello')") is False
    ann.page.unroute("**/element/embedded-chat.js")
    ann.page.evaluate("document.body.append(document.querySelector('#own'))")  # placed anew, it tries again
    ann.page.locator("#own [data-picker]:enabled").wait_for()
    assert ann.page.get_by_text("Call 110 instead.").is_hidden()
    ann.problems = [each for each in ann.problems if not re.search("ERR_FAILED|dynamically imported", each)]


def test_the_chat_works_under_trusted_types_that_name_its_policies(place: Any) -> None:
    ann = place('<chatapp-chat url="/chat" model="words"></chatapp-chat>', POLICY + TYPES + "dompurify chatapp")
    ann.ready()
    shown_as(ann, "<em>")


def shown_as(ann: Any, wanted: str) -> None:
    """Draw a text with long code in the answer, as a model would send it."""
    answer = f"*one*\n\n{CODE}"
    ended = {"content": answer, "finish_reason": "stop", "usage": None, "timing": None}
    frames = frame("content_delta", {"delta": answer}, 1) + frame("completed", ended, 2)
    ann.page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=frames))
    assert ann.page.evaluate("document.querySelector('chatapp-chat').ask('Hello')")
    answered = ann.page.locator('chatapp-chat [data-role="assistant"][data-status="done"]')
    answered.wait_for()
    if wanted == "<em>":  # what draws it may come later than the answer
        answered.locator("[data-content] em").wait_for()
    ann.page.wait_for_load_state("networkidle")
    assert wanted in answered.locator("[data-content]").inner_html()


def frame(name: str, data: dict[str, Any], seq: int) -> str:
    import json

    return f"event: {name}\nid: {seq}\ndata: {json.dumps(data)}\n\n"


@pytest.mark.parametrize(("names", "wanted"), [("dompurify", "<em>"), ("chatapp", "*one*"), ("'none'", "*one*")])
def test_under_others_an_answer_is_there_with_fewer_looks_and_nothing_is_thrown(
    place: Any, names: str, wanted: str
) -> None:
    ann = place('<chatapp-chat url="/chat" model="words"></chatapp-chat>', POLICY + TYPES + names)
    thrown: list[str] = []
    ann.page.on("pageerror", lambda error: thrown.append(str(error)))
    ann.ready()
    shown_as(ann, wanted)
    assert thrown == []
    ann.problems = [each for each in ann.problems if "rust" not in each]  # the browser's notes on the policy


def test_a_first_question_of_a_file_alone_has_the_element_s_instructions(place: Any, host: Any) -> None:
    ann = place('<chatapp-chat url="/chat" model="words" instructions="Be brief."></chatapp-chat>')
    ann.ready()
    ann.hook("attach-input").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    ann.page.locator("chatapp-chat .attached-file:not([data-uploading])").wait_for()
    with ann.page.expect_response("**/api/v1/messages") as asked:
        ann.hook("send").click()
    conversation = asked.value.json()["conversation_id"]
    told = ann.page.request.get(f"{host.url}/chat/api/v1/conversations/{conversation}").json()["messages"]
    assert [(each["role"], each["content"]) for each in told[:2]] == [("system", "Be brief."), ("user", "")]
    assert [each["name"] for each in told[1]["files"]] == ["a.txt"]


def test_each_variable_that_the_guide_names_changes_what_is_seen(place: Any) -> None:
    names = documented()
    assert {"--accent", "--paper", "--ink", "--sans", "--radius"} <= set(names)
    ann = place('<chatapp-chat url="/chat" model="words"></chatapp-chat>')
    ann.ready()
    assert ann.page.evaluate("document.querySelector('chatapp-chat').ask('Hello')")
    ann.page.locator('chatapp-chat [data-role="assistant"][data-status="done"]').wait_for()
    unused = ann.page.evaluate(
        """(names) => {
            const element = document.querySelector("chatapp-chat");
            const looks = () => [...element.shadowRoot.querySelectorAll("*")].map((node) => {
                const { color, backgroundColor, borderColor, fontFamily, borderRadius } = getComputedStyle(node);
                return [color, backgroundColor, borderColor, fontFamily, borderRadius].join();
            });
            const value = (name) => /radius/.test(name) ? "17px" : /sans|mono/.test(name) ? "fantasy" : "rgb(1, 2, 3)";
            return names.filter((name) => {
                const before = looks().join("|");
                element.style.setProperty(name, value(name));
                const after = looks().join("|");
                element.style.removeProperty(name);
                const declared = [...element.shadowRoot.querySelectorAll("link")].flatMap((link) => [...link.sheet.cssRules])
                    .some((rule) => rule.cssText.includes(`var(${name})`));
                return before === after && !declared;
            });
        }""",
        names,
    )
    assert unused == []


def test_who_signs_in_next_does_not_see_what_was_being_written(place: Any, desk: Any, host: Any) -> None:
    ann = place('<chatapp-chat url="/chat" model="words"></chatapp-chat>')
    ann.ready()
    ann.hook("prompt").fill("Dear diary")
    ann.page.route("**/api/v1/messages", lambda route: route.abort())
    ann.page.route("**/healthz", lambda route: route.abort())
    ann.hook("prompt").press("Enter")
    ann.hook("pending-label").get_by_text("Waiting for the connection…").wait_for()
    ann.hook("prompt").fill("And more")
    for path in ("**/api/v1/messages", "**/healthz"):
        ann.page.unroute(path)
    for who, written, asked in (("bob", "", 0), ("ann", "And more", 1)):
        ann.page.goto(f"{host.url}/login")
        ann.page.fill("[name=name]", who)
        ann.page.fill("[name=password]", who)
        ann.page.click("button")
        ann.page.goto(f"{host.url}/here")
        ann.ready()
        assert ann.hook("prompt").input_value() == written, who
        ann.page.wait_for_load_state("networkidle")
        assert ann.hook("text").count() == asked, who
    ann.problems = [each for each in ann.problems if "ERR_FAILED" not in each]


def test_a_question_that_waits_stays_in_the_chat_that_it_was_asked_in(place: Any, host: Any) -> None:
    two = '<chatapp-chat id="one" url="/chat" model="words"></chatapp-chat>'
    ann = place(two + two.replace("one", "two"))
    one, other = ann.page.locator("#one"), ann.page.locator("#two")
    for side in (one, other):
        side.locator("[data-picker]:enabled").wait_for()
    for path in ("**/api/v1/messages", "**/healthz"):
        ann.page.route(path, lambda route: route.abort())
    one.locator("[data-prompt]").fill("On the left")
    one.locator("[data-prompt]").press("Enter")
    one.locator("[data-pending-label]").get_by_text("Waiting for the connection…").wait_for()
    ann.page.reload()
    one.locator("[data-text]", has_text="On the left").wait_for()
    for path in ("**/api/v1/messages", "**/healthz"):
        ann.page.unroute(path)
    one.evaluate("element => element.shadowRoot.querySelector('[data-away-now]').click()")
    one.locator('[data-role="assistant"][data-status="done"]').wait_for()
    assert other.locator("[data-text]").count() == 0
    ann.problems = [each for each in ann.problems if "ERR_FAILED" not in each]


def test_axe_finds_nothing_in_the_element_or_around_it(place: Any, desk: Any) -> None:
    ann = desk("ann")  # at the page of the example
    found = {"the example": violations(ann.page)}
    two = (
        '<main><h1>Here</h1><chatapp-chat id="one" url="/chat" model="think" label="Ask the first"></chatapp-chat>'
        '<chatapp-chat id="two" url="/chat" theme="dark" label="Ask the second"></chatapp-chat></main>'
    )
    bob = place(two, who="bob")
    bob.ready()
    bob.page.emulate_media(reduced_motion="reduce")
    found["empty"] = violations(bob.page)
    assert bob.page.evaluate("document.querySelector('#one').ask('Hello')")
    bob.page.locator('#one [data-role="assistant"][data-status="done"]').wait_for()
    found["answered"] = violations(bob.page)
    bob.page.locator("#one [data-thinking] summary").click()
    bob.page.locator("#one .figures summary").click()
    bob.page.locator("#two [data-picker]").click()
    bob.page.locator("#two [role=option]").first.wait_for()
    found["what opens"] = violations(bob.page)
    bob.page.set_viewport_size({"width": 320, "height": 640})
    found["320 px"] = violations(bob.page)
    for each in (ann, bob):  # axe tries on styles, which the host's policy forbids
        each.problems = [problem for problem in each.problems if "Applying inline style" not in problem]
    assert {state: wrong for state, wrong in found.items() if wrong} == {}


def test_the_element_speaks_its_page_s_language(place: Any) -> None:
    ann = place("<script></script>")
    ann.page.evaluate("document.documentElement.lang = 'zh-TW'")
    ann.page.evaluate(
        "() => { const chat = document.createElement('chatapp-chat'); chat.setAttribute('url', '/chat'); document.body.append(chat); }"
    )
    ann.ready()
    assert ann.hook("prompt").get_attribute("placeholder") == "问点什么"
