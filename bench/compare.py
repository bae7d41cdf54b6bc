"""The product beside its peers: what people would pick, Go, and nginx as the floor. Linux only.

    make bench                                            # five minutes; writes docs/performance.md
    .venv/bin/python bench/compare.py --rounds 3 --seconds 9 --write docs/performance.md

Then come replies of several lengths, one after the other (lengths.py). A peer that is missing is named and left out. A row of a paced load with less than 98 % of the events delivered is
marked: that server was overloaded, or the machine busy, and its figures do not count. A round is a fresh server. The
CPU of an event is the median of all windows of all rounds, with the spread of these (highest less lowest, as a share
of the median); all else is a median of the rounds. Only ratios within one run count. With --write the table and a plot
beside the file replace those of the last run, between its marks, after each load.
"""

import argparse
import platform
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import NamedTuple

from _load import MESSAGES
from _peers import VENV, Server, servers
from lengths import LENGTHS, TIMES, costs
from streams import Figures, measure, medians

BEGIN, END = "<!-- compare -->", "<!-- /compare -->"


class Load(NamedTuple):
    """`servers`: all; `light` ones; those that are measured with `many` streams; or the product's two logs, `ours`,
    of which one run has all streams as viewers."""

    name: str
    streams: int
    pace_ms: float
    servers: str = "light"

    def suits(self, server: Server) -> bool:
        ours = server.many and server.command is None
        return {"all": True, "light": not server.heavy, "many": server.many, "ours": ours}[self.servers]


HELD = 98  # percent of the events; with less, new streams starve
FEW, MANY = "few, 10 streams at 50 ms", "held, 1000 streams at 50 ms"
LOADS = (
    Load("flat out, 32 streams", 32, 0),
    Load("paced, 100 streams at 20 ms", 100, 20, "all"),
    Load("paced, 200 streams at 20 ms", 200, 20),
    Load(FEW, 10, 50, "many"),
    Load(MANY, 1000, 50, "many"),
    Load("idle, 300 streams at 5 s", 300, 5000, "many"),
    Load("viewers, 100 of one run at 20 ms", 100, 20, "ours"),
)


class Row(NamedTuple):
    server: str
    load: Load
    figures: Figures

    @property
    def spread(self) -> float:
        windows = self.figures.windows_us
        return (max(windows) - min(windows)) / (self.figures.cpu_us or 1)


def main() -> None:
    asked = _arguments()
    rows: list[Row] = []
    with servers() as measured:
        for load in (load for load in LOADS if load.name.startswith(tuple(asked.loads))):
            rows += [row for server in measured if load.suits(server) and (row := _row(server, load, asked))]
            text = "\n".join(_report(rows, asked))
            if asked.write:
                _write(asked.write, text, rows)
        if "lengths".startswith(tuple(asked.loads)):
            text = "\n".join([text, *_lengths(server for server in measured if server.many)])
            if asked.write:
                _write(asked.write, text, rows)
    print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The product beside its peers.")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--windows", type=int, default=3, help="into which the seconds are divided")
    parser.add_argument("--loads", nargs="+", default=[""], help="only those whose names begin so; `lengths`")
    parser.add_argument("--write", type=Path, help="a Markdown file")
    return parser.parse_args()


def _row(server: Server, load: Load, asked: argparse.Namespace) -> Row | None:
    """None for a server that does not hold the load, which is said on stderr."""
    how = argparse.Namespace(
        pace_ms=load.pace_ms,
        seconds=asked.seconds,
        windows=asked.windows,
        command=server.command,
        provider=server.provider,
        path=MESSAGES if load.servers == "ours" else server.path,
    )
    try:
        figures = medians([measure(load.streams, server.log, how) for _ in range(asked.rounds)])
    except SystemExit as refused:
        print(f"{server.name}, {load.name}: {refused}", file=sys.stderr)
        return None
    print(f"{server.name}, {load.name}: {figures.cpu_us:.1f} µs", file=sys.stderr)
    return Row(server.name, load, figures)


def _report(rows: list[Row], asked: argparse.Namespace) -> Iterator[str]:
    rounds = f"{asked.rounds} round{'s' * (asked.rounds > 1)} of {asked.seconds:g} s in {asked.windows} windows"
    command = " ".join(["bench/compare.py", *sys.argv[1:]])
    yield textwrap.fill(f"`{command}`: {rounds}. {_machine()}.", 100)
    for load in _measured(rows):
        yield from ("", *_table([row for row in rows if row.load == load]))
    yield from _growth(rows)


