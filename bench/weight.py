"""What a first visit weighs, and how soon the page can be used.

    .venv/bin/python bench/weight.py                    # English and Chinese, seven visits each

Each visit has a browser profile of its own; the server is warm. `usable` is the time from the click on
a link until the page takes a question, `ready` until all around the prompt is there (`data-ready`),
`paint` until the first words are seen, `again` is `usable` for a second visit, which asks for no file.
Bytes are what is sent, compressed, without headers. It names every file that is sent as it is, or that
a browser would ask for again.
"""

import argparse
from statistics import median
from typing import Any

from _page import opened

READY = """() => {
    const look = () => document.documentElement?.dataset.ready === "" ? (window.readyAt = performance.now()) : requestAnimationFrame(look);
    look();
}"""
TIMES = """() => new Promise((resolve) => {
    const told = () => window.readyAt
        ? resolve([performance.getEntriesByName("usable")[0].startTime, window.readyAt,
            performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0])
        : setTimeout(told, 5);
    told();
})"""
SIZES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .map(({ name, startTime, transferSize, encodedBodySize, decodedBodySize }) => [
        name, transferSize && encodedBodySize, decodedBodySize, startTime < performance.getEntriesByName("usable")[0].startTime])"""
COMPRESSED = (".js", ".css", ".svg")


def visit(browser: Any, url: str, locale: str) -> tuple[list[float], list[list[Any]], list[str]]:
    """Times in ms: usable, ready, paint, again; what was fetched; and what is wrong with it."""
    context = browser.new_context(locale=locale, viewport={"width": 1280, "height": 800})
    context.add_init_script(f"({READY})()")
    page = context.new_page()
    wrong: list[str] = []
    page.on("response", lambda response: wrong.extend(faults(response)))
    page.goto(url)
    usable, ready, paint = page.evaluate(TIMES)
    page.wait_for_load_state("networkidle")
    fetched = page.evaluate(SIZES)
    page.goto("about:blank")
    page.goto(url)
    again = page.evaluate(TIMES)[0]
    context.close()
    return [usable, ready, paint, again], fetched, wrong


def faults(response: Any) -> list[str]:
    path, headers = response.url.partition("?")[0], response.headers
    if "/static/" not in path or "if-none-match" in response.request.headers:
        return []
    plain = path.endswith(COMPRESSED) and "content-encoding" not in headers
    kept = "immutable" in headers.get("cache-control", "")
    return [f"{path}: not compressed"] * plain + [f"{path}: not immutable"] * (not kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=7)
    arguments = parser.parse_args()
    with opened("mixed", 1, 200, 0) as bench:
        browser = bench.page.context.browser
        for locale in ("en-US", "zh-CN"):
            visit(browser, bench.url, locale)
            visits = [visit(browser, bench.url, locale) for _ in range(arguments.visits)]
            usable, ready, paint, again = (median(times[at] for times, _, _ in visits) for at in range(4))
            _, fetched, wrong = visits[0]
            sent, whole = (sum(each[at] for each in fetched) for at in (1, 2))
            first = [size for _, size, _, is_first in fetched if is_first]
            print(
                f"{locale}: {sum(first) / 1000:.1f} kB in {len(first)} requests, then usable; in all {sent / 1000:.1f} kB "
                f"in {len(fetched)} ({whole / 1000:.0f} kB unpacked); usable {usable:.0f} ms, ready {ready:.0f} ms, "
                f"paint {paint:.0f} ms, again {again:.0f} ms"
            )
            print("\n".join([*sorted(set(wrong)), *(f"{size / 1000:8.1f} kB  {name.rpartition('/')[2]}" for name, size, *_ in
                                                   sorted(fetched, key=lambda each: -each[1])[:8])]))  # fmt: skip


if __name__ == "__main__":
    main()
