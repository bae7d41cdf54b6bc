"""Pages that have a browser ask our server, with its cookie, to begin or to stop a run. The server
stands on plain http under a name: browsers send it neither Sec-Fetch-Site nor, for most of these,
Origin.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from gevent.pywsgi import WSGIServer

pytestmark = pytest.mark.slow

NAME = "chat.lan"
ACT = "/chat?provider=mock&model=silent&on_disconnect=continue&sessionId=injected&prompt="

VECTORS = {
    "image": '<img src="{url}">',
    "image, hidden": '<img src="{url}" referrerpolicy="no-referrer">',
    "script": '<script src="{url}"></script>',
    "script, hidden": '<script src="{url}" referrerpolicy="no-referrer"></script>',
    "style": '<link rel="stylesheet" href="{url}" referrerpolicy="no-referrer">',
    "preload": '<link rel="preload" as="fetch" href="{url}" crossorigin="use-credentials">',
    "prefetch": '<link rel="prefetch" href="{url}">',
    "frame": '<iframe src="{url}"></iframe>',
    "frame, hidden": '<iframe src="{url}" referrerpolicy="no-referrer"></iframe>',
    "video": '<video src="{url}" preload="auto"></video>',
    "object": '<object data="{url}"></object>',
    "background": "<div style=\"height:9px;background:url('{url}')\"></div>",
    "form": '<form id="{frame}f" action="{path}" target="{frame}"><input name="prompt" value="{value}">'
    '</form><iframe name="{frame}"></iframe><script>document.getElementById("{frame}f").submit()</script>',
    "fetch": '<script>fetch("{url}", {{ mode: "no-cors", credentials: "include" }})</script>',
    "fetch like a stream": '<script>fetch("{url}", {{ mode: "no-cors", credentials: "include", referrerPolicy: '
    '"no-referrer", headers: {{ Accept: "text/event-stream" }} }})</script>',
    "event source": '<script>new EventSource("{url}", {{ withCredentials: true }})</script>',
    "sandboxed": '<iframe sandbox="allow-scripts" src="data:text/html,<script>new EventSource(%22{url}%22)</script>">'
    "</iframe>",
    "posted": '<form id="{frame}f" action="{path}" method="post" enctype="text/plain" target="{frame}"><input '
    'name=\'{{"prompt":"x","a":"\' value=\'"}}\'></form><iframe name="{frame}"></iframe>'
    '<script>document.getElementById("{frame}f").submit()</script>',
    "left": '<script>location = "{url}"</script>',
    "left, hidden": '<meta name="referrer" content="no-referrer"><meta http-equiv="refresh" content="0;url={url}">',
}

POSTED = 1  # the last but those that leave; its address says nothing


@pytest.fixture(scope="module")
def server(module_server: Callable[..., Any]) -> Any:
    return module_server(CHATAPP_TRUSTED_HOSTS=f"127.0.0.1,{NAME}")


@pytest.fixture(scope="module")
def context(launch: Callable[..., Any], server: Any) -> Iterator[Any]:
    """A browser that finds our server, and the page elsewhere, under names of their own."""
    with launch("--host-resolver-rules=MAP *.lan 127.0.0.1") as opened:
        context = opened.new_context()
        page = context.new_page()
        page.goto(f"http://{NAME}:{server.port}/")  # which gives it a cookie
        page.close()
        yield context


@pytest.fixture(scope="module")
def victim(context: Any, server: Any) -> Any:
    """A client with the browser's cookie."""
    client = server.client()
    client.session.cookies.update({cookie["name"]: cookie["value"] for cookie in context.cookies()})
    return client


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Callable[[str], int]]:
    """Serves this page at any address; returns the port."""
    shown: list[str] = []

    def page(_environ: Any, start: Any) -> list[bytes]:
        start("200 OK", [("Content-Type", "text/html")])
        return [f"<!doctype html><title>elsewhere</title>{shown[-1]}".encode()]

    site = WSGIServer(("127.0.0.1", 0), page, log=None)
    site.start()

    def serve(html: str) -> int:
        shown.append(html)
        port: int = site.server_port
        return port

    yield serve
    site.stop(timeout=1)


