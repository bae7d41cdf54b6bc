"""Redis is killed, emptied and frozen at random under runs of three processes: every reader, at each
of them, gets each run exactly once and whole."""

import random
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic

import gevent
import pytest
from drivers import END, append
from servers import Redis, redis_server

from chatapp.errors import LogUnavailable, UnknownRun
from chatapp.events import Entry, RunEnd
from chatapp.logs.redis.log import RedisLog
from chatapp.logs.redis.tuning import Tuning

pytestmark = pytest.mark.slow

CHAOS_S = 8.0
AT_ONCE = 10
QUICK = Tuning(
    beat_s=0.1, lease_s=4.0, block_s=0.2, answer_s=0.5, retry_s=0.02, patience_s=1.0, check_s=0.2, sweep_s=0.2
)


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    with redis_server(tmp_path) as server:
        yield server


@pytest.fixture
def logs(redis: Redis) -> Iterator[list[RedisLog]]:
    with ExitStack() as stack:
        logs = [stack.enter_context(closing(RedisLog(redis.url, tuning=QUICK))) for _ in range(3)]
        for log in logs:
            log.start()
        yield logs


def test_every_reader_gets_each_run_once_and_whole(redis: Redis, logs: list[RedisLog]) -> None:
    chance = random.Random(12)
    chaos = gevent.spawn(_break, redis, chance, monotonic() + CHAOS_S)
    runs: list[gevent.Greenlet[..., None]] = []
    while not chaos.dead:
        while sum(not run.dead for run in runs) < AT_ONCE:
            runs.append(gevent.spawn(_live, logs, chance, f"run_{len(runs)}"))
        gevent.sleep(0.1)
    for greenlet in (chaos, *runs):
        greenlet.get(timeout=30)
    assert len(runs) > AT_ONCE


def _live(logs: list[RedisLog], chance: random.Random, run_id: str) -> None:
    """A run, and a reader at each process."""
    log = chance.choice(logs)
    _insist(lambda: log.create(run_id))
    readers = [gevent.spawn(_read, reader, run_id) for reader in logs]
    written: list[Entry] = []
    for number in range(chance.randint(5, 100)):
        written += append(log, run_id, str(number) * chance.choice([1, 1, 1, 500]))
        gevent.sleep(chance.random() * 0.03)
    written += append(log, run_id, END)
    _insist(lambda: log.sync(run_id))
    for reader in readers:
        assert reader.get(timeout=30) == written


def _read(log: RedisLog, run_id: str) -> list[Entry]:
    """As a client that comes back whenever it is told of an error."""
    entries: list[Entry] = []
    while not entries or not isinstance(entries[-1].event, RunEnd):
        try:
            entries += log.read(run_id, len(entries), 2.0)
        except (LogUnavailable, UnknownRun):  # the latter until a run that Redis lost is written again
            gevent.sleep(0.05)
    return entries


def _insist(step: Callable[[], None]) -> None:
    while True:
        try:
            return step()
        except LogUnavailable:
            gevent.sleep(0.05)


def _break(redis: Redis, chance: random.Random, until: float) -> None:
    while monotonic() < until:
        gevent.sleep(chance.uniform(0.3, 1.0))
        match chance.choice(["restart", "empty", "freeze"]):
            case "restart":
                redis.kill()
                gevent.sleep(chance.random() * 0.5)
                redis.start()
            case "empty":
                redis.kill()
                redis.forget()
                redis.start()
            case _:
                redis.signal(signal.SIGSTOP)
                gevent.sleep(chance.random() * 1.5)
                redis.signal(signal.SIGCONT)
