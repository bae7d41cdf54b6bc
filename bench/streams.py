"""The cost of a stream to a real server: many clients, `chatapp serve`, and a fake provider.

    .venv/bin/python bench/streams.py                                    # 1, 50 and 200 streams, both logs
    .venv/bin/python bench/streams.py --rounds 3 --streams 200 --log sqlite:
    .venv/bin/python bench/streams.py --streams 1000 --pace-ms 50
    .venv/bin/python bench/streams.py --streams 32 --pace-ms 0           # flat out
    .venv/bin/python bench/streams.py --command 'uvicorn peer:app --port {port}'    # another server

The server has a core of its own; provider and clients share another one. Each row is measured on a
fresh server.

    µs/event    the server's CPU, of all its processes, user and system: the median of the windows
                into which the time is divided
    delivered   percent of the tokens that the provider should have sent in that time
    first byte  ms from the request to the first bytes of its response, p50 and p99, while the
                streams are opened
    added       ms from the provider's send to the client's receive, p50 and p99
    PSS         KiB that each stream adds; not shown for few streams
    hub         ms, p99: how late a timer of the product fires, to the next larger bar of its figure
    server, provider, clients
                percent of a core
    queued      percent of the time in which the server was ready but another process held its core.
                Above a few percent here, or above 60 for provider and clients together, the delays
                are not the server's: only ratios count

With --command, the other server must answer POST /chat/stream with the provider's text, each piece
as a line `data: TEXT`; the environment variable UPSTREAM gives it the provider's base URL. Linux
only.
"""

import argparse
import json
import os
import re
import shlex
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from _load import BODY, MESSAGES, OPENAI_BODY, PATH, SETTLE_S
from _processes import Process, Used

HERE = Path(__file__).parent
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, OTHER_CORE = CORES[0], CORES[-1]
START_S = 60.0
OPENED_PER_S = 100  # a faster rate would measure a queue of requests, not streams
FEW = 10

CONFIG = """
[providers.bench]
type = "openai"
base_url = "{upstream}"
models = ["paced"]
"""
HEADER = "streams log     µs/event delivered first p50       p99 added p50       p99       PSS       hub    server    queued  provider   clients"
LAG = re.compile(r'^chatapp_hub_lag_seconds_bucket\{.*?le="(.+?)".*?\} (\S+)$', re.MULTILINE)


class Figures(NamedTuple):
    """Of one server, under one load. `windows_us`: the CPU of an event in each window."""

    cpu_us: float
    delivered: float
    first_p50_ms: float
    first_p99_ms: float
    added_p50_ms: float
    added_p99_ms: float
    kib: float
    hub_p99_ms: float
    server: float
    queued: float
    provider: float
    clients: float
    windows_us: list[float]


