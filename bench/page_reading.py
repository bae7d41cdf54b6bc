"""What a reader of long answers does, and what it costs: opens them, scrolls, selects, replays.

    .venv/bin/python bench/page_reading.py                       # of 50,000 tokens, and of 100 answers
    .venv/bin/python bench/page_reading.py --shape table
    .venv/bin/python bench/page_reading.py --profile                # and where the time went

The figures are those of page.py, behind the time that it took until all of the text stood there; the
end of a conversation is there first.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

from _answers import SHAPES
from _page import Bench, Watch, opened
from _profiler import Profiler
from playwright.sync_api import Page

MANY, SHORT = 100, 400
STREAMED = 6000  # tokens that come at the rate, behind the others
LOOKED_S = 0.6  # for so long `until_drawn` looks whether more comes
SELECT = """() => {
    const words = [...document.querySelectorAll("[data-content] > p")].at(-3).firstChild;
    getSelection().setBaseAndExtent(words, 0, words, Math.min(40, words.length));
    return String(getSelection());
}"""
# A function: the page's policy takes no text for a program.
CAUGHT_UP = "characters => document.querySelector('[data-content]')?.textContent.length > characters"
MOVE = """(part) => {
    const slider = document.querySelector("[data-replay-position]");
    slider.value = slider.max * part;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
}"""


def watched(
    bench: Bench, name: str, act: Callable[[], object], begins: bool = False, until: Callable[[], object] | None = None
) -> None:
    profiler = Profiler(bench.page, begins) if bench.profiles else None
    watch = Watch(bench.page, begins)
    began = time.monotonic()
    act()
    (until or bench.until_drawn)()
    drawn = time.monotonic() - began - (0 if until else LOOKED_S)
    watch.end()
    told = f"\n{profiler.report()}" if profiler else ""
    print(f"{name}: {drawn:.1f} s; {watch.kept()}{told}", flush=True)


def opening(bench: Bench, name: str, conversation: str) -> None:
    page = bench.page
    page.goto("about:blank")
    page.goto(f"{bench.url}/c/{conversation}", wait_until="commit")
    watched(bench, name, lambda: page.wait_for_selector("html[data-ready]"), begins=True)


def reading(bench: Bench, tokens: int) -> None:
    page = bench.page
    ahead = tokens - STREAMED
    bench.provider.tokens, bench.provider.ahead = tokens, ahead
    sent = bench.ask()

    def until_caught_up() -> None:
        page.wait_for_function(CAUGHT_UP, arg=ahead * 4)

    page.goto(f"{bench.url}/c/{sent['conversation_id']}", wait_until="commit")
    until_caught_up()
    page.mouse.move(700, 300)
    watched(bench, "scroll up while it streams", lambda: wheel(page, 20), until=lambda: None)
    page.reload(wait_until="commit")
    watched(bench, "reload while it streams", lambda: None, begins=True, until=until_caught_up)
    selected = page.evaluate(SELECT)
    bench.until_done()
    assert selected and page.evaluate("String(getSelection())") == selected, "the selection was lost"
    print("what was selected while it streamed is selected still", flush=True)
    opening(bench, "open it", sent["conversation_id"])
    watched(bench, "from one end to the other", lambda: jump(page, 40))
    page.locator("[data-replay]").last.click()
    page.locator("[data-replay-play]").click()
    for part in (0.9, 0.3, 0.6):
        watched(bench, f"replay, at {part:.0%}", partial(move, bench, part))
    watched(bench, "close the replay", lambda: page.locator("[data-replay-close]").click())


def wheel(page: Page, times: int) -> None:
    for _ in range(times):
        page.mouse.wheel(0, -900)
        page.wait_for_timeout(100)


def jump(page: Page, times: int) -> None:
    for at in range(times):
        page.evaluate("at => document.querySelector('[data-scroller]').scrollTop = at * 1e9", at % 2)
        page.wait_for_timeout(50)


def move(bench: Bench, part: float) -> None:
    """The slider of the replay, and until what belongs there has begun to come."""
    bench.page.evaluate(MOVE, part)
    bench.page.wait_for_timeout(1000)


def many(bench: Bench) -> None:
    bench.provider.tokens = bench.provider.ahead = SHORT
    sent = bench.ask()
    for _ in range(MANY):
        while bench.page.request.get(f"{bench.url}/api/v1/messages/{sent['id']}").json()["status"] == "running":
            pass
        sent = bench.ask(sent["conversation_id"])
    opening(bench, f"open {MANY} answers", sent["conversation_id"])
    page = bench.page
    page.mouse.move(700, 300)  # the wheel turns what is below the mouse
    watched(bench, "scroll up to the first", lambda: up(page))


def up(page: Page) -> None:
    while page.locator("[data-older]:visible").count():
        page.mouse.wheel(0, -3000)
        page.wait_for_timeout(50)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=50_000)
    parser.add_argument("--shape", default="mixed", choices=SHAPES)
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    with opened(arguments.shape, arguments.tokens, 200, 0) as bench:
        bench.profiles = arguments.profile
        many(bench)
        reading(bench, arguments.tokens)


if __name__ == "__main__":
    main()
