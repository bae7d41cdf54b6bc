"""A real browser's EventSource on a connection that is cut in the middle, again and again."""

import random
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.server import StreamServer

pytestmark = pytest.mark.slow

CUTS = 10
EVENTS_CUTS = 2  # a browser waits for seconds before it asks there again

COLLECT = """
async (sources) => Promise.all(sources.map(({ url, delta, text, ends }) => new Promise((resolve) => {
    const source = new EventSource(url);
    const seen = { text: "", ids: [], opened: 0 };
    const take = (event) => {
        const data = JSON.parse(event.data);
        seen.ids.push(event.lastEventId);
        if ((data.type ?? event.type) === delta) seen.text += data[text];
        if (![data.type, event.type].includes(ends)) return;
        source.close();
        resolve(seen);
    };
    source.onopen = () => { seen.opened += 1; };
    for (const name of new Set(["message", delta, ends])) source.addEventListener(name, take);
    source.addEventListener("reset", () => resolve({ ...seen, reset: true }));
    source.addEventListener("error", () => {
        if (source.readyState === EventSource.CLOSED) resolve({ ...seen, refused: true });
    });
})))
"""


class Cutter:
    """Stands before a server, and cuts each of the first connections for a path after some bytes of its answer."""

    def __init__(self, port: int) -> None:
        self.cuts: Counter[str] = Counter()
        self._port = port
        self._chance = random.Random(1)

    def handle(self, client: Any, _: object) -> None:
        upstream = socket.create_connection(("127.0.0.1", self._port))
        request = client.recv(65_536)
        path = request.split(b" ")[1].decode().partition("?")[0] if request else ""
        upstream.sendall(request.replace(b"Connection: keep-alive", b"Connection: close"))  # one request each
        forward = gevent.spawn(_pump, client, upstream)
        streams = b"text/event-stream" in request
        most = EVENTS_CUTS if path.endswith("/events") else CUTS
        left = self._chance.randint(500, 1000) if streams and self.cuts[path] < most else 1 << 30
        while left > 0 and (data := _receive(upstream, min(left, 65_536))):
            client.sendall(data)
            left -= len(data)
        if left == 0:
            self.cuts[path] += 1
        forward.kill()
        client.close()
        upstream.close()


def _receive(sock: Any, size: int) -> bytes:
    try:
        data: bytes = sock.recv(size)
    except OSError:
        return b""
    return data


def _pump(source: Any, target: Any) -> None:
    while data := _receive(source, 65_536):
        target.sendall(data)
    target.close()


@pytest.fixture
def cutter(server: Any) -> Iterator[Callable[[], tuple[str, Cutter]]]:
    cutter = Cutter(server.port)
    listener = StreamServer(("127.0.0.1", 0), cutter.handle)
    listener.start()
    yield lambda: (f"http://127.0.0.1:{listener.server_port}", cutter)
    listener.stop()


def test_a_browser_that_is_cut_off_ten_times_has_the_whole_text_of_one_run(browser: Any, cutter: Any) -> None:
    url, proxy = cutter()
    context = browser.new_context()
    page = context.new_page()
    page.goto(url + "/")
    posted = page.request.post(f"{url}/api/v1/messages", data={"prompt": "hi", "provider": "mock"}).json()
    ask = "provider=mock&prompt=hi"
    seen = page.evaluate(
        COLLECT,
        [
            {"url": f"/chat?sessionId=cut&agent=&{ask}", "delta": "assistant", "text": "content", "ends": "done"},
            {"url": f"/api/chat?thinking=true&{ask}", "delta": "message", "text": "content", "ends": "end"},
            {"url": "/ask/stream?provider=mock&question=hi", "delta": "delta", "text": "content", "ends": "end"},
            {"url": posted["events_url"], "delta": "content_delta", "text": "delta", "ends": "completed"},
        ],
    )
    assert sorted(proxy.cuts.values()) == [EVENTS_CUTS, CUTS, CUTS, CUTS]
    for number, source in enumerate(seen):
        assert source.keys() == {"text", "ids", "opened"} and source["opened"] > EVENTS_CUTS
        seqs = [int(last_id.partition("@")[0]) for last_id in source["ids"]]
        assert seqs == sorted(set(seqs))
        runs = {last_id.partition("@")[2] for last_id in source["ids"]}
        assert len(runs) == 1
        run_id = runs.pop() or posted["id"]
        message = page.request.get(f"{url}/api/v1/messages/{run_id}").json()
        assert source["text"].removeprefix("On it." if number == 0 else "") == message["content"] != ""
        assert message["finish_reason"] == "stop"
    context.close()