def main() -> None:
    asked = _arguments()
    print(HEADER, flush=True)
    for log in ["-"] if asked.command else asked.log:
        for streams in asked.streams:
            figures = medians([measure(streams, log, asked) for _ in range(asked.rounds)])[:-1]
            print(f"{streams:7} {log:8}" + "".join(f"{figure:10.1f}" for figure in figures), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The cost of a stream to a real server.")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 50, 200])
    parser.add_argument("--log", nargs="+", default=["memory:", "sqlite:"])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--pace-ms", type=float, default=20, help="between two events of a stream; 0: flat out")
    parser.add_argument("--rounds", type=int, default=1, help="each figure is the median of so many")
    parser.add_argument("--windows", type=int, default=3, help="into which the seconds are divided")
    parser.add_argument("--command", help="another server")
    parser.add_argument("--path", default=PATH, help="of another server")
    parser.add_argument("--provider", nargs="*", default=[], help="`tokens`, files for TLS: see _upstream.py")
    return parser.parse_args()


def medians(rounds: Sequence[Figures]) -> Figures:
    *columns, windows = zip(*rounds, strict=True)
    return Figures(*map(median, columns), windows_us=[each for window in windows for each in window])


def measure(streams: int, log: str, asked: argparse.Namespace) -> Figures:
    with (
        tempfile.TemporaryDirectory() as folder,
        Process([sys.executable, HERE / "_upstream.py", str(asked.pace_ms), *asked.provider], OTHER_CORE) as upstream,
        served(Path(folder), log, int(upstream.line()), asked.command, asked.path, asked.provider) as (server, port),
        ThreadPoolExecutor(1) as reading,
    ):
        idle_kib = server.pss_kib()
        start = time.monotonic() + 0.3
        begin = start + streams / OPENED_PER_S + SETTLE_S
        times = [begin + asked.seconds * number / asked.windows for number in range(asked.windows + 1)]
        given = [str(each) for each in (port, streams, start, begin, times[-1], asked.windows)]
        with Process([sys.executable, HERE / "_load.py", *given, asked.path], OTHER_CORE) as clients:
            _sleep_until(begin - SETTLE_S / 2)
            early_lags = reading.submit(_lags, port, asked)  # which a server that is overloaded lets wait
            used = []
            for when in times:
                _sleep_until(when)
                used.append([process.used() for process in (server, upstream, clients)])
            result = json.loads(clients.line())
            lags = _lags(port, asked) - early_lags.result()
            kib = server.pss_kib() - idle_kib
    if result["lost"]:
        sys.exit(f"{result['lost']} of {streams} streams were refused or ended early")
    windows = list(_windows_us([each[0] for each in used], result["events"]))
    whole = [after.since(before) for before, after in zip(used[0], used[-1], strict=True)]
    return Figures(
        median(windows),
        100 * sum(result["events"]) / _sent(streams, asked, result),
        *result["first_byte_ms"],
        *(result["added_ms"] if asked.pace_ms else (0.0, 0.0)),
        kib / streams if streams >= FEW else 0.0,
        _p99_ms(lags),
        *(100 * seconds / asked.seconds for seconds in (*whole[0], whole[1].cpu, whole[2].cpu)),
        windows,
    )


def _windows_us(used: Sequence[Used], events: Sequence[int]) -> Iterator[float]:
    for (before, after), count in zip(pairwise(used), events, strict=True):
        yield after.since(before).cpu * 1e6 / max(count, 1)


def _sent(streams: int, asked: argparse.Namespace, result: dict[str, Any]) -> float:
    """The number of tokens that the provider should have sent; flat out, the number received."""
    return float(streams * asked.seconds * 1000 / asked.pace_ms if asked.pace_ms else sum(result["events"]) or 1)


def _lags(port: int, asked: argparse.Namespace) -> Counter[float]:
    """How often the product's hub was so late at most, by seconds."""
    if asked.command:
        return Counter()
    with closing(HTTPConnection("127.0.0.1", port, timeout=START_S)) as connection:
        connection.request("GET", "/metrics")
        exposed = connection.getresponse().read().decode()
    return Counter({float(bar): int(float(count)) for bar, count in LAG.findall(exposed)})


def _p99_ms(lags: Counter[float]) -> float:
    """0 if there were none. A bar counts what is below it, too."""
    count = max(lags.values(), default=0)
    return 1000 * min((bar for bar, below in lags.items() if below >= 0.99 * count), default=0.0)


@contextmanager
def served(
    folder: Path,
    log: str,
    provider: int,
    command: str | None,
    path: str = PATH,
    options: Sequence[str] = (),
    settings: str = "",
) -> Iterator[tuple[Process, int]]:
    """The server and its port, once it has streamed something. `provider` is the port of its
    provider, which has these options; `command` is another server's, `settings` are the product's own."""
    port = _free_port()
    certificate = next((file for file in options if file.endswith(".pem")), "")
    upstream = f"{'https' if certificate else 'http'}://127.0.0.1:{provider}/v1"
    config = folder / "chatapp.toml"
    config.write_text(settings + CONFIG.format(upstream=upstream), "utf-8")
    env = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    env |= {"PORT": str(port), "UPSTREAM": upstream, "CHATAPP_CONFIG": str(config)}
    env |= {"CHATAPP_DATA": str(folder / "var"), "CHATAPP_LOG_URL": log}
    env |= {"REQUESTS_CA_BUNDLE": certificate} if certificate else {}
    ours = [str(Path(sys.executable).with_name("chatapp")), "serve"]
    arguments = shlex.split(command.format(port=port)) if command else ours
    with (folder / "output").open("w+") as output, Process(arguments, SERVER_CORE, env, output) as server:
        give_up = time.monotonic() + START_S
        while not _streams(port, path):
            if server.ended or time.monotonic() > give_up:
                sys.exit(f"the server did not start: {(folder / 'output').read_text()}")
            time.sleep(0.1)
        time.sleep(0.5)  # for that one stream to be closed
        yield server, port


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def _streams(port: int, path: str) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=START_S)
    try:
        own = path in (PATH, MESSAGES)
        body = BODY if own else OPENAI_BODY
        connection.request("POST", PATH if own else path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status == 200 and bool(response.read1())
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _sleep_until(when: float) -> None:
    time.sleep(max(when - time.monotonic(), 0))


if __name__ == "__main__":
    main()
