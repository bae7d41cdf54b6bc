"""Two hosts with a Redis and a Postgres between them, of which one is broken for long: what must
hold, and what a client notices.

    .venv/bin/python bench/faults.py                                   # all of them: 12 minutes
    .venv/bin/python bench/faults.py redis-frozen=120 postgres-frozen=30

Each fault lasts so many seconds, under clients that ask, follow from several places, are cut and
resume (`_churn`). Afterwards everything must be whole: the invariants are those of the tests. It
prints what the clients waited for, and ends with 1 if something was broken.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from gevent import monkey

monkey.patch_all()

import gevent
from _churn import AWAY, Churn
from _pipe import Pipe
from _servers import Host, host
from invariants import Broken, Holdings
from servers import Postgres, Redis, postgres_server, redis_server

DEFAULTS = {
    "redis-frozen": 120.0,
    "redis-half-open": 120.0,
    "redis-refused": 30.0,
    "redis-emptied": 5.0,
    "postgres-frozen": 30.0,
    "postgres-half-open": 30.0,
    "postgres-refused": 30.0,
}
ASKERS = 5
BEFORE_S = AFTER_S = 5.0  # of calm
PATIENCE_S = 120.0  # beyond the fault: within it every run ends
ALIVE_S = 2.0  # /healthz must answer within it, whatever is away
RETURN_S = 30.0
MEMORY_KIB = 64 << 10
SETTINGS = {"WEB_CONCURRENCY": "1", "CHATAPP_HEARTBEAT_S": "2", "CHATAPP_MAX_OWNER_SHARE": "1"}


class Shape:
    """Redis and Postgres, each behind a `Pipe`, and two hosts."""

    def __init__(self, redis: Redis, postgres: Postgres, redis_pipe: Pipe, postgres_pipe: Pipe) -> None:
        self.redis = redis
        self.postgres = postgres
        self.redis_pipe = redis_pipe
        self.postgres_pipe = postgres_pipe
        self.hosts: list[Host] = []

    def fault(self, name: str) -> tuple[Callable[[], object], Callable[[], object]]:
        """How it begins, and how it ends."""
        match name:
            case "redis-frozen":
                return lambda: self.redis.signal(signal.SIGSTOP), lambda: self.redis.signal(signal.SIGCONT)
            case "redis-half-open":
                return self.redis_pipe.go_silent, self.redis_pipe.cut
            case "redis-refused":
                return self.redis.kill, self.redis.start
            case "redis-emptied":
                return self._empty_redis, self.redis.start
            case "postgres-frozen":
                return lambda: self.postgres.signal(signal.SIGSTOP), lambda: self.postgres.signal(signal.SIGCONT)
            case "postgres-half-open":
                return self.postgres_pipe.go_silent, self.postgres_pipe.cut
            case "postgres-refused":
                return self.postgres.stop, self.postgres.start
        raise SystemExit(f"{name}: unknown fault; available: {', '.join(DEFAULTS)}")

    def holdings(self) -> list[Holdings]:
        return [held for each in self.hosts for held in each.holdings()]

    def _empty_redis(self) -> None:
        self.redis.kill()
        self.redis.forget()


class Watch:
    """Asks each host at intervals whether it is alive, and whether it is ready."""

    def __init__(self, hosts: list[Host]) -> None:
        self.broken: list[str] = []
        self.not_ready = 0.0  # when (monotonic) one last was not
        self._hosts = hosts
        self._greenlets = [gevent.spawn(self._watch, path) for path in ("/healthz", "/readyz")]

    def stop(self) -> None:
        gevent.killall(self._greenlets)

    def _watch(self, path: str) -> None:
        while True:
            for each in self._hosts:
                status = _status(each.port, path, ALIVE_S if path == "/healthz" else 60.0)
                if status != 200 and path == "/healthz":
                    self.broken.append(f"/healthz: {status}")
                elif status != 200:
                    self.not_ready = time.monotonic()
            gevent.sleep(0.5)


def _status(port: int, path: str, timeout_s: float) -> int | str:
    connection = HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except AWAY as error:
        return repr(error)
    finally:
        connection.close()


@contextmanager
def shape(folder: Path) -> Iterator[Shape]:
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(folder / "redis"))
        postgres = stack.enter_context(postgres_server())
        made = Shape(redis, postgres, Pipe(redis.port), Pipe(postgres.port))
        settings = {
            **SETTINGS,
            "CHATAPP_LOG_URL": redis.url.replace(str(redis.port), str(made.redis_pipe.port)),
            "CHATAPP_DATABASE_URL": postgres.database().replace(str(postgres.port), str(made.postgres_pipe.port)),
            "CHATAPP_SECRET_KEY": "the same on all hosts",
        }
        made.hosts += [stack.enter_context(host(folder / f"host{number}", settings)) for number in range(2)]
        yield made


def break_it(shape: Shape, name: str, seconds: float) -> list[str]:
    """What did not hold."""
    begin, end = shape.fault(name)
    churn = Churn([each.port for each in shape.hosts], ASKERS, seconds + PATIENCE_S, model="slow", max_tokens=40)
    churn.start()
    gevent.sleep(BEFORE_S)
    before, watch = shape.holdings(), Watch(shape.hosts)
    begin()
    gevent.sleep(seconds)
    end()
    ended = time.monotonic()
    gevent.sleep(AFTER_S)
    churn.stop()
    watch.stop()
    broken = churn.broken + watch.broken + _not_returned(shape, before)
    _print(name, seconds, churn, max(0.0, watch.not_ready - ended))
    for each in broken[:20]:
        print(f"    BROKEN: {each}")
    return broken


def _not_returned(shape: Shape, before: list[Holdings]) -> list[str]:
    """What the workers still hold, some time later."""
    give_up = time.monotonic() + RETURN_S
    while True:
        try:
            for then, now in zip(before, shape.holdings(), strict=True):
                now.check_back_at(then, MEMORY_KIB, descriptors=10)
            return []
        except (Broken, ValueError) as error:
            if time.monotonic() > give_up:
                return [str(error)]
        gevent.sleep(1)


def _print(name: str, seconds: float, churn: Churn, ready_after_s: float) -> None:
    print(f"{name}, {seconds:g} s: {len(churn.broken)} invariants broken; ready {ready_after_s:.1f} s after its end")
    print("    the longest " + ", ".join(f"{what} {took:.1f} s" for what, took in churn.longest.items()))
    print("    " + ", ".join(f"{what} {count}" for what, count in sorted(churn.counts.items())), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description="Two hosts whose Redis or Postgres is broken for long.")
    parser.add_argument("faults", nargs="*", metavar="FAULT=SECONDS", default=[f"{k}={v}" for k, v in DEFAULTS.items()])
    asked: Any = [each.partition("=")[::2] for each in parser.parse_args().faults]
    with tempfile.TemporaryDirectory() as folder, shape(Path(folder)) as made:
        broken = [each for name, seconds in asked for each in break_it(made, name, float(seconds or DEFAULTS[name]))]
        for each in made.hosts:
            print(f"port {each.port}: {each.output().read_text().count('traceback')} tracebacks in its log")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
