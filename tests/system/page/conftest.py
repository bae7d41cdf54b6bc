"""A real browser on the real page, and a driver for what a reader does. It finds elements by their
data-* hooks."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

VIEWPORTS = {"wide": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
WAIT_MS = 20_000

# The texts with a contrast below 4.5 to 1 (3 to 1 for large ones), which WCAG AA asks for.
TOO_FAINT = """() => {
    const parse = (colour) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
        const context = canvas.getContext("2d");
        context.fillStyle = colour;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    };
    const over = (top, under) => [0, 1, 2].map((at) => top[at] * top[3] + under[at] * (1 - top[3])).concat(1);
    const ground = (node) => {
        const colour = parse(getComputedStyle(node).backgroundColor);
        return colour[3] === 1 || !node.parentElement ? colour : over(colour, ground(node.parentElement));
    };
    const light = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    for (const node of document.querySelectorAll("body *")) {
        const own = [...node.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
        if (!own || !node.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || node.disabled) continue;
        if (node.closest("template, script, option, optgroup")) continue;
        const style = getComputedStyle(node);
        const back = ground(node);
        const [a, b] = [light(over(parse(style.color), back)), light(back)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        const large = parseFloat(style.fontSize) >= 24;
        if (ratio < (large ? 3 : 4.5)) found.push(`${ratio.toFixed(2)} ${node.className || node.localName}: ${node.textContent.trim().slice(0, 40)}`);
    }
    return found;
}"""

# What the page loads at need is there, and drawn with.
LIBRARIES_ARRIVED = """async () => {
    const { src } = document.querySelector("script[type=module]");
    const { arrived } = await import(new URL("markdown/libraries.js", src).href);
    await arrived();
}"""


# Before the library has come that draws it, an answer is plain text.
DRAWN = """() => [...document.querySelectorAll('[data-role="assistant"]:last-child [data-content]')]
    .every((content) => [...content.childNodes].every((node) => node.nodeType !== Node.TEXT_NODE || !node.data.trim()))"""


class ChatPage:
    """One tab. `problems` are the console's errors and warnings, `foreign` the requests to other
    servers."""

    WIDE, PHONE = VIEWPORTS["wide"], VIEWPORTS["phone"]

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.url = url
        self.problems: list[str] = []
        self.foreign: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", self._on_request)

    def open(self, path: str = "/") -> "ChatPage":
        self.page.goto(self.url + path)
        return self.ready()

    def reload(self) -> "ChatPage":
        self.page.reload()
        return self.ready()

    def ready(self) -> "ChatPage":
        """The scripts have taken over the page, and know the models."""
        self.hook("picker", "html[data-ready] [data-picker]:enabled").wait_for()
        return self

    def hook(self, name: str, selector: str = "") -> Any:
        return self.page.locator(selector or f"[data-{name}]")

    def choose(self, model: str, provider: str = "mock") -> "ChatPage":
        value = json.dumps({"provider": provider, "model": model}, separators=(",", ":"))
        if self.hook("picker").get_attribute("data-value") != value:
            self.hook("picker").click()
            self.page.locator(f"[data-option='{value}']").last.click()
        return self

    def offer(self, *tools: str, agent: str = "") -> "ChatPage":
        """Choose in the menu exactly these tools, and the agent."""
        self.hook("offer-summary").click()
        self.hook("agent").select_option(agent)
        for box in self.hook("tool-box").all():
            box.set_checked(box.get_attribute("value") in tools)
        self.page.keyboard.press("Escape")
        return self

    def write(self, prompt: str) -> None:
        self.hook("prompt").fill(prompt)

    def ask(self, prompt: str, model: str = "words", provider: str = "mock") -> "ChatPage":
        """Type and send; returns as soon as the answer is on its way and has its address."""
        before = self.answers.count()
        self.choose(model, provider)
        self.write(prompt)
        self.hook("prompt").press("Enter")
        self.answers.nth(before).wait_for()
        self.page.wait_for_url("**/c/*")
        return self

    def new_chat(self) -> "ChatPage":
        self.hook("new-chat").click()
        self.page.wait_for_url(self.url + "/")
        self.answer.wait_for(state="detached")
        return self

    def answer_with(self, *events: tuple[str, dict[str, Any]]) -> "ChatPage":
        """Ask, and let the answer be these events instead of the server's."""
        frames = [
            f"event: {name}\nid: {seq}\ndata: {json.dumps(data)}\n\n" for seq, (name, data) in enumerate(events, 1)
        ]
        headers = {"Content-Type": "text/event-stream"}
        self.page.route("**/events", lambda route: route.fulfill(headers=headers, body="".join(frames)))
        self.ask("Hello").until_done()
        self.page.wait_for_function(DRAWN)
        return self

    def bring(self, *answers: str) -> str:
        """The address of a conversation with these answers."""
        messages: list[dict[str, Any]] = []
        for at, text in enumerate(answers):
            events = [
                {"event": "run-start", "run_id": f"b{at}", "trace_id": "0" * 32, "provider": "x", "model": "x", "reasoning": "disabled", "created": 1.0},
                {"event": "text-delta", "text": text},
                {"event": "run-end", "reason": "stop", "usage": {"prompt": 1, "completion": 1, "total": 2}, "timing": {"total_ms": 1}},
            ]  # fmt: skip
            question = {"role": "user", "content": "Go on", "created": 1.0, "parent": f"b{at - 1}" if at else None}
            answer = {"role": "assistant", "content": text, "created": 2.0, "events": events, "provider": "x"}
            messages += [{"id": f"a{at}", **question}, {"id": f"b{at}", "parent": f"a{at}", **answer}]
        kept = {
            "format": "chatapp-conversation",
            "version": 1,
            "title": "T",
            "created": 1.0,
            "shown": messages[-1]["id"],
        }
        made = self.page.request.post(f"{self.url}/api/v1/conversations/import", data={**kept, "messages": messages})
        assert made.ok, made.text()
        return f"/c/{made.json()['id']}"

    def until_done(self) -> "ChatPage":
        self.hook("stop").wait_for(state="hidden")
        self.page.locator('[data-role="assistant"]:last-child[data-status="done"]').wait_for()
        return self

    def card(self, tool: str, state: str) -> Any:
        """The card of the last answer's last call of this tool, once it is in this state."""
        self.answer.locator(f'[data-tool="{tool}"][data-state="{state}"]').last.wait_for()
        return self.answer.locator(f'[data-tool="{tool}"]').last

    def until_text(self, text: str) -> "ChatPage":
        self.answer.locator("[data-content]", has_text=text).wait_for()
        return self

    @property
    def answers(self) -> Any:
        return self.page.locator('[data-role="assistant"]')

    @property
    def answer(self) -> Any:
        return self.answers.last

    @property
    def questions(self) -> list[str]:
        found: list[str] = self.page.locator('[data-role="user"] [data-text]').all_inner_texts()
        return found

    def drawn(self) -> str:
        """The markup of the last answer's text, with its colours and formulas."""
        self.page.evaluate(LIBRARIES_ARRIVED)
        found: str = self.answer.locator("[data-content]").inner_html()
        return found

    def dress(self, scheme: str) -> None:
        """Light or dark, at once."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")

    def faint_texts(self) -> list[str]:
        """Texts whose contrast is too low."""
        found: list[str] = self.page.evaluate(TOO_FAINT)
        return found

    def message(self) -> dict[str, Any]:
        """The last answer as the server has it, asked with this browser's cookie."""
        path = f"/api/v1/messages/{self.answer.get_attribute('data-message')}"
        response = self.page.request.get(self.url + path)
        assert response.ok, response.text()
        found: dict[str, Any] = response.json()
        return found

    def rendered(self, markdown: str) -> str:
        """The markup for a text that is drawn whole, at once."""
        found: str = self.page.evaluate(
            """async (text) => {
                const { MarkdownView } = await import("/static/js/markdown/view.js");
                const node = document.createElement("div");
                new MarkdownView(node).set(text, true);
                return node.innerHTML;
            }""",
            markdown,
        )
        return found

    def expect_problem(self, text: str) -> None:
        """The console complained of a problem that the test caused."""
        assert any(text in problem for problem in self.problems), self.problems
        self.problems = [problem for problem in self.problems if text not in problem]

    def _on_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.text} {message.location.get('url', '')}")

    def _on_request(self, request: Any) -> None:
        if not request.url.startswith((self.url + "/", "data:")):
            self.foreign.append(request.url)


