"""A real server in a process of its own, and a driver that talks to it as a client would."""

import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from waiting import START_S, soon

from chatapp.wire.frames import ServerEvent, SSEDecoder

READY = "chatapp is ready: "
# The first is the same browser without windows of its own: a page takes less than half the time of the processor.
CHROMIUM = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)
TERMINAL = ("completed", "done", "error")


class Stream:
    """A streamed response, event by event. `events` is what has arrived so far; `data` the bytes."""

    def __init__(self, response: requests.Response) -> None:
        self.response = response
        self.status = response.status_code
        self.headers = response.headers
        self.events: list[ServerEvent] = []
        self.data = b""
        self._decoder = SSEDecoder()
        self._unseen: deque[ServerEvent] = deque()  # that came in one piece with an event that was wanted

    def __iter__(self) -> Iterator[ServerEvent]:
        while True:
            while self._unseen:
                yield self._unseen.popleft()
            if not (piece := self.response.raw.read1(65_536)):
                return
            self.data += piece
            events = self._decoder.feed(piece)
            self.events += events
            self._unseen += events

    def until(self, wanted: Callable[[ServerEvent], bool]) -> ServerEvent:
        """Read on to the first event that is wanted."""
        for event in self:
            if wanted(event):
                return event
        raise AssertionError(f"the stream ended without it: {self.events}")

    def to_end(self) -> list[ServerEvent]:
        for _ in self:
            pass
        return self.events

    def close(self) -> None:
        """Close the connection, as a client does that goes away."""
        self.response.raw._fp.close()
        self.response.close()


class Client:
    """One client of the server; `cookies` make it a browser."""

    def __init__(self, url: str, cookies: dict[str, str] | None = None) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.cookies.update(cookies or {})

    def request(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=60, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.request("GET", path, **more)

    def json(self, path: str) -> Any:
        response = self.get(path)
        assert response.ok, response.text
        return response.json()

    def post(self, path: str, body: object, **more: Any) -> requests.Response:
        return self.request("POST", path, json=body, **more)

    def stream(self, method: str, path: str, **more: Any) -> Stream:
        return Stream(self.request(method, path, stream=True, **more))

    def send(self, prompt: str, **fields: Any) -> dict[str, Any]:
        """POST a message; the 202's body."""
        response = self.post("/api/v1/messages", {"prompt": prompt, "provider": "mock", **fields})
        assert response.status_code == 202, response.text
        body: dict[str, Any] = response.json()
        return body

    def follow(self, run_id: str, after: int | None = None, dialect: str = "message") -> Stream:
        headers = {} if after is None else {"Last-Event-ID": str(after)}
        return self.stream("GET", f"/api/v1/messages/{run_id}/events?dialect={dialect}", headers=headers)


class Server:
    """`chatapp serve` in a process group of its own; `start` again after `kill` serves the same data."""

    def __init__(self, data: Path, **env: str) -> None:
        self.data = data
        self.env = env
        self.url = ""
        self.output = data.parent / f"{data.name}.output"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, port: int = 0) -> "Server":
        command = [str(Path(sys.executable).parent / "chatapp"), "serve"]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
        env = {**inherited, "PORT": str(port), "CHATAPP_DATA": str(self.data), "PYTHONUNBUFFERED": "1", **self.env}
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                command, env=env, cwd=self.data.parent, stdout=output, stderr=output, start_new_session=True
            )
        self.url = soon(self._ready_url, within=START_S, failure=lambda: f"not ready: {self.log()}")
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def client(self, browser: bool = False) -> Client:
        """`browser`: with a cookie of its own, as the page gives one."""
        client = Client(self.url)
        if browser:
            assert client.get("/").ok
        return client

    def kill(self) -> None:
        """kill -9, master and workers at once, as a power cut would."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.wait(10)

    def terminate(self) -> None:
        """SIGTERM to the master, as systemd sends it; does not wait."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float = 60) -> int:
        assert self._process is not None
        code = self._process.wait(seconds)
        self._forget_url()
        return code

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.terminate()
            try:
                self.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def log(self) -> str:
        return self.output.read_text() if self.output.exists() else ""

    def _forget_url(self) -> None:
        self.output.write_text(self.log().replace(READY, "was ready: "))

    def _ready_url(self) -> str:
        assert self._process is not None
        assert self._process.poll() is None, f"the server did not start: {self.log()}"
        _, found, rest = self.log().partition(READY)
        return rest.split()[0] if found else ""


@contextmanager
def running(data: Path, **env: str) -> Iterator[Server]:
    server = Server(data, **env).start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that only talk to it."""
    with running(tmp_path_factory.mktemp("server") / "var", CHATAPP_HEARTBEAT_S="1") as shared:
        yield shared


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Servers of the test's own, to be killed and started as it likes: `own_server(CHATAPP_DRAIN_S="1")`."""
    yield from starter(tmp_path)


@pytest.fixture(scope="module")
def module_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """The same, kept for all tests of a file."""
    yield from starter(tmp_path_factory.mktemp("module"))


def starter(folder: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(**env: str) -> Server:
        server = Server(folder / f"var{len(started)}", **env)
        started.append(server)
        return server.start()

    yield start
    for server in started:
        server.kill()  # quicker than a drain, which waits for connections that are kept alive


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[..., Any]]:
    """A browser with these arguments: `launch("--lang=de")`."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium-headless-shell, or chromium")
    # Chromium refuses its sandbox to root, which a container's tests often are.
    always = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as running:
        yield lambda *arguments: running.chromium.launch(executable_path=CHROMIUM, args=[*always, *arguments])


@pytest.fixture(scope="session")
def browser(launch: Callable[..., Any]) -> Iterator[Any]:
    """The one that all tests of this process open their pages in."""
    with launch() as opened:
        yield opened
