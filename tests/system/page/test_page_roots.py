"""Chats below roots of their own, two on one page: one in the document, one in a shadow root."""

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow

BLANK = "<!doctype html><html lang=en><title>Two chats</title>"

# window.left and window.right: the page's markup below an element of its own, and all its parts.
TWO_CHATS = """async () => {
    const { Chat } = await import("/static/js/chat.js");
    const { DrawerView } = await import("/static/js/views/drawer.js");
    const { Router } = await import("/static/js/views/router.js");
    const { SidebarView } = await import("/static/js/views/sidebar.js");
    const { ThemeView } = await import("/static/js/views/theme.js");
    const markup = await (await fetch("/")).text();
    const { innerHTML } = new DOMParser().parseFromString(markup, "text/html").body;
    const made = (parent, id) => {
        const root = parent.appendChild(document.createElement("div"));
        Object.assign(root, { id, innerHTML });
        root.toggleAttribute("data-empty", true);
        const chat = new Chat(root);
        const { store, actions } = chat;
        const views = [new SidebarView(root, store, actions), new DrawerView(root), new ThemeView(root)];
        return { root, chat, store, actions, parts: [chat, ...views], router: new Router(root, store, actions) };
    };
    const host = document.body.appendChild(document.createElement("section"));
    window.left = made(document.body, "left");
    window.right = made(host.attachShadow({ mode: "open" }), "right");
    for (const { parts } of [left, right]) for (const part of parts) part.start();
}"""


class Side:
    """One of the two chats, as its reader sees it."""

    def __init__(self, page: Any, name: str) -> None:
        self.page = page
        self.root = page.locator(f"#{name}")

    def hook(self, name: str) -> Any:
        return self.root.locator(f"[data-{name}]")

    def ask(self, prompt: str, model: str) -> None:
        value = json.dumps({"provider": "mock", "model": model}, separators=(",", ":"))
        if self.hook("picker").get_attribute("data-value") != value:
            self.hook("picker").click()
            self.root.locator(f"[data-option='{value}']").last.click()
        self.hook("prompt").fill(prompt)
        self.hook("prompt").press("Enter")

    @property
    def said(self) -> list[str]:
        found: list[str] = self.hook("text").all_inner_texts()
        return found

    @property
    def is_empty(self) -> bool:
        return self.root.get_attribute("data-empty") is not None


@pytest.fixture
def tab(reader: Callable[..., Any]) -> Any:
    tab = reader()
    tab.page.context.grant_permissions(["clipboard-read", "clipboard-write"])  # all buttons are pressed, Copy too
    tab.page.route("**/two", lambda route: route.fulfill(content_type="text/html", body=BLANK))
    tab.page.goto(f"{tab.url}/two")
    tab.page.evaluate(COUNT_LISTENERS)
    tab.page.evaluate(TWO_CHATS)
    return tab


@pytest.fixture
def sides(tab: Any) -> tuple[Side, Side]:
    left, right = Side(tab.page, "left"), Side(tab.page, "right")
    for side in (left, right):
        side.hook("picker").and_(tab.page.locator(":enabled")).wait_for()
    return left, right


def test_two_chats_answer_at_once_and_know_nothing_of_each_other(tab: Any, sides: tuple[Side, Side]) -> None:
    left, right = sides
    left.ask("On the left", "slow")
    left.hook("content").get_by_text("You asked").wait_for()
    assert not left.is_empty and right.is_empty and right.said == []
    right.ask("On the right", "truncated")
    right.hook("announcer").get_by_text("The answer failed.").wait_for()
    assert (left.said, right.said) == (["On the left"], ["On the right"])
    assert left.hook("stop").is_visible() and right.hook("send").is_visible()
    assert left.hook("announcer").inner_text() == ""
    assert right.hook("prompt").evaluate("prompt => prompt.getRootNode().activeElement === prompt")
    left.hook("stop").click()
    left.hook("ending").get_by_text("You stopped this answer.").wait_for()
    assert not right.hook("ending").is_visible()
    assert tab.page.url.endswith("/two") and tab.page.title() == "Two chats"  # those belong to the page


def test_a_menu_closes_for_a_press_outside_of_it_also_in_a_shadow_root(sides: tuple[Side, Side]) -> None:
    left, right = sides
    for side, other in ((left, right), (right, left)):
        side.hook("offer-summary").click()
        side.hook("tool-box").first.click()
        assert side.hook("tool-choices").is_visible()
        other.hook("prompt").click()
        assert side.hook("tool-choices").is_hidden()