def visit(context: Any, address: str, asked_for: Iterable[str]) -> None:
    """Open the page and wait until it has asked for all of these."""
    missing = set(asked_for)
    page = context.new_page()
    page.on("request", lambda request: missing.difference_update({part for part in missing if part in request.url}))
    page.goto(address, wait_until="commit")
    for _ in range(100):
        if not missing:
            break
        page.wait_for_timeout(50)
    assert not missing
    page.wait_for_timeout(200)  # the requests are on their way
    page.close()


@pytest.mark.parametrize("host", [NAME, "evil.lan"])
def test_no_page_elsewhere_begins_a_run(
    context: Any, server: Any, victim: Any, elsewhere: Callable[[str], int], host: str
) -> None:
    base = f"http://{NAME}:{server.port}"
    written = {
        name: html.format(url=f"{base}{ACT}v{number}", path=f"{base}/chat", value=f"v{number}", frame=f"f{number}")
        for number, (name, html) in enumerate(VECTORS.items())
    }
    leaving = [html for name, html in written.items() if name.startswith("left")]
    staying = [html for name, html in written.items() if not name.startswith("left")]
    visit(context, f"http://{host}:{elsewhere(''.join(staying))}/", [f"v{n}" for n in range(len(staying) - POSTED)])
    for html in leaving:
        visit(context, f"http://{host}:{elsewhere(html)}/", ["/chat?"])
    assert victim.json("/api/v1/conversations")["conversations"] == []
    assert server.client().json("/api/v1/conversations")["conversations"] == []  # of those without a cookie


def test_no_page_elsewhere_stops_a_run(context: Any, server: Any, victim: Any, elsewhere: Callable[[str], int]) -> None:
    run = victim.send("hi", model="silent")
    paths = (
        f"/api/v1/messages/{run['id']}/events?on_disconnect=cancel",
        f"/api/ui/chat/{run['conversation_id']}/stream",
    )
    base, names = f"http://{NAME}:{server.port}", ("image", "script, hidden", "fetch like a stream")
    html = "".join(VECTORS[name].format(url=base + path) for name in names for path in paths)
    visit(context, f"http://{NAME}:{elsewhere(html)}/", paths)
    for path in paths:
        visit(context, f"http://{NAME}:{elsewhere(VECTORS['left'].format(url=base + path))}/", [path])
    assert victim.json(f"/api/v1/messages/{run['id']}")["status"] == "running"
    victim.post(f"/api/v1/messages/{run['id']}/cancel", {})


def test_what_a_model_writes_is_not_fetched_from_here(context: Any, server: Any, victim: Any) -> None:
    victim.send("hi")
    base = f"http://{NAME}:{server.port}"
    page = context.new_page()
    asked: list[str] = []
    page.goto(base)
    page.on("request", lambda request: asked.append(request.url))
    said = f"![c]({ACT}x) ![d]({base}{ACT}x) <img src={ACT}x> ![e](/api/v1/messages/m/events?on_disconnect=cancel) [go]({ACT}x)"
    page.evaluate(
        """async (text) => {
            const { MarkdownView } = await import("/static/js/markdown/view.js");
            const node = document.body.appendChild(document.createElement("div"));
            node.id = "drawn";
            const view = new MarkdownView(node);
            for (let at = 0; at <= text.length; at += 5) view.set(text.slice(0, at));
            view.set(text, true);
        }""",
        said,
    )
    with context.expect_page() as opened:
        page.locator("#drawn a").last.click()
    opened.value.wait_for_load_state()
    assert "begins or stops a run" in opened.value.content()
    assert [url for url in asked if "/static/" not in url] == []
    blocked = page.evaluate(
        """() => new Promise((resolve) => {
            addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
            document.body.appendChild(document.createElement("img")).src = "/chat?prompt=past-the-sanitizer";
        })"""
    )
    assert blocked == "img-src"
    opened.value.close()
    page.close()


def test_our_own_page_still_can(context: Any, server: Any) -> None:
    page = context.new_page()
    page.goto(f"http://{NAME}:{server.port}/")
    said = page.evaluate(
        """() => new Promise((resolve, reject) => {
            const source = new EventSource("/ask/stream?provider=mock&question=hi&max_tokens=1");
            source.onmessage = ({ data }) => { source.close(); resolve(data); };
            source.onerror = reject;
        })"""
    )
    assert "delta" in said
    status = page.evaluate("fetch('/api/chat?provider=mock&prompt=hi&max_tokens=1').then(({ status }) => status)")
    assert status == 200
    page.close()
