"""The example of examples/admin, as its README starts it, and somebody at its page."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from servers import free_port
from waiting import START_S, soon

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "admin"


class Host:
    def __init__(self, data: Path, **env: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        own = {"PORT": self.url.rpartition(":")[2], "CHATAPP_DATA": str(data), "WEB_CONCURRENCY": "2"}
        self._env = {**os.environ, **own, "CHATAPP_DEFAULT_PROVIDER": "mock", "PYTHONPATH": str(ROOT), **env}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Host":
        self._process = subprocess.Popen([sys.executable, EXAMPLE / "app.py"], env=self._env, start_new_session=True)
        soon(self._answers, within=START_S)
        return self

    def stop(self) -> int:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    @contextmanager
    def signed_in(self, name: str) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url) as client:
            assert client.post("/login", data={"name": name, "password": name}).status_code == 302
            yield client

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/login").status_code == 200
        except httpx.TransportError:
            return False


class Desk:
    """Somebody who has signed in, at the page of the orders."""

    def __init__(self, page: Any, host: Host, name: str) -> None:
        self.page = page
        self.problems: list[str] = []
        page.set_default_timeout(20_000)
        page.on("console", lambda said: said.type in ("error", "warning") and self.problems.append(said.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(f"{host.url}/login")
        page.fill("[name=name]", name)
        page.fill("[name=password]", name)
        page.click("button")
        self.ready()

    def ready(self) -> None:
        self.hook("picker").and_(self.page.locator(":enabled")).first.wait_for()

    def hook(self, name: str) -> Any:
        return self.page.locator(f"chatapp-chat [data-{name}]")

    def choose(self, model: str) -> None:
        """Of the chat in the page, or of the whole page."""
        self.page.locator("[data-picker]").first.click()
        self.page.locator(f'[data-option=\'{{"provider":"mock","model":"{model}"}}\']').last.click()

    def ask(self, prompt: str) -> None:
        self.choose("tools")
        self.hook("prompt").fill(prompt)
        self.hook("prompt").press("Enter")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("embedding"), CHATAPP_ASK_TOOLS="query_orders").start()
    yield host
    assert host.stop() == 0


@pytest.fixture
def desk(browser: Any, host: Host) -> Iterator[Any]:
    desks: list[Desk] = []

    def enter(name: str, **options: Any) -> Desk:
        desks.append(Desk(browser.new_context(**options).new_page(), host, name))
        return desks[-1]

    yield enter
    for each in desks:
        each.page.context.close()
    assert [problem for each in desks for problem in each.problems] == []