# `listening` are the listeners that were added since and not removed, without those of the window,
# which are the driver's.
COUNT_LISTENERS = """() => {
    window.listening = new Map();
    const { addEventListener, removeEventListener } = EventTarget.prototype;
    EventTarget.prototype.addEventListener = function (type, listener, options) {
        if (this !== window && !(this instanceof AbortSignal)) {
            listening.set(listener, `${this.constructor.name} ${type}`);
            options?.signal?.addEventListener("abort", () => listening.delete(listener));
        }
        return addEventListener.call(this, type, listener, options);
    };
    EventTarget.prototype.removeEventListener = function (type, listener) {
        listening.delete(listener);
        return removeEventListener.call(this, type, listener);
    };
}"""

# Brings a chat into a state that has all its buttons and a clock that runs.
FILL = """({ store, root }) => {
    const tell = (name, data) => store.dispatch({ type: "answer-event", id: "m1", name, data, at: 0 });
    store.dispatch({ type: "conversations-loaded", conversations: [{ id: "c1", title: "First" }] });
    store.dispatch({ type: "question-sent", key: "k", prompt: "Hello", choice: null, at: "now" });
    store.dispatch({ type: "answer-accepted", key: "k", id: "m1", conversation_id: "c1", events_url: null });
    tell("tool_call", { id: "t", type: "function", name: "launch", arguments: {} });
    tell("tool_approval", { tool_call_id: "t", state: "asked", expires: Date.now() / 1000 + 90 });
    root.querySelector("[data-offer]").open = true;
}"""

# All that a reader can do and a store can tell, at once; `called` are the actions that follow.
POKE = """(side) => {
    const { root, store, actions } = side;
    side.called = [];
    for (let type = Object.getPrototypeOf(actions); type !== Object.prototype; type = Object.getPrototypeOf(type)) {
        for (const name of Object.getOwnPropertyNames(type)) actions[name] = async () => void side.called.push(name);
    }
    const clicked = { bubbles: true, cancelable: true, composed: true };
    for (const node of root.querySelectorAll("*")) {
        node.dispatchEvent(new MouseEvent("click", clicked));
        node.dispatchEvent(new PointerEvent("pointerdown", clicked));
        node.dispatchEvent(new KeyboardEvent("keydown", { ...clicked, key: "Enter" }));
        for (const type of ["input", "change", "submit", "toggle", "close", "scroll"]) {
            node.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }));
        }
    }
    store.dispatch({ type: "conversations-loaded", conversations: [{ id: "c2", title: "Second" }] });
    store.dispatch({ type: "notice-shown", text: "Look here" });
    store.dispatch({ type: "answer-event", id: "m1", name: "content_delta", data: { delta: "More" }, at: 0 });
}"""


def test_a_chat_that_was_stopped_reacts_to_nothing(tab: Any, sides: tuple[Side, Side]) -> None:
    left, right = sides
    page = tab.page
    page.evaluate("() => { window.onclick = (event) => event.preventDefault(); }")
    for side, name in ((left, "left"), (right, "right")):
        page.evaluate(f"({FILL})({name})")
        side.hook("tool-left").get_by_text("left").wait_for()
    page.evaluate("for (const part of left.parts) part.stop()")
    stopped, clock = left.root.inner_html(), right.hook("tool-left").inner_text()
    for name in ("left", "right"):
        page.evaluate(f"({POKE})({name})")

    right.hook("notice").get_by_text("Look here").wait_for()
    right.hook("content").get_by_text("More").wait_for()
    page.wait_for_function("clock => right.root.querySelector('[data-tool-left]').textContent !== clock", arg=clock)
    assert {"decide", "retry", "stop"} <= set(page.evaluate("right.called"))
    assert right.hook("link").all_inner_texts() == ["Second"] and right.hook("tool-choices").is_hidden()
    assert page.evaluate("left.called") == [] and left.root.inner_html() == stopped

    page.evaluate("for (const part of right.parts) part.stop()")
    assert page.evaluate("[...listening.values()]") == []
    page.evaluate("left.chat.start()")
    left.hook("notice-close").dispatch_event("click")
    assert left.hook("notice").is_hidden()


@pytest.mark.usefixtures("sides")
def test_a_router_that_was_stopped_leaves_the_address_alone(tab: Any) -> None:
    page = tab.page
    page.evaluate("() => { history.replaceState(null, '', '/'); left.router.start(); }")
    page.evaluate("left.store.dispatch({ type: 'conversation-opened', conversation: { id: 'c1', messages: [] } })")
    assert page.url == f"{tab.url}/c/c1" and page.title() == "chatapp"
    page.evaluate("left.router.stop()")
    page.evaluate("left.store.dispatch({ type: 'new-chat-opened' })")
    page.evaluate("left.store.dispatch({ type: 'conversations-loaded', conversations: [{ id: 'c1', title: 'x' }] })")
    assert page.url == f"{tab.url}/c/c1" and page.title() == "chatapp"
