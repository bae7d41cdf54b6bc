"""The states that a reader can bring the page to, each with its way in and its way out. What is true
of every state, such as what axe finds or the language of the words, is tested over all of them."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

BRIEF = "truncated"
CALL = {"id": "1", "type": "function", "name": "look", "arguments": {"at": "stones"}}
ASKED = {"tool_call_id": "1", "state": "asked", "expires": 4_000_000_000}
FIELDS = {"sea": {"type": "string"}, "deep": {"type": "boolean"}, "way": {"enum": ["a", "b"]}}
QUESTION = {"tool_call_id": "1", "question": "q", "state": "asked", "expires": 4_000_000_000, "message": "Which?"}


def waiting(chat: Any, *events: tuple[str, dict[str, Any]]) -> None:
    """Ask, and let the answer wait after these events."""
    frames = [f"event: {name}\nid: {seq}\ndata: {json.dumps(data)}\n\n" for seq, (name, data) in enumerate(events, 1)]
    body = "retry: 600000\n\n" + "".join(frames)
    chat.page.route("**/events", lambda route: route.fulfill(content_type="text/event-stream", body=body))
    chat.ask("Hello")


def over(chat: Any) -> None:
    chat.page.unroute("**/events")
    chat.new_chat()


@contextmanager
def models(chat: Any) -> Iterator[None]:
    chat.hook("picker").click()
    chat.page.locator("[role=option]").first.wait_for()
    yield
    chat.page.keyboard.press("Escape")


@contextmanager
def no_model(chat: Any) -> Iterator[None]:
    with models(chat):
        chat.page.locator(".models-search").fill("zzz")
        chat.page.locator(".models-none:not(:empty)").wait_for()
        yield


@contextmanager
def tools(chat: Any) -> Iterator[None]:
    chat.hook("offer-summary").click()
    chat.hook("tool-box").first.wait_for()
    yield
    chat.page.keyboard.press("Escape")


@contextmanager
def menus(chat: Any) -> Iterator[None]:
    for menu in ("menu", "list-menu"):
        chat.hook(menu).evaluate("menu => (menu.open = true)")
    yield
    for menu in ("menu", "list-menu"):
        chat.hook(menu).evaluate("menu => (menu.open = false)")


@contextmanager
def settings(chat: Any) -> Iterator[None]:
    chat.hook("menu").locator("summary").click()
    chat.hook("settings").click()
    chat.hook("settings-save").wait_for()
    yield
    chat.page.keyboard.press("Escape")
    chat.hook("settings-dialog").wait_for(state="detached")


@contextmanager
def share(chat: Any) -> Iterator[None]:
    chat.hook("share").click()
    chat.hook("share-go").wait_for()
    yield
    chat.page.keyboard.press("Escape")
    chat.hook("share-dialog").wait_for(state="detached")


@contextmanager
def shared(chat: Any) -> Iterator[None]:
    with share(chat):
        chat.hook("share-go").click()
        chat.hook("share-take-back").wait_for()
        yield
        chat.hook("share-take-back").click()
        chat.hook("share-take-back").wait_for(state="hidden")


@contextmanager
def shortcuts(chat: Any) -> Iterator[None]:
    chat.hook("shortcuts").click()
    chat.hook("shortcuts-dialog").wait_for()
    yield
    chat.page.keyboard.press("Escape")
    chat.hook("shortcuts-dialog").wait_for(state="detached")


@contextmanager
def search(chat: Any, words: str = "First", found: str = ".search-hits a") -> Iterator[None]:
    chat.hook("search").click()
    chat.hook("search-box").fill(words)
    chat.page.locator(found).first.wait_for()
    yield
    chat.page.keyboard.press("Escape")
    chat.hook("search-dialog").wait_for(state="detached")


def nothing_found(chat: Any) -> AbstractContextManager[None]:
    return search(chat, "zzzzzz", ".search-words:not(:empty)")


@contextmanager
def rename(chat: Any) -> Iterator[None]:
    chat.page.locator("[data-conversation]").first.hover()
    chat.hook("rename").first.click()
    yield
    chat.hook("rename-field").first.press("Escape")


@contextmanager
def undo(chat: Any) -> Iterator[None]:
    chat.page.locator("[data-conversation]").last.hover()
    chat.hook("delete").last.click()
    chat.hook("undo").wait_for()
    yield
    chat.hook("undo").click()
    chat.hook("undo").wait_for(state="detached")
    chat.page.locator("[data-conversation]").nth(1).wait_for()


@contextmanager
def edit(chat: Any) -> Iterator[None]:
    chat.page.locator("[data-role=user]").last.hover()
    chat.page.locator("[data-role=user] [data-edit]").last.click()
    chat.hook("edit-send").wait_for()
    yield
    chat.page.keyboard.press("Escape")


@contextmanager
def attached(chat: Any) -> Iterator[None]:
    chat.hook("attach-input").set_input_files({"name": "a.txt", "mimeType": "text/plain", "buffer": b"hello"})
    chat.page.locator(".attached-file:not([data-uploading])").wait_for()
    yield
    chat.hook("attached-remove").click()


@contextmanager
def thoughts(chat: Any) -> Iterator[None]:
    chat.ask("Think", "think").until_done()
    chat.answer.locator("[data-thinking] summary").click()
    chat.answer.locator(".figures summary").click()
    chat.answer.locator("[data-figures] dd").first.wait_for()
    yield


@contextmanager
def replay(chat: Any) -> Iterator[None]:
    chat.answer.locator("[data-replay]").click()
    chat.answer.locator("[data-replay-play]").click()
    yield
    chat.answer.locator("[data-replay-close]").click()


@contextmanager
def queued(chat: Any) -> Iterator[None]:
    """At the provider, and in the page behind that."""
    waiting(chat, ("queued", {"waiting": True}))
    chat.hook("pending-clock").get_by_text("2").last.wait_for()
    chat.write("And then")
    chat.hook("prompt").press("Enter")
    chat.hook("queued-text").wait_for()
    yield
    chat.hook("queue").get_by_role("button").click()
    over(chat)


@contextmanager
def approval(chat: Any) -> Iterator[None]:
    waiting(chat, ("tool_call", CALL), ("tool_approval", ASKED))
    chat.card("look", "asks")
    yield
    over(chat)


@contextmanager
def tool_question(chat: Any) -> Iterator[None]:
    schema = {"type": "object", "properties": FIELDS}
    waiting(chat, ("tool_call", CALL), ("tool_question", {**QUESTION, "schema": schema}))
    chat.hook("question-fields").locator("input").first.wait_for()
    yield
    over(chat)


@contextmanager
def refused(chat: Any) -> Iterator[None]:
    refusal = {"error": {"code": "rate_limit_exceeded", "message": "wait 3 s", "trace_id": "0123456789abcdef"}}
    chat.page.route("**/api/v1/messages", lambda route: route.fulfill(status=429, json=refusal))
    chat.write("Too much")
    chat.hook("prompt").press("Enter")
    chat.hook("notice").wait_for()
    yield
    chat.page.unroute("**/api/v1/messages")
    chat.hook("notice-close").click()
    chat.write("")


@contextmanager
def away(chat: Any) -> Iterator[None]:
    for path in ("**/api/v1/messages", "**/healthz"):
        chat.page.route(path, lambda route: route.abort())
    chat.choose(BRIEF).write("While away")
    chat.hook("prompt").press("Enter")
    chat.hook("away").wait_for()
    yield
    for path in ("**/api/v1/messages", "**/healthz"):
        chat.page.unroute(path)
    chat.page.evaluate("document.querySelector('[data-away-now]').click()")
    chat.hook("away").wait_for(state="hidden")
    chat.until_done()


@contextmanager
def failed(chat: Any) -> Iterator[None]:
    chat.ask("Fail", "fail-late").until_done()
    yield


@contextmanager
def media(chat: Any) -> Iterator[None]:
    chat.ask("Media", "media").until_done()
    yield


STATES: dict[str, Callable[[Any], AbstractContextManager[None]]] = {
    each.__name__: each
    for each in (
        *(models, no_model, tools, menus, settings, share, shared, shortcuts, search, nothing_found, rename, undo),
        *(edit, attached, thoughts, replay, media, failed, refused, away, queued, approval, tool_question),
    )
}


def begin(chat: Any) -> None:
    """What the states need to be there: two conversations, the second one open."""
    chat.ask("First", BRIEF).until_done()
    chat.new_chat()
    chat.ask("Second", BRIEF).until_done()


def forgive(chat: Any) -> None:
    """The browser's lines on the refusals that the states make."""
    chat.problems = [each for each in chat.problems if not any(word in each for word in ("ERR_FAILED", "429"))]
