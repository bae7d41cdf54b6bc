"""What an event costs, counted: the calls and the system calls of a server for one event.

    .venv/bin/python bench/calls.py                     # one event a time, then 64 in one read; both logs
    .venv/bin/python bench/calls.py --list 40           # with the functions and system calls by name
    .venv/bin/python bench/calls.py --runs              # of a whole run of one event, with its request

Provider, server and client take turns: an event (or a batch of events in one write) is sent only
once the client has the one before. So the counts do not depend on the machine, nor on its mood, as
times do. One event a time is the paced life of a chat server, a batch is a flood.

    python       calls of Python functions for each event, resumptions of generators among them
    C            calls of C functions from Python
    system       system calls of the worker's main thread; needs strace
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple, Self

from _load import BODY
from _upstream import EVENT, HEAD

HERE = Path(__file__).parent
WARM_UP, EVENTS = 64, 256
WARM_UP_RUNS, RUNS = 10, 40
START_S = 60.0
KINDS = ("python", "C", "system")

_ids = re.compile(rb"^id: (\d+)$", re.MULTILINE).findall
_stamps = count(1)

CONFIG = """
[providers.bench]
type = "openai"
base_url = "http://127.0.0.1:{port}/v1"
models = ["paced"]
"""


def main() -> None:
    asked = _arguments()
    rows = [row for log in asked.log for row in (_runs(log) if asked.runs else _measure(log, asked.batch))]
    if asked.json:
        print(json.dumps([{**row, **{kind: sum(row[kind].values()) for kind in KINDS}} for row in rows]))
        return
    print("log     batch    python         C    system")
    for row in rows:
        print(f"{row['log']:8}{row['batch']:5}" + "".join(f"{sum(row[kind].values()):10.2f}" for kind in KINDS))
        for kind in KINDS:
            for name, times in row[kind].most_common(asked.list):
                print(f"    {kind:8}{times:8.2f}  {name}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The calls and system calls of a server for one event.")
    parser.add_argument("--log", nargs="+", default=["memory:", "sqlite:"])
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 64], help="events in one write of the provider")
    parser.add_argument("--runs", action="store_true", help="count for each run instead")
    parser.add_argument("--list", type=int, default=0, help="so many lines of each kind")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _measure(log: str, batches: Sequence[int]) -> list[dict[str, Any]]:
    """A row for each size of a batch: the calls for each event, by kind and name."""
    system = counted_system_calls(log, batches) if shutil.which("strace") else [Counter[str]() for _ in batches]
    calls = counted_calls(log, batches)
    return [
        {"log": log, "batch": batch, **counted, "system": traced}
        for batch, counted, traced in zip(batches, calls, system, strict=True)
    ]


def _runs(log: str) -> list[dict[str, Any]]:
    """The calls of a run of one event, from the request to the end: its client goes, and so it is stopped."""
    with _server(log, ["-c", str(HERE / "_counting.py")]) as server:
        _run_some(server, WARM_UP_RUNS)
        counted = _difference(server.port, lambda: _run_some(server, RUNS), RUNS)
    return [{"log": log, "batch": 0, **counted, "system": Counter()}]


def _run_some(server: "Server", count: int) -> None:
    for _ in range(count):
        with server.stream() as stream:
            stream.send(1, 1)
            stream.leave()


def counted_calls(log: str, batches: Sequence[int]) -> list[dict[str, Counter[str]]]:
    rows = []
    with _server(log, ["-c", str(HERE / "_counting.py")]) as server:
        for batch in batches:
            with server.stream() as stream:
                stream.send(WARM_UP, batch)
                rows.append(_difference(server.port, partial(stream.send, EVENTS, batch), EVENTS))
    return rows


def _difference(port: int, step: Callable[[], object], count: int) -> dict[str, Counter[str]]:
    """What the step calls, by so many of what it does, without the calls of asking for it."""
    before, none = _calls(port), _calls(port)
    step()
    after, counted = _calls(port), {}
    for kind in ("python", "C"):
        asking = Counter(none[kind]) - Counter(before[kind])
        more = Counter(after[kind]) - Counter(none[kind]) - asking
        counted[kind] = Counter({name: times / count for name, times in more.items()})
    return counted


def counted_system_calls(log: str, batches: Sequence[int]) -> list[Counter[str]]:
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace"
        spans = []
        with _server(log, (), ["strace", "-f", "-s", "100000", "-o", str(trace)]) as server:
            for batch in batches:
                with server.stream() as stream:
                    spans.append((stream.send(WARM_UP, batch), stream.send(EVENTS, batch)))
        lines = trace.read_bytes().splitlines()
    return [_between(lines, first, last) for first, last in spans]


def _between(lines: Sequence[bytes], first: int, last: int) -> Counter[str]:
    """The calls of the thread that sends the events, after the send of one stamp up to that of another."""
    begin, end = (_line_of(lines, stamp) for stamp in (first, last))
    thread = lines[begin].split()[0]
    names = [
        line.split(maxsplit=1)[1].partition(b"(")[0].decode()
        for line in lines[begin + 1 : end + 1]
        if line.split()[0] == thread and b"resumed>" not in line
    ]
    return Counter({name: times / EVENTS for name, times in Counter(names).items()})


def _line_of(lines: Sequence[bytes], stamp: int) -> int:
    """That which sends it, or the last of them."""
    return max(number for number, line in enumerate(lines) if b" send" in line and b"data: %020d" % stamp in line)


class Stream:
    """A stream through the server, whose provider and client are this process."""

    def __init__(self, port: int, provider: socket.socket) -> None:
        self._client = socket.create_connection(("127.0.0.1", port), timeout=START_S)
        self._client.sendall(
            b"POST /chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
        )
        self._upstream = _accepted(provider)
        self._upstream.sendall(HEAD)
        self._seq = 1  # that of `run-start`

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._upstream.close()

    def send(self, events: int, batch: int) -> int:
        """So many events, a batch at a time; returns the stamp in those of the last batch."""
        stamp = 0
        for _ in range(events // batch):
            stamp = next(_stamps)
            data = (EVENT % stamp) * batch
            self._upstream.sendall(b"%x\r\n%s\r\n" % (len(data), data))
            self._seq += batch
            self._wait_for(self._seq)
        return stamp

    def leave(self) -> None:
        """Close the client's connection, and wait until the server has closed the provider's."""
        self._client.close()
        while self._upstream.recv(65_536):
            pass

    def _wait_for(self, seq: int) -> None:
        seen = b""
        while not seen.endswith(b"\n\n\r\n") or int(_ids(seen)[-1]) < seq:
            data = self._client.recv(65_536)
            if not data:
                sys.exit("the server ended the stream")
            seen = seen[-1000:] + data


class Server(NamedTuple):
    port: int
    provider: socket.socket

    def stream(self) -> Stream:
        return Stream(self.port, self.provider)


@contextmanager
def _server(log: str, options: Sequence[str], before: Sequence[str] = ()) -> Iterator[Server]:
    """`chatapp serve` with options for gunicorn, started by the command `before`."""
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as provider:
        provider.settimeout(START_S)
        folder = Path(name)
        (folder / "chatapp.toml").write_text(CONFIG.format(port=provider.getsockname()[1]), "utf-8")
        port = _free_port()
        env = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
        env |= {"PORT": str(port), "CHATAPP_CONFIG": str(folder / "chatapp.toml")}
        env |= {"CHATAPP_DATA": str(folder / "var"), "CHATAPP_LOG_URL": log}
        command = [*before, str(Path(sys.executable).with_name("chatapp")), "serve", "--", *options]
        with (folder / "output").open("w+") as output:
            server = subprocess.Popen(command, env=env, stdout=output, stderr=output, start_new_session=True)
            try:
                _wait_until_it_answers(port, server, folder / "output")
                yield Server(port, provider)
            finally:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _accepted(provider: socket.socket) -> socket.socket:
    """The server's connection, once its request has arrived."""
    sock = provider.accept()[0]
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = b""
    while b"\r\n\r\n" not in request or b"messages" not in request:
        request += sock.recv(65_536)
    return sock


def _calls(port: int) -> dict[str, dict[str, int]]:
    return json.loads(_get(port, "/-/calls"))


def _get(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=START_S)
    connection.request("GET", path, headers={"Connection": "close"})
    data = connection.getresponse().read()
    connection.close()
    return data


def _wait_until_it_answers(port: int, server: "subprocess.Popen[bytes]", output: Path) -> None:
    give_up = time.monotonic() + START_S
    while True:
        try:
            _get(port, "/healthz")
            return
        except (OSError, HTTPException):
            if server.poll() is not None or time.monotonic() > give_up:
                sys.exit(f"the server did not start: {output.read_text()}")
            time.sleep(0.1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


if __name__ == "__main__":
    main()
