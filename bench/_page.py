"""The page in Chromium, with a server and a fake provider, and what its main thread is kept busy by."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

from _answers import provider
from _processes import Process
from playwright.sync_api import Page, sync_playwright

CONFIG = '[providers.bench]\ntype = "openai"\nbase_url = "http://127.0.0.1:{port}"\nmodels = ["{shape}"]\n'
CHROMIUM = "/usr/bin/chromium"
TICKS = os.sysconf("SC_CLK_TCK")
# Long tasks as browsers tell of them, and the time of each frame.
WATCH = """() => {
    window.watched = { tasks: [], frames: [] };
    const add = (list) => list.getEntries().forEach(({ startTime, duration }) => watched.tasks.push([startTime, duration]));
    new PerformanceObserver(add).observe({ type: "longtask" });
    const frame = (at) => (watched.frames.push(at), requestAnimationFrame(frame));
    requestAnimationFrame(frame);
}"""


class Kept(NamedTuple):
    """How the main thread was kept busy. Times are in ms, by the clock on the wall."""

    seconds: float
    tasks: list[float]
    frames: list[float]
    busy: float
    heap_mb: float
    pss_mb: float

    def __str__(self) -> str:
        cuts = quantiles(self.frames, n=100) if len(self.frames) > 1 else [0.0] * 99
        return (
            f"{self.seconds:.0f} s; long tasks {len(self.tasks)}, longest {max(self.tasks, default=0):.0f} ms; "
            f"frames p99 {cuts[98]:.0f}, longest {max(self.frames, default=0):.0f} ms; busy {self.busy:.0f} %; "
            f"heap {self.heap_mb:.0f} MB, process {self.pss_mb:.0f} MB"
        )


class Watch:
    """From now on, or from the page's beginning, until `kept`: long tasks, frames, and the CPU time
    of the page's main thread."""

    def __init__(self, page: Page, begins: bool = False) -> None:
        self._page = page
        self._from = 0.0 if begins else page.evaluate("performance.now()")
        self._began, self._cpu = time.monotonic(), renderers(page)

    def end(self) -> "Watch":
        self._seconds = time.monotonic() - self._began
        used = {pid: cpu - self._cpu.get(pid, 0.0) for pid, cpu in renderers(self._page).items()}
        self._pid = max(used, key=lambda pid: used[pid])
        self._used = used[self._pid]
        self._seen = self._page.evaluate("() => watched")
        return self

    def kept(self) -> Kept:
        """What was seen up to `end`; memory is that of now, without what is garbage."""
        seconds, seen = self._seconds, self._seen
        tasks = [ms for at, ms in seen["tasks"] if at >= self._from]
        frames = [after - before for before, after in pairwise(seen["frames"]) if before >= self._from]
        cdp = self._page.context.new_cdp_session(self._page)
        cdp.send("HeapProfiler.collectGarbage")
        heap = self._page.evaluate("performance.memory.usedJSHeapSize")
        return Kept(seconds, tasks, frames, 100 * self._used / seconds, heap / 1e6, pss_kib(self._pid) / 1024)


def renderers(page: Page) -> dict[int, float]:
    """The browser's processes for pages, with the seconds that their main threads have worked."""
    assert page.context.browser
    told = page.context.browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return {each["id"]: cpu_s(each["id"]) for each in told if each["type"] == "renderer"}


def cpu_s(pid: int) -> float:
    """Of its main thread."""
    used = Path(f"/proc/{pid}/task/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(used[11]) + int(used[12])) / TICKS


def pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


class Bench:
    """`provider` has `shape`, `tokens`, `rate` and `ahead`, which hold for the next question."""

    def __init__(self, page: Page, url: str, provider: Any) -> None:
        self.page, self.url, self.provider = page, url, provider
        self.profiles = False

    def ask(self, conversation: str | None = None) -> dict[str, Any]:
        """Sends a question; the answer's id, its conversation's, and where its events are."""
        body = {"provider": "bench", "model": self.provider.shape, "prompt": "Go on"}
        if conversation:
            body["conversation_id"] = conversation
        sent: dict[str, Any] = self.page.request.post(f"{self.url}/api/v1/messages", data=body).json()
        return sent

    def until_done(self, seconds: float = 600) -> None:
        self.page.wait_for_selector('[data-role=assistant]:last-child[data-status="done"]', timeout=1000 * seconds)

    def until_drawn(self) -> None:
        """Until nothing more is added to the text."""
        self.page.evaluate(
            """async () => {
                const length = () => document.querySelector("[data-thread]").textContent.length;
                for (let before = -1, same = 0; same < 5; before = length()) {
                    await new Promise((resolve) => setTimeout(resolve, 100));
                    same = length() === before ? same + 1 : 0;
                }
            }"""
        )


@contextmanager
def opened(shape: str, tokens: int, rate: float, ahead: int, locale: str = "en") -> Iterator[Bench]:
    """A browser with an empty page, and a server that asks a provider like this."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        upstream = provider(shape, tokens, rate, ahead)
        process, url = serve(Path(folder), CONFIG.format(port=upstream.server_port, shape=shape))
        with process:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_context(locale=locale, viewport={"width": 1280, "height": 800}).new_page()
            page.add_init_script(f"({WATCH})()")
            page.goto(url)
            yield Bench(page, url, upstream)
            browser.close()


def serve(folder: Path, config: str) -> tuple[Process, str]:
    (folder / "chatapp.toml").write_text(config)
    env = os.environ | {
        "CHATAPP_CONFIG": str(folder / "chatapp.toml"),
        "CHATAPP_DATA": str(folder / "var"),
        "CHATAPP_LOG_LEVEL": "WARNING",
        "PORT": "0",
    }
    process = Process([Path(sys.executable).parent / "chatapp", "serve"], min(os.sched_getaffinity(0)), env)
    while "chatapp is ready: " not in (line := process.line()):
        assert line, "the server did not start"
    return process, line.split("chatapp is ready: ")[1].split()[0]
