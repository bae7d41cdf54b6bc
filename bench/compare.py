"""The product beside its peers: what people would pick, Go, and nginx as the floor. Linux only.

    make .venv/.peers                                     # FastAPI, httpx and sse-starlette, in a venv of their own
    .venv/bin/python bench/compare.py                     # five minutes
    .venv/bin/python bench/compare.py --rounds 3 --seconds 10 --write docs/performance.md

A peer that is missing is named and left out. Each figure is a median of the rounds, with the spread of the CPU
(highest less lowest, as a share of the median); only ratios within one run count. With --write the table and a plot
beside the file replace those of the last run, between its marks.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from streams import measure

HERE = Path(__file__).parent
PEERS = HERE / "peers"
VENV = Path(sys.prefix)
BEGIN, END = "<!-- compare -->", "<!-- /compare -->"


class Load(NamedTuple):
    name: str
    streams: int
    pace_ms: float


LOADS = (Load("flat out, 32 streams", 32, 0), Load("paced, 200 streams at 20 ms", 200, 20))


class Server(NamedTuple):
    """`command` is None for the product, else another server's; `provider` is for _upstream.py."""

    name: str
    log: str = "-"
    command: str | None = None
    provider: tuple[str, ...] = ()


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
    with _servers() as servers:
        rows = [_row(server, load, asked) for load in LOADS for server in servers]
    text = "\n".join(_table(rows))
    print(text)
    if asked.write:
        _write(asked.write, text, rows)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The product beside its peers.")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--write", type=Path, help="a Markdown file")
    return parser.parse_args()


@contextmanager
def _servers() -> Iterator[list[Server]]:
    with tempfile.TemporaryDirectory() as folder:
        servers = [Server("chatapp, memory", "memory:"), Server("chatapp, default log", "sqlite:")]
        for name, find in {"FastAPI + httpx": _fastapi, "Go, channel of 100": _go, "nginx, unbuffered": _nginx}.items():
            if command := find(Path(folder)):
                servers.append(Server(name, command=command, provider=("tokens",) if "nginx" in name else ()))
            else:
                print(f"left out: {name} is not installed", file=sys.stderr)
        yield servers


def _fastapi(_folder: Path) -> str | None:
    uvicorn = VENV / "peers" / "bin" / "uvicorn"
    command = f"{uvicorn} --app-dir {PEERS} fastapi_server:app --port {{port}} --log-level warning"
    return command if uvicorn.exists() else None


def _go(folder: Path) -> str | None:
    if shutil.which("go") is None:
        return None
    built = folder / "go-server"
    env = {**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"}
    subprocess.run(["go", "build", "-o", built, PEERS / "server.go"], env=env, check=True)
    return str(built)


def _nginx(folder: Path) -> str | None:
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if nginx is None:
        return None
    script = (
        f'sed -e s,FOLDER,{folder},g -e s,PORT,{{port}}, -e "s,UPSTREAM,$(echo $UPSTREAM | cut -d/ -f3)," '
        f"{PEERS / 'nginx.conf'} > {folder}/nginx-{{port}}.conf; exec {nginx} -c {folder}/nginx-{{port}}.conf"
    )
    return f"sh -c '{script}'"


def _row(server: Server, load: Load, asked: argparse.Namespace) -> Row:
    how = argparse.Namespace(
        pace_ms=load.pace_ms, seconds=asked.seconds, command=server.command, provider=server.provider
    )
    rounds = [measure(load.streams, server.log, how) for _ in range(asked.rounds)]
    cpu = [figures[0] for figures in rounds]
    _, delivered, _, first_p99, added_p50, added_p99, kib, *_ = (median(column) for column in zip(*rounds, strict=True))
    spread = (max(cpu) - min(cpu)) / median(cpu)
    print(f"{server.name}, {load.name}: {median(cpu):.1f} µs", file=sys.stderr)
    return Row(server.name, load, median(cpu), spread, delivered, first_p99, added_p50, added_p99, kib)


def _table(rows: list[Row]) -> Iterator[str]:
    yield f"`{' '.join(['bench/compare.py', *sys.argv[1:]])}`, {_machine()}"
    for load in LOADS:
        measured = [row for row in rows if row.load == load]
        peer = next((row.cpu_us for row in measured if row.server.startswith("FastAPI")), None)
        yield from (
            "",
            f"| {load.name} | µs CPU an event | of FastAPI | spread | delivered | first, p99 | added | KiB |",
        )
        yield "|---|---|---|---|---|---|---|---|"
        for row in measured:
            share = f"{row.cpu_us / peer:.2f}" if peer else ""
            yield (
                f"| {row.server} | {row.cpu_us:.1f} | {share} | {row.spread:.0%} | {row.delivered:.0f} % | "
                f"{row.first_p99_ms:.1f} ms | {row.added_p50_ms:.1f} / {row.added_p99_ms:.1f} ms | {row.kib:.0f} |"
            )


def _machine() -> str:
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), ":")
    versions = [platform.release(), cpu.partition(": ")[2], f"Python {platform.python_version()}"]
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
    for load in LOADS:
        measured = [row for row in rows if row.load == load]
        most = max(row.cpu_us for row in measured)
        lines.append(f'<text x="8" y="{y}" font-weight="bold">{load.name}: µs of CPU an event</text>')
        for row in measured:
            y += 22
            width = 380 * row.cpu_us / most
            lines.append(f'<text x="8" y="{y}">{row.server}</text>')
            lines.append(f'<rect x="170" y="{y - 12}" width="{width:.0f}" height="15" fill="#4878a8"/>')
            lines.append(f'<text x="{176 + width:.0f}" y="{y}">{row.cpu_us:.1f}</text>')
        y += 36
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="620" height="{y - 16}" font-family="sans-serif" font-size="13">'
    return "\n".join([head, *lines, "</svg>", ""])


if __name__ == "__main__":
    main()
