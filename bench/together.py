"""What streams cost each other, on a machine that is busy: server, provider and clients in turns in one process.

    .venv/bin/python bench/together.py                   # 1, 10 and 100 streams
    perf record -e cpu-clock -F 5000 -g .venv/bin/python bench/together.py --streams 100

Each turn sends an event to some streams and ends when their clients have it. The figure is CPU of
the thread, which other processes disturb far less than delays; the least of the rounds counts. The
work of provider and clients is in it, the same for any version: so the difference between two
versions is real, their ratio is not. The log is in memory, as a turn must not wait for a flush.

    µs/event    CPU, user and system, of server, provider and client
    run, reader bytes of C stack that are copied out and in again whenever such a greenlet waits
"""

from gevent import monkey

monkey.patch_all()

import argparse
import gc
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from time import monotonic, thread_time
from types import SimpleNamespace
from typing import Any

import gevent
from _load import BODY
from _upstream import EVENT, HEAD
from gevent.monkey import get_original
from gevent.server import StreamServer
from gevent.socket import socket as GeventSocket
from greenlet import greenlet

CONFIG = '[providers.bench]\ntype = "openai"\nbase_url = "http://127.0.0.1:{port}/v1"\nmodels = ["paced"]\n'
REQUEST = (
    b"POST /chat/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
)
STAMP = 12345
NAP_S = 1e-6  # lets the hub look at its sockets
LONG_S = 20.0

socket: Any = get_original("socket", "socket")
Pair = tuple[Any, Any]


def main() -> None:
    asked = _arguments()
    provider = _listening(socket())
    _configure(provider.getsockname()[1])
    port = _serve()
    print("streams  µs/event     run  reader", flush=True)
    pairs: list[Pair] = []
    for streams in sorted(asked.streams):
        pairs += [_open(provider, port) for _ in range(streams - len(pairs))]
        gc.collect()
        turns = _turns(pairs, asked.together)
        _take(turns, 2 * streams)
        cpu = min(_take(turns, asked.events) for _ in range(asked.rounds))
        print(f"{streams:7}{cpu:10.1f}{'{:8}{:8}'.format(*_stacks())}", flush=True)
    os._exit(0)  # with open streams: nobody waits for them


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What streams cost each other.")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--together", type=int, default=1, help="streams that have an event in the same turn")
    parser.add_argument("--events", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def _configure(provider: int) -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "chatapp.toml").write_text(CONFIG.format(port=provider), "utf-8")
    for name in [name for name in os.environ if name.startswith("CHATAPP_")]:
        del os.environ[name]
    os.environ |= {"CHATAPP_CONFIG": str(folder / "chatapp.toml"), "CHATAPP_DATA": str(folder / "var")}
    os.environ |= {"CHATAPP_LOG_URL": "memory:", "CHATAPP_LOG_LEVEL": "ERROR"}


def _serve() -> int:
    """The product under gunicorn's own worker; returns its port."""
    from gunicorn.config import Config
    from gunicorn.glogging import Logger
    from gunicorn.workers.ggevent import GeventWorker

    from chatapp.wsgi import app

    config, listener = Config(), _listening(GeventSocket())
    worker = GeventWorker(1, os.getppid(), [listener], SimpleNamespace(), 30, config, Logger(config))
    worker.wsgi = app
    StreamServer(listener, handle=partial(worker.handle, listener)).start()
    return int(listener.getsockname()[1])


def _open(provider: Any, port: int) -> Pair:
    """A stream: the provider's end and the client's."""
    client = socket()
    client.connect(("127.0.0.1", port))
    client.setblocking(False)
    client.send(REQUEST % (len(BODY), BODY))
    upstream, _ = _soon(provider.accept)
    upstream.setblocking(False)
    request = b""
    while b"messages" not in request:
        request += _soon(lambda: upstream.recv(65_536))
    upstream.send(HEAD)
    _soon(lambda: client.recv(65_536))
    return upstream, client


def _turns(pairs: list[Pair], together: int) -> Iterator[int]:
    """For ever: an event for some of the streams, in an order that no cache can guess."""
    data = EVENT % STAMP
    chunk = b"%x\r\n%s\r\n" % (len(data), data)
    order = random.Random(1).sample(pairs, len(pairs))
    together = min(together, len(order))
    while True:
        for start in range(0, len(order) - together + 1, together):
            turn = order[start : start + together]
            for upstream, _ in turn:
                upstream.send(chunk)
            waiting = [client for _, client in turn]
            while waiting:
                gevent.sleep(NAP_S)
                waiting = [client for client in waiting if not _has_event(client)]
            yield together


def _take(turns: Iterator[int], events: int) -> float:
    """µs of CPU for each of so many events, about."""
    began, sent = thread_time(), 0
    while sent < events:
        sent += sum(islice(turns, 1))
    return (thread_time() - began) * 1e6 / sent


def _has_event(client: Any) -> bool:
    try:
        return b"%d" % STAMP in client.recv(4096)
    except BlockingIOError:
        return False


def _stacks() -> tuple[int, int]:
    """Those of the greenlets that hold most: of each stream one run and one reader."""
    saved = sorted({each._stack_saved for each in gc.get_objects() if isinstance(each, greenlet)})
    return saved[-1], saved[-2]


def _listening(sock: Any) -> Any:
    sock.bind(("127.0.0.1", 0))
    sock.listen(4096)
    sock.setblocking(False)
    return sock


def _soon(step: Callable[[], Any]) -> Any:
    give_up = monotonic() + LONG_S
    while monotonic() < give_up:
        try:
            if came := step():
                return came
        except BlockingIOError:
            pass
        gevent.sleep(0.001)
    sys.exit("a stream does not open")


if __name__ == "__main__":
    main()