@pytest.fixture
def reader(browser: Any, server: Any) -> Iterator[Callable[..., ChatPage]]:
    """Readers with a browser of their own: `reader(width="phone")`; another tab of the same
    browser: `reader(beside=chat)`.

    At the end no tab may have a problem, or have asked another server for anything.
    """
    tabs: list[ChatPage] = []

    def enter(beside: ChatPage | None = None, width: str = "wide", url: str = "", **options: Any) -> ChatPage:
        context = beside.page.context if beside else browser.new_context(viewport=VIEWPORTS[width], **options)
        tabs.append(ChatPage(context.new_page(), url or server.url))
        return tabs[-1]

    yield enter
    for tab in tabs:
        tab.page.context.close()
    assert [problem for tab in tabs for problem in tab.problems] == []
    assert [url for tab in tabs for url in tab.foreign] == []


@pytest.fixture
def chat(reader: Callable[..., ChatPage]) -> ChatPage:
    return reader().open()


@pytest.fixture(scope="module")
def _kept_tab(browser: Any, server: Any) -> Iterator[ChatPage]:
    context = browser.new_context(viewport=VIEWPORTS["wide"])
    yield ChatPage(context.new_page(), server.url).open()
    context.close()


@pytest.fixture
def kept_chat(_kept_tab: ChatPage) -> Iterator[ChatPage]:
    """One open page for all tests of a file that only call its modules, and leave nothing on it: to open
    one takes longer than they do."""
    yield _kept_tab
    problems, foreign = _kept_tab.problems, _kept_tab.foreign
    _kept_tab.problems, _kept_tab.foreign = [], []
    assert problems == []
    assert foreign == []