def _table(rows: list[Row]) -> Iterator[str]:
    columns = (
        "µs an event",
        "of FastAPI",
        "spread",
        "delivered",
        "first, p99",
        "added",
        "hub",
        "KiB",
        "server",
        "load",
    )
    yield f"| {rows[0].load.name} | {' | '.join(columns)} |"
    yield "|---" * (len(columns) + 1) + "|"
    peer = next((row.figures.cpu_us for row in rows if row.server.startswith("FastAPI")), None)
    for row in rows:
        yield f"| {row.server} | {' | '.join(_cells(row, peer))} |"


def _cells(row: Row, peer: float | None) -> Iterator[str]:
    figures, idle = row.figures, row.load.name.startswith("idle")
    yield "" if idle else f"{figures.cpu_us:.1f}"
    yield f"{figures.cpu_us / peer:.2f}" if peer and not idle else ""
    yield "" if idle else f"{row.spread:.0%}"
    yield "" if idle else f"{figures.delivered:.0f} %" + ("" if figures.delivered >= HELD else " (overloaded)")
    yield f"{figures.first_p99_ms:.0f} ms"
    yield f"{figures.added_p50_ms:.1f} / {figures.added_p99_ms:.1f} ms" if row.load.pace_ms and not idle else ""
    yield f"{figures.hub_p99_ms:g} ms" if figures.hub_p99_ms else ""
    yield f"{figures.kib:.0f}"
    yield f"{figures.server:.0f} %"
    yield f"{figures.provider + figures.clients:.0f} %"


def _lengths(servers: Iterable[Server]) -> Iterator[str]:
    yield ""
    yield f"| µs an event of a reply of | {' | '.join(f'{length:,} tokens' for length in LENGTHS)} |"
    yield "|---" * (len(LENGTHS) + 1) + "|"
    for server in servers:
        yield f"| {server.name} | {' | '.join(f'{us:.1f}' for us in costs(server, LENGTHS, TIMES))} |"
        print(f"{server.name}, lengths", file=sys.stderr)


def _growth(rows: list[Row]) -> Iterator[str]:
    """What an event costs with many streams, by what it costs with few."""
    few, many = ({row.server: row.figures for row in rows if row.load.name == name} for name in (FEW, MANY))
    if both := [server for server in few if server in many]:
        grown = (f"{server} {many[server].cpu_us / few[server].cpu_us:.2f}" for server in both)
        yield ""
        yield textwrap.fill(
            f"From 10 to 1,000 streams of 50 ms, the CPU of an event grows to: {'; '.join(grown)}.", 100
        )


def _measured(rows: list[Row]) -> list[Load]:
    return list(dict.fromkeys(row.load for row in rows))


def _machine() -> str:
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ":")
    versions = [
        f"Linux {platform.release().partition('-')[0]}",
        cpu.partition(": ")[2],
        f"Python {platform.python_version()}",
        *_packages(VENV, "gevent gunicorn flask requests"),
        *_packages(VENV / "peers", "fastapi httpx sse-starlette uvicorn"),
        *_packages(VENV / "litellm", "litellm"),
        *_said("go", "version"),
        *_said("/usr/sbin/nginx", "-v"),
        *_said("redis-server", "--version"),
    ]
    return ", ".join(versions)


def _packages(venv: Path, names: str) -> Iterator[str]:
    for installed in distributions(path=[str(each) for each in venv.glob("lib/python*/site-packages")]):
        if installed.name.lower() in names.split():
            yield f"{installed.name} {installed.version}"


def _said(*command: str) -> Iterator[str]:
    """The line of a program that is there."""
    if shutil.which(command[0]):
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        yield (ran.stdout + ran.stderr).partition("\n")[0].partition(" sha=")[0]


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
        most = max(row.figures.cpu_us for row in measured)
        lines.append(f'<text x="8" y="{y}" font-weight="bold">{load.name}: µs of CPU an event</text>')
        for row in measured:
            y += 22
            width = 380 * row.figures.cpu_us / most
            lines.append(f'<text x="8" y="{y}">{row.server}</text>')
            lines.append(f'<rect x="220" y="{y - 12}" width="{width:.0f}" height="15" fill="#4878a8"/>')
            lines.append(f'<text x="{226 + width:.0f}" y="{y}">{row.figures.cpu_us:.1f}</text>')
        y += 36
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="670" height="{y - 16}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, *lines, "</svg>", ""])


if __name__ == "__main__":
    main()
