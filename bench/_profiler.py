"""What kept a page's main thread busy, by the thread's own clock: what else the machine does is not in it."""

import json
from collections import Counter
from typing import Any

from playwright.sync_api import Page

TASK = "ThreadControllerImpl::RunTask"
LONG_US = 50_000
PARTS = ("FunctionCall", "EvaluateScript", "UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize", "Commit",
         "ParseHTML", "MajorGC", "MinorGC", "EventDispatch", "TimerFire", "FireAnimationFrame", "HitTest")  # fmt: skip


class Profiler:
    """Says what long tasks were made of, and which functions took the time; not of a page that is
    loaded meanwhile, whose process may be another."""

    def __init__(self, page: Page, loads: bool = False) -> None:
        self._cdp = None if loads else page.context.new_cdp_session(page)
        if self._cdp:
            self._cdp.send("Profiler.enable")
            self._cdp.send("Profiler.setSamplingInterval", {"interval": 1000})
            self._cdp.send("Profiler.start")
        assert page.context.browser
        self._browser = page.context.browser
        self._browser.start_tracing(page=page, categories=["toplevel", "devtools.timeline", "v8"])

    def report(self) -> str:
        events = main_thread(json.loads(self._browser.stop_tracing())["traceEvents"])
        tasks = [each for each in events if each["name"] == TASK and each["tdur"] > LONG_US]
        told = [f"{task['tdur'] / 1000:8.0f} ms  {inside(task, events)}" for task in tasks]
        total = f"by the thread's own clock: long tasks {len(tasks)}, longest {max((t['tdur'] for t in tasks), default=0) / 1000:.0f} ms"
        return "\n".join([total, *told, *self._hot()])

    def _hot(self) -> list[str]:
        if self._cdp is None:
            return []
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
