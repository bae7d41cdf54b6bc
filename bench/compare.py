"""The product beside its peers: what people would pick, Go, and nginx as the floor. Linux only.

    make bench                                            # five minutes; writes docs/performance.md
    .venv/bin/python bench/compare.py --rounds 3 --seconds 10 --write docs/performance.md

A peer that is missing is named and left out. A row of a paced load with less than 98 % of the events delivered is
marked: that server was overloaded, or the machine busy, and its figures do not count. Each figure is a median of the
rounds, with the spread of the CPU (highest less lowest, as a share of the median); only ratios within one run count.
With --write the table and a plot beside the file replace those of the last run, between its marks, after each load.
"""

import argparse
import platform
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from _peers import VENV, Server, servers
from streams import measure

BEGIN, END = "<!-- compare -->", "<!-- /compare -->"


class Load(NamedTuple):
    """`many`: only for servers that are measured with many streams. `paced`: the life of a chat server."""

    name: str
    streams: int
    pace_ms: float
    many: bool = False
    paced: bool = False

    def suits(self, server: Server) -> bool:
        return (server.many or not self.many) and (self.paced or not server.paced)


HELD = 98  # percent of the events; with less, new streams starve
LOADS = (
    Load("flat out, 32 streams", 32, 0),
    Load("paced, 200 streams at 20 ms", 200, 20, paced=True),
    Load("held, 1000 streams at 50 ms", 1000, 50, many=True),
    Load("idle, 300 streams at 5 s", 300, 5000, many=True),
)


class Row(NamedTuple):
    server: str
    load: Load
    cpu_us: float
    spread: float
    delivered: float
    first_p99_ms: float
    added_p50_ms: float
    added_p99_ms: float
    kib: float


def main() -> None:
    asked = _arguments()
    rows: list[Row] = []
    with servers() as measured:
        for load in LOADS:
            rows += [row for server in measured if load.suits(server) and (row := _row(server, load, asked))]
            text = "\n".join(_table(rows, asked.rounds))
            if asked.write:
                _write(asked.write, text, rows)
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The product beside its peers.")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--write", type=Path, help="a Markdown file")
    return parser.parse_args()


def _row(server: Server, load: Load, asked: argparse.Namespace) -> Row | None:
    """None for a server that does not hold the load, which is said on stderr."""
    how = argparse.Namespace(
        pace_ms=load.pace_ms,
        seconds=asked.seconds,
        command=server.command,
        provider=server.provider,
        path=server.path,
    )
    try:
        rounds = [measure(load.streams, server.log, how) for _ in range(asked.rounds)]
    except SystemExit as refused:
        print(f"{server.name}, {load.name}: {refused}", file=sys.stderr)
        return None
    cpu = [figures[0] for figures in rounds]
    _, delivered, _, first_p99, added_p50, added_p99, kib, *_ = (median(column) for column in zip(*rounds, strict=True))
    spread = (max(cpu) - min(cpu)) / (median(cpu) or 1)
    print(f"{server.name}, {load.name}: {median(cpu):.1f} µs", file=sys.stderr)
    return Row(server.name, load, median(cpu), spread, delivered, first_p99, added_p50, added_p99, kib)


def _table(rows: list[Row], rounds: int) -> Iterator[str]:
    yield textwrap.fill(f"`{' '.join(['bench/compare.py', *sys.argv[1:]])}`: {_rounds(rounds)}. {_machine()}.", 100)
    for load in _measured(rows):
        measured = [row for row in rows if row.load == load]
        peer = next((row.cpu_us for row in measured if row.server.startswith("FastAPI")), None)
        yield from (
            "",
            f"| {load.name} | µs CPU an event | of FastAPI | spread | delivered | first, p99 | added | KiB |",
        )
        yield "|---|---|---|---|---|---|---|---|"
        for row in measured:
            share = f"{row.cpu_us / peer:.2f}" if peer else ""
            events = (
                f"{row.cpu_us:.1f}",
                share,
                f"{row.spread:.0%}" if rounds > 1 else "",
                f"{row.delivered:.0f} %" + ("" if row.delivered >= HELD else " (overloaded)"),
            )
            added = f"{row.added_p50_ms:.1f} / {row.added_p99_ms:.1f} ms"
            idle = load.name.startswith("idle")
            cells = [row.server, *((" ",) * 4 if idle else events), f"{row.first_p99_ms:.1f} ms", "" if idle else added]
            yield f"| {' | '.join(cells)} | {row.kib:.0f} |"


def _rounds(rounds: int) -> str:
    return "one round, so nothing is known of its spread" if rounds == 1 else f"medians of {rounds} rounds"


def _measured(rows: list[Row]) -> list[Load]:
    return list(dict.fromkeys(row.load for row in rows))


def _machine() -> str:
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ":")
    versions = [
        f"Linux {platform.release().partition('-')[0]}",
        cpu.partition(": ")[2],
        f"Python {platform.python_version()}",
    ]
    tools: dict[str, Callable[[], list[str]]] = {
        "fastapi httpx": lambda: [str(VENV / "peers" / "bin" / "pip"), "freeze"],
        "go": lambda: ["go", "version"],
    }
    for wanted, command in tools.items():
        if shutil.which(command()[0]):
            output = subprocess.run(command(), capture_output=True, text=True, check=True).stdout.split("\n")
            versions += [line for line in output if line.split("=")[0].split(" ")[0] in wanted.split()]
    return ", ".join(versions)


def _write(path: Path, text: str, rows: list[Row]) -> None:
    page = path.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    plot = path.with_name("performance.svg")
    plot.write_text(_plot(rows), "utf-8")
    image = f"![CPU of an event]({plot.name})"
    path.write_text(f"{before}{BEGIN}\n{text}\n\n{image}\n{END}{after or chr(10)}", "utf-8")


def _plot(rows: list[Row]) -> str:
    """Bars of the CPU of an event, each load in its own scale."""
    lines, y = [], 20
    for load in _measured(rows):
        if load.name.startswith("idle"):
            continue
        measured = [row for row in rows if row.load == load]
        most = max(row.cpu_us for row in measured)
        lines.append(f'<text x="8" y="{y}" font-weight="bold">{load.name}: µs of CPU an event</text>')
        for row in measured:
            y += 22
            width = 380 * row.cpu_us / most
            lines.append(f'<text x="8" y="{y}">{row.server}</text>')
            lines.append(f'<rect x="220" y="{y - 12}" width="{width:.0f}" height="15" fill="#4878a8"/>')
            lines.append(f'<text x="{226 + width:.0f}" y="{y}">{row.cpu_us:.1f}</text>')
        y += 36
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="670" height="{y - 16}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, *lines, "</svg>", ""])


if __name__ == "__main__":
    main()
