"""What a long answer costs its reader: the page in Chromium, a real server, and a fake provider.

    .venv/bin/python bench/page.py                                   # 50,000 tokens at 200 a second
    .venv/bin/python bench/page.py --shape list --ahead 46000        # one list, most of it at once
    .venv/bin/python bench/page.py --peer --ahead 46000              # a page that parses all of it
    .venv/bin/python bench/page.py --profile                         # and where the time went

A long task is one that keeps the page's main thread busy for more than 50 ms: while it lasts, nothing
scrolls and no key is taken. What came before the answer's first token is not counted.

    long tasks   how many there were, and the longest
    frames       the time from one frame to the next; 17 ms is as good as it gets
    busy         percent of one core that the main thread took

`--shape` says what the answer is made of: `mixed`, or one block that never ends, or one kind of
block alone (see `SHAPES` in `_answers.py`); several are measured one after the other. With
`--ahead` so many tokens come at once, and the rest at the rate.
"""

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from _answers import SHAPES
from _page import Bench, Watch, opened

PEER = Path(__file__).parent / "peers/page.html"
TASK = "ThreadControllerImpl::RunTask"
LONG_US = 50_000
PARTS = ("FunctionCall", "EvaluateScript", "UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "Commit",
         "ParseHTML", "MajorGC", "MinorGC", "EventDispatch", "TimerFire", "FireAnimationFrame", "HitTest")  # fmt: skip


def stream(bench: Bench, peer: bool, profile: bool) -> str:
    sent = bench.ask()
    if peer:
        bench.page.route("**/peer", lambda route: route.fulfill(path=PEER, content_type="text/html"))
        bench.page.goto(f"{bench.url}/peer#{sent['events_url']}")
    else:
        bench.page.goto(f"{bench.url}/c/{sent['conversation_id']}")
    bench.page.wait_for_selector("[data-content] > *")
    profiler = Profiler(bench) if profile else None
    watch = Watch(bench.page)
    bench.until_done()
    bench.page.wait_for_timeout(500)  # what the end costs
    return f"{watch.kept()}" + (f"\n{profiler.report()}" if profiler else "")


class Profiler:
    """Names the functions that took the time, and what long tasks were made of."""

    def __init__(self, bench: Bench) -> None:
        self._cdp = bench.page.context.new_cdp_session(bench.page)
        self._cdp.send("Profiler.enable")
        self._cdp.send("Profiler.setSamplingInterval", {"interval": 1000})
        self._cdp.send("Profiler.start")
        assert bench.page.context.browser
        self._browser = bench.page.context.browser
        self._browser.start_tracing(page=bench.page, categories=["toplevel", "devtools.timeline", "v8"])

    def report(self) -> str:
        events = main_thread(json.loads(self._browser.stop_tracing())["traceEvents"])
        tasks = [each for each in events if each["name"] == TASK and each["tdur"] > LONG_US]
        told = [f"{task['tdur'] / 1000:8.0f} ms  {inside(task, events)}" for task in tasks]
        total = f"by the thread's own clock: long tasks {len(tasks)}, longest {max((t['tdur'] for t in tasks), default=0) / 1000:.0f} ms"
        return "\n".join([total, *told, *self._hot()])

    def _hot(self) -> list[str]:
        profile = self._cdp.send("Profiler.stop")["profile"]
        names = {node["id"]: node["callFrame"] for node in profile["nodes"]}
        spent: Counter[str] = Counter()
        for node, delta in zip(profile["samples"], profile["timeDeltas"], strict=True):
            frame = names[node]
            spent[f"{frame['functionName']} {frame['url'].rpartition('/')[2]}:{frame['lineNumber'] + 1}"] += delta
        return [f"{microseconds / 1000:8.0f} ms  {name}" for name, microseconds in spent.most_common(25)]


def inside(task: dict[str, Any], events: list[dict[str, Any]]) -> str:
    spent: Counter[str] = Counter()
    for event in events:
        if event["name"] in PARTS and task["ts"] <= event["ts"] < task["ts"] + task["dur"]:
            spent[event["name"]] += event["tdur"]
    return ", ".join(f"{name} {microseconds / 1000:.0f}" for name, microseconds in spent.most_common(6))


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
    parser.add_argument("--shape", nargs="+", default=["mixed"], choices=["all", *SHAPES])
    parser.add_argument("--peer", action="store_true", help="instead of ours, a page that parses all of it each time")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    for shape in SHAPES if "all" in arguments.shape else arguments.shape:
        with opened(shape, arguments.tokens, arguments.rate, arguments.ahead) as bench:
            print(f"{shape}: {stream(bench, arguments.peer, arguments.profile)}", flush=True)


if __name__ == "__main__":
    main()
