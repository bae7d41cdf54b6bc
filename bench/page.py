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
from pathlib import Path

from _answers import SHAPES
from _page import Bench, Watch, opened
from _profiler import Profiler

PEER = Path(__file__).parent / "peers/page.html"


def stream(bench: Bench, peer: bool, profile: bool) -> str:
    sent = bench.ask()
    if peer:
        bench.page.route("**/peer", lambda route: route.fulfill(path=PEER, content_type="text/html"))
        bench.page.goto(f"{bench.url}/peer#{sent['events_url']}")
    else:
        bench.page.goto(f"{bench.url}/c/{sent['conversation_id']}")
    bench.page.wait_for_selector("[data-content] > *")
    profiler = Profiler(bench.page) if profile else None
    watch = Watch(bench.page)
    bench.until_done()
    bench.until_drawn()
    watch.end()
    told = f"\n{profiler.report()}" if profiler else ""
    return f"{watch.kept()}{told}"


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
