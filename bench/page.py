"""What a long answer costs its reader: the page in Chromium, a real server, and a fake provider.

    .venv/bin/python bench/page.py                                   # 50,000 tokens at 200 a second
    .venv/bin/python bench/page.py --shape list --ahead 40000        # one list, most of it at once
    .venv/bin/python bench/page.py --profile                         # and where the time went

A long task is one that takes more than 50 ms of the page's main thread: while it lasts, nothing
scrolls and no key is taken. What came before the answer's first token is not counted.

    tasks      how many long tasks there were, and the longest
    quarters   the longest of each quarter of the time, in ms: whether the cost grows
    busy       percent of the time that the main thread worked

`--shape` says what the answer is made of: `mixed`, or one block that never ends: `paragraph`,
`list`, `table`, `code`, `marks`, `quote`. With `--ahead` so many tokens come at once, and the rest
at the rate.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from _answers import provider
from _processes import Process
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
CONFIG = '[providers.bench]\ntype = "openai"\nbase_url = "http://127.0.0.1:{port}"\nmodels = ["{shape}"]\n'
TASK = "ThreadControllerImpl::RunTask"
LONG_US = 50_000


def serve(folder: Path, config: str) -> tuple[Process, str]:
    (folder / "chatapp.toml").write_text(config)
    env = os.environ | {
        "CHATAPP_CONFIG": str(folder / "chatapp.toml"),
        "CHATAPP_DATA": str(folder / "var"),
        "PORT": "0",
    }
    env["CHATAPP_LOG_LEVEL"] = "WARNING"
    process = Process([Path(sys.executable).parent / "chatapp", "serve"], min(os.sched_getaffinity(0)), env)
    while "chatapp is ready: " not in (line := process.line()):
        assert line, "the server did not start"
    return process, line.split("chatapp is ready: ")[1].split()[0]


def ask(page: Page, url: str, shape: str) -> None:
    page.goto(url)
    sent = page.request.post(f"{url}/api/v1/messages", data={"provider": "bench", "model": shape, "prompt": "Go on"})
    page.goto(f"{url}/c/{sent.json()['conversation_id']}")
    page.wait_for_selector("[data-content] > *")


class Meter:
    """The page's main thread from now on. It counts the thread's own time, which other processes
    do not lengthen."""

    def __init__(self, page: Page, profiles: bool) -> None:
        self._page = page
        self._cdp = page.context.new_cdp_session(page)
        self._profiles = profiles
        if profiles:
            self._cdp.send("Profiler.enable")
            self._cdp.send("Profiler.setSamplingInterval", {"interval": 1000})
            self._cdp.send("Profiler.start")
        self._began = time.monotonic()
        self._browser = page.context.browser
        assert self._browser
        self._browser.start_tracing(page=page, categories=["toplevel", "blink", "devtools.timeline"])

    def report(self) -> str:
        assert self._browser
        wall_ms = 1000 * (time.monotonic() - self._began)
        events = main_thread(json.loads(self._browser.stop_tracing())["traceEvents"])
        tasks = [event for event in events if event["name"] == TASK]
        start = min(event["ts"] for event in tasks)
        slow = [(event["ts"] - start, event["tdur"] / 1000) for event in tasks if event["tdur"] > LONG_US]
        quarters = [max((ms for at, ms in slow if int(at / 250 / wall_ms) == n), default=0) for n in range(4)]
        busy = sum(event["tdur"] for event in tasks) / 10 / wall_ms
        layout = (
            sum(event["tdur"] for event in events if event["name"] in ("Layout", "UpdateLayoutTree")) / 10 / wall_ms
        )
        return (
            f"{wall_ms / 1000:.0f} s; long tasks: {len(slow)}, longest {max((ms for _, ms in slow), default=0):.0f} ms; "
            f"quarters {' '.join(f'{ms:.0f}' for ms in quarters)}; busy {busy:.0f} %, of it style and layout {layout:.1f}"
            + (f"\n{self._hot()}" if self._profiles else "")
        )

    def _hot(self) -> str:
        profile = self._cdp.send("Profiler.stop")["profile"]
        names = {node["id"]: node["callFrame"] for node in profile["nodes"]}
        spent: Counter[str] = Counter()
        for node, delta in zip(profile["samples"], profile["timeDeltas"], strict=True):
            frame = names[node]
            spent[f"{frame['functionName']} {frame['url'].rpartition('/')[2]}:{frame['lineNumber'] + 1}"] += delta
        return "\n".join(f"{microseconds / 1000:8.0f} ms  {name}" for name, microseconds in spent.most_common(25))


def main_thread(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events, with their own time, of the renderer that worked most."""
    renderers = {(e["pid"], e["tid"]) for e in events if e.get("args", {}).get("name") == "CrRendererMain"}
    spent: Counter[tuple[int, int]] = Counter()
    for event in events:
        if (event["pid"], event["tid"]) in renderers and event["name"] == TASK:
            spent[event["pid"], event["tid"]] += event.get("tdur", 0)
    [(most, _)] = spent.most_common(1)
    return [event for event in events if (event["pid"], event["tid"]) == most and "tdur" in event]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=200.0, help="tokens a second")
    parser.add_argument("--ahead", type=int, default=0, help="tokens that come at once")
    parser.add_argument("--shape", default="mixed")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        upstream = provider(arguments.shape, arguments.tokens, arguments.rate, arguments.ahead)
        process, url = serve(Path(folder), CONFIG.format(port=upstream.server_port, shape=arguments.shape))
        with process:
            browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
            page = browser.new_page()
            ask(page, url, arguments.shape)
            meter = Meter(page, arguments.profile)
            page.wait_for_selector('[data-role=assistant][data-status="done"]', timeout=600_000)
            page.wait_for_timeout(500)  # what the end costs
            print(f"{arguments.shape}: {meter.report()}")
            browser.close()


if __name__ == "__main__":
    main()
