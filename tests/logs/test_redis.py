"""What only the Redis log promises: several machines, leases, and a store that may go away."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import gevent
import pytest
from drivers import END, append, read_all
from gevent.server import StreamServer
from gevent.socket import create_connection
from logs.shared_store import SharedStore
from servers import Redis, free_port, redis_server
from waiting import BOUND_S, soon

from chatapp.errors import ConfigError, LogLost, LogUnavailable, UnknownRun
from chatapp.events import Entry, Raw, StreamEvent, TextDelta
from chatapp.logs.redis.connection import Address
from chatapp.logs.redis.lease import GONE, Leases
from chatapp.logs.redis.log import RedisLog
from chatapp.logs.redis.tuning import Tuning

pytestmark = pytest.mark.slow

OpenLog = Callable[..., RedisLog]

QUICK = Tuning(
    beat_s=0.05,
    lease_s=2.5,
    block_s=0.2,
    answer_s=0.5,
    retry_s=0.02,
    patience_s=1.0,
    check_s=0.1,
    sweep_s=0.05,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def redis(shared: Redis) -> Iterator[Redis]:
    """A server that works, whatever the test before did to it."""
    shared.command("FLUSHALL")
    shared.command("CONFIG", "SET", "maxmemory", "0")
    yield shared
    shared.kill()
    shared.start()


@pytest.fixture
def open_log(redis: Redis) -> Iterator[OpenLog]:
    opened: list[RedisLog] = []

    def open_log(url: str = redis.url, **options: Any) -> RedisLog:
        opened.append(RedisLog(url, **{"tuning": QUICK, **options}))
        opened[-1].start()
        return opened[-1]

    yield open_log
    for log in opened:
        log.close()


def begin(log: RedisLog, *said: StreamEvent | str, run_id: str = "run_1") -> list[Entry]:
    log.create(run_id)
    entries = append(log, run_id, *said)
    log.sync(run_id)
    return entries


class Frozen:
    """A log whose process stands still: it shows no life, and its writer sends nothing."""

    def __init__(self, log: RedisLog, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log = log
        self._patch = monkeypatch
        self._context = monkeypatch.context()
        patch = self._context.__enter__()
        patch.setattr(log._store, "beat", lambda: None)
        patch.setattr(log._writer, "_flush", lambda: None)

    def thaw(self) -> None:
        self._context.__exit__(None, None, None)
        self.log._writer.check()


class TestTheAddress:
    @pytest.mark.parametrize("url", ["redis://:p@ss/hunter@host:6379", "redis://host:port", "http://host"])
    def test_a_bad_one_is_refused_without_its_password(self, url: str) -> None:
        with pytest.raises(ConfigError, match="log_url: expected") as caught:
            Address(url, 1.0)
        assert "hunter" not in str(caught.value)

    def test_a_server_that_is_not_there_is_named_without_the_password(self, closed_port: int) -> None:
        with pytest.raises(LogUnavailable, match=f"127.0.0.1:{closed_port}") as caught:
            RedisLog(f"redis://ann:hidden@127.0.0.1:{closed_port}/0", tuning=QUICK)
        assert "hidden" not in str(caught.value)

    def test_password_and_database_are_taken_from_it(self, redis: Redis, open_log: OpenLog) -> None:
        redis.command("CONFIG", "SET", "requirepass", "secret")
        try:
            with pytest.raises(LogUnavailable, match="log_url"):
                RedisLog(redis.url)
            log = open_log(redis.url.replace("//", "//:secret@").replace("/0", "/3"))
            entries = begin(log, "one")
            assert log.read("run_1") == entries
        finally:
            with create_connection(("127.0.0.1", redis.port)) as sock:
                sock.sendall(b"AUTH secret\r\nSELECT 3\r\nEXISTS chatapp:run:run_1\r\nCONFIG SET requirepass ''\r\n")
                replies = b""
                while replies.count(b"\r\n") < 4:
                    replies += sock.recv(1000)
        assert b":1" in replies

    def test_tls_is_spoken_to_a_rediss_address_and_the_server_must_prove_itself(self, tmp_path: Path) -> None:
        key, certificate, port = tmp_path / "key.pem", tmp_path / "cert.pem", free_port()
        make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test"
        extra = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
        subprocess.run([*make.split(), *extra], check=True, capture_output=True)
        tls = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
        with redis_server(tmp_path, *tls, "--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no"):
            with closing(RedisLog(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}")) as log:
                entries = begin(log, "one", END)
                assert read_all(log, "run_1") == entries
            with pytest.raises(LogUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
                RedisLog(f"rediss://127.0.0.1:{port}/0", tuning=QUICK)


class TestOtherProcesses(SharedStore):
    def test_a_cancel_that_no_inbox_kept_comes_with_the_next_write(self, open_log: OpenLog, redis: Redis) -> None:
        log = open_log()
        cancelled: list[str] = []
        log.listen(cancelled.append)
        begin(log, "one")
        redis.command("HSET", "chatapp:run:run_1", "cancelled", "1")
        soon(lambda: cancelled)

    def test_large_events_are_read_whole(self, open_log: OpenLog) -> None:
        writer, reader = open_log(), open_log()
        writer.create("run_1")
        reading = gevent.spawn(read_all, reader, "run_1")
        entries = append(writer, "run_1", *[Raw(bytes([number]) * 300_000) for number in range(20)], END)
        assert reading.get(timeout=BOUND_S) == entries
        assert read_all(writer, "run_1") == entries

    def test_every_reader_is_told_the_same_times(self, open_log: OpenLog) -> None:
        here, elsewhere = open_log(), open_log()
        begin(here, *"abc")
        gevent.sleep(0.02)
        append(here, "run_1", *"de", END)
        times = [entry.at for entry in read_all(here, "run_1")]
        assert times == sorted(times) and len(set(times)) == 2
        assert [entry.at for entry in read_all(elsewhere, "run_1")] == times

    def test_the_runs_of_a_closed_log_go_to_one_that_asks(self, open_log: OpenLog) -> None:
        left, log = open_log(), open_log()
        entries = begin(left, "one", "two")
        readers = [gevent.spawn(read_all, other, "run_1") for other in (log, open_log())]
        gevent.sleep(0.05)
        left.close()
        assert log.adopt() == ["run_1"]
        entries += append(log, "run_1", END)
        assert [reader.get(timeout=BOUND_S) for reader in readers] == [entries] * 2
        assert log.adopt() == []

    def test_a_process_that_is_gone_is_noticed_once_and_only_after_its_lease(
        self, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dead, first, second = open_log(), open_log(), open_log()
        begin(dead, "one")
        soon(lambda: len(first._leases._seen) == 3)
        _ice = Frozen(dead, monkeypatch)
        assert first.adopt() == []
        adopted = soon(lambda: [*first.adopt(), *second.adopt()], LogUnavailable)
        assert adopted == ["run_1"]
        gevent.sleep(0.1)
        assert [*first.adopt(), *second.adopt()] == []

    def test_one_that_was_only_frozen_is_fenced_off(self, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch) -> None:
        frozen, log = open_log(), open_log()
        stopped: list[str] = []
        frozen.listen(stopped.append)
        entries = begin(frozen, "one")
        ice = Frozen(frozen, monkeypatch)
        append(frozen, "run_1", "nobody sees this", "nor this")
        reading = gevent.spawn(read_all, frozen, "run_1")
        assert soon(log.adopt, LogUnavailable) == ["run_1"]
        entries += append(log, "run_1", "by the other")
        log.sync("run_1")
        ice.thaw()
        soon(lambda: stopped)
        for call in (lambda: append(frozen, "run_1", "late"), lambda: frozen.sync("run_1")):
            with pytest.raises(UnknownRun):
                call()
        entries += append(log, "run_1", END)
        assert reading.get(timeout=BOUND_S) == entries == read_all(log, "run_1")
        assert begin(frozen, "a new run", run_id="run_2") == frozen.read("run_2")

    def test_a_run_whose_creation_was_not_answered_is_given_back(self, open_log: OpenLog) -> None:
        log = open_log()
        log._store.create("run_1")  # and the reply got lost
        assert log.adopt() == ["run_1"]
        assert append(log, "run_1", END) == read_all(log, "run_1")
        assert log.adopt() == []


class TestLeases:
    def test_an_outage_makes_nobody_look_dead(self) -> None:
        leases = Leases(10.0, 4.0)
        for now in range(9):
            leases.look({"a": b"1", "b": b"%d" % now}, float(now))
        leases.look({"a": b"1", "b": b"9"}, 40.0)  # nobody could be heard
        assert leases.gone() == []
        for now in range(41, 51):
            leases.look({"a": b"1", "b": b"%d" % now}, float(now))
        assert leases.gone() == [("a", b"1")]

    def test_one_that_said_goodbye_is_gone_at_once(self) -> None:
        leases = Leases(10.0, 4.0)
        leases.look({"a": GONE, "b": b"1"}, 1.0)
        assert leases.gone() == [("a", GONE)]


def followers(*logs: RedisLog) -> list[Any]:
    """A reader of each log that has the run's first entry and waits for the next: it asks Redis for nothing meanwhile."""
    for log in logs:
        assert log.read("run_1")
    readers = [gevent.spawn(read_all, log, "run_1", 1) for log in logs]
    gevent.sleep(0)
    return readers


class TestFaults:
    def test_a_frozen_server_delays_and_loses_nothing(self, redis: Redis, open_log: OpenLog) -> None:
        log, other = open_log(), open_log()
        entries = begin(log, "before")
        readers = followers(log, other)
        redis.signal(signal.SIGSTOP)
        for number in range(40):
            entries += append(log, "run_1", str(number))
            gevent.sleep(0.03)
        assert log.read("run_1") == entries[:1]
        with pytest.raises(LogUnavailable):
            log.ping()
        redis.signal(signal.SIGCONT)
        entries += append(log, "run_1", END)
        assert [reader.get(timeout=BOUND_S) for reader in readers] == [entries[1:]] * 2
        assert other.adopt() == []
        soon(lambda: log.ping() is None, LogUnavailable)

    def test_a_server_that_restarts_with_its_data_is_gone_on_with(self, redis: Redis, open_log: OpenLog) -> None:
        log, other = open_log(), open_log()
        entries = begin(log, "before")
        readers = followers(log, other)
        redis.kill()
        entries += append(log, "run_1", "meanwhile")
        redis.start()
        entries += append(log, "run_1", "after", END)
        assert [reader.get(timeout=BOUND_S) for reader in readers] == [entries[1:]] * 2

    def test_data_that_the_server_lost_is_written_again(self, redis: Redis, open_log: OpenLog) -> None:
        log, other, third = open_log(), open_log(), open_log()
        entries = begin(log, "one", "two")
        quiet = begin(log, "says nothing more", run_id="run_2")
        readers = [gevent.spawn(read_all, one, "run_1") for one in (log, other)]
        gevent.sleep(0.05)
        redis.kill()
        redis.forget()
        redis.start()
        entries += append(log, "run_1", "three", END)
        assert [reader.get(timeout=BOUND_S) for reader in readers] == [entries] * 2
        assert read_all(third, "run_1") == entries
        assert soon(lambda: third.read("run_2"), UnknownRun) == quiet

    def test_the_last_moment_that_a_crash_cost_is_written_again(self, redis: Redis, open_log: OpenLog) -> None:
        log, other = open_log(), open_log()
        entries = begin(log, "one")
        append_two = append(log, "run_1", "two")
        log.sync("run_1")
        redis.command("XDEL", "chatapp:events:run_1", "2-0")
        redis.command("XSETID", "chatapp:events:run_1", "1-0")
        redis.command("HSET", "chatapp:run:run_1", "last", "1")
        entries += [*append_two, *append(log, "run_1", END)]
        assert read_all(log, "run_1") == entries
        assert read_all(other, "run_1") == entries

    def test_a_run_that_cannot_be_written_again_fails_clearly(self, redis: Redis, open_log: OpenLog) -> None:
        log, other = open_log(tuning=replace(QUICK, max_kept_bytes=0)), open_log()
        begin(log, "one")
        reader = gevent.spawn(other.read, "run_1", 1, BOUND_S)
        gevent.sleep(0.05)
        redis.command("FLUSHALL")
        with pytest.raises(LogLost):
            soon(lambda: append(log, "run_1", "more") and False)
        with pytest.raises(UnknownRun):
            reader.get(timeout=BOUND_S)
        for call in (lambda: log.sync("run_1"), lambda: append(log, "run_1", END)):
            with pytest.raises(LogLost):
                call()
        log.settle("run_1")
        begin(log, "the next one", run_id="run_2")

    @pytest.mark.parametrize("key", ["run", "events"])
    def test_a_key_that_was_evicted_ends_no_run(self, key: str, redis: Redis, open_log: OpenLog) -> None:
        log, other = open_log(), open_log()
        entries = begin(log, "one", "two")
        redis.command("DEL", f"chatapp:{key}:run_1")
        entries += append(log, "run_1", "three", END)
        assert read_all(log, "run_1") == entries
        if key == "run":  # so Redis has all of it again
            assert read_all(other, "run_1") == entries
        else:
            with pytest.raises(UnknownRun, match="this part of the log is gone"):
                read_all(other, "run_1")

    def test_a_run_that_another_hand_damaged_hurts_no_other(self, redis: Redis, open_log: OpenLog) -> None:
        log = open_log()
        begin(log, "one")
        whole = begin(log, "mine", run_id="run_2")
        redis.command("DEL", "chatapp:events:run_1")
        redis.command("SET", "chatapp:events:run_1", "x")
        append(log, "run_1", "two")
        whole += append(log, "run_2", "goes on", END)
        assert read_all(log, "run_2") == whole
        with pytest.raises(LogLost):
            append(log, "run_1", "three")

    def test_a_server_that_stays_away_is_said_to_all_and_then_gone_on_with(
        self, redis: Redis, open_log: OpenLog
    ) -> None:
        log, other = open_log(outage=0.2), open_log(outage=0.2)
        entries = begin(log, "before")
        readers = [gevent.spawn(one.read, "run_1", 1, BOUND_S) for one in (log, other)]
        gevent.sleep(0.05)
        redis.kill()
        entries += append(log, "run_1", "waits")
        calls: list[Callable[[], object]] = [
            *(lambda reader=reader: reader.get(timeout=BOUND_S) for reader in readers),  # type: ignore[misc]
            lambda: append(log, "run_1", "refused"),
            lambda: log.sync("run_1"),
            lambda: log.create("run_2"),
            lambda: other.cancel("run_1"),
            lambda: other.read("run_1", 0),
            lambda: log.adopt(),
            lambda: log.ping(),
        ]
        for call in calls:
            with pytest.raises(LogUnavailable):
                call()
        redis.start()
        soon(lambda: log.ping() is None, LogUnavailable)
        entries += append(log, "run_1", END)
        assert read_all(log, "run_1") == entries == soon(lambda: read_all(other, "run_1"), LogUnavailable)

    def test_a_full_server_is_waited_for(self, redis: Redis, open_log: OpenLog) -> None:
        log = open_log()
        entries = begin(log, "before")
        redis.command("CONFIG", "SET", "maxmemory", "1")
        entries += append(log, "run_1", "waits")
        soon(lambda: log._writer.trouble)
        with pytest.raises(LogUnavailable, match="maxmemory"):
            log.ping()
        with pytest.raises(LogUnavailable, match="maxmemory"):
            log.create("run_2")
        redis.command("CONFIG", "SET", "maxmemory", "0")
        entries += append(log, "run_1", END)
        assert read_all(log, "run_1") == entries

    def test_too_much_that_waits_is_refused(self, redis: Redis, open_log: OpenLog) -> None:
        log = open_log(tuning=replace(QUICK, max_pending_bytes=1000))
        begin(log, "before")
        redis.signal(signal.SIGSTOP)
        log.append("run_1", Raw(b"x" * 2000))
        with pytest.raises(LogUnavailable, match="falling behind"):
            append(log, "run_1", "one too many")
        redis.signal(signal.SIGCONT)
        soon(lambda: append(log, "run_1", END), LogUnavailable)

    def test_a_connection_that_is_dead_without_a_word_is_made_again(self, redis: Redis, open_log: OpenLog) -> None:
        with HalfOpen(redis) as way:
            log, other = open_log(), open_log(way.url)
            entries = begin(log, "one")
            reader = gevent.spawn(read_all, other, "run_1")
            mine = begin(other, "mine", run_id="run_2")
            way.go_silent()
            entries += append(log, "run_1", "two", END)
            mine += append(other, "run_2", "goes on", END)
            assert reader.get(timeout=BOUND_S) == entries
            assert read_all(other, "run_2") == mine

    def test_a_replica_that_is_promoted_behind_the_address_is_gone_on_with(
        self, redis: Redis, open_log: OpenLog, tmp_path: Path
    ) -> None:
        replicate = ["--replicaof", "127.0.0.1", str(redis.port), "--repl-diskless-sync-delay", "0"]
        with redis_server(tmp_path / "replica", *replicate) as replica, HalfOpen(redis) as way:
            log, other = open_log(way.url), open_log(way.url)
            entries = begin(log, "one")
            readers = [gevent.spawn(read_all, one, "run_1") for one in (log, other)]
            soon(lambda: "master_link_status:up" in replica.command("INFO", "replication"))
            replica.command("REPLICAOF", "NO", "ONE")
            way.port = replica.port
            redis.command("REPLICAOF", "127.0.0.1", str(replica.port))
            entries += append(log, "run_1", "two", END)
            assert [reader.get(timeout=BOUND_S) for reader in readers] == [entries] * 2
            log.close()
            other.close()


class HalfOpen:
    """A way to Redis, at `port`, whose present connections can be made to pass nothing on and stay open."""

    def __init__(self, redis: Redis) -> None:
        self.port = redis.port
        self._silent = 0
        self._made = 0
        self._server = StreamServer(("127.0.0.1", 0), self._pass_on)

    def __enter__(self) -> Self:
        self._server.start()
        self.url = f"redis://127.0.0.1:{self._server.server_port}/0"
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.stop(timeout=0)

    def go_silent(self) -> None:
        self._silent = self._made

    def _pass_on(self, client: Any, _address: object) -> None:
        self._made += 1
        number = self._made
        with create_connection(("127.0.0.1", self.port)) as server:
            ways = [gevent.spawn(self._pipe, number, *way) for way in ((client, server), (server, client))]
            gevent.joinall(ways, count=1)
            gevent.killall(ways)

    def _pipe(self, number: int, source: Any, target: Any) -> None:
        while data := source.recv(65_536):
            if number > self._silent:
                target.sendall(data)


def test_texts_of_a_long_outage_keep_their_order(redis: Redis, open_log: OpenLog) -> None:
    log = open_log()
    log.create("run_1")
    redis.kill()
    entries = append(log, "run_1", *map(str, range(3000)))
    redis.start()
    entries += append(log, "run_1", TextDelta("last"), END)
    assert read_all(log, "run_1") == entries


def test_it_leaves_no_greenlet_and_no_connection(redis: Redis, open_log: OpenLog, tmp_path: Path) -> None:
    before = clients(redis)
    log = open_log()
    begin(log, "one")
    soon(lambda: clients(redis) == before + 3)
    log.close()
    soon(lambda: clients(redis) == before)
    for part in (log._writer, log._follower, log._commander, log._pulse):
        soon(lambda part=part: part._greenlet is None or part._greenlet.dead)  # type: ignore[misc]


def test_one_that_was_not_started_reads_and_closes(redis: Redis, open_log: OpenLog) -> None:
    entries = begin(open_log(), "one", "two")
    log = RedisLog(redis.url)
    assert log.read("run_1") == entries
    log.close()
    RedisLog(redis.url).close()


def clients(redis: Redis) -> int:
    return redis.command("CLIENT", "LIST").count("name=chatapp")


def test_nothing_stays_in_redis_of_what_is_over(redis: Redis, open_log: OpenLog) -> None:
    here, there = open_log(retention=0.1), open_log(retention=0.1)
    begin(here, "one", END)
    here.attend("run_1")
    there.attend("run_1")
    assert read_all(there, "run_1")
    there.cancel("run_1")
    for log in (here, there):
        log.leave("run_1", None)
    here.settle("run_1")
    for log in (here, there):
        log.close()
    soon(lambda: redis.command("DBSIZE") == ":0\r\n")


def test_a_run_that_waited_for_long_is_written_in_parts(redis: Redis, open_log: OpenLog) -> None:
    log = open_log()
    log.create("run_1")
    redis.signal(signal.SIGSTOP)
    entries = append(log, "run_1", *[Raw(bytes([number]) * 100_000) for number in range(50)])
    tail = log._writer.tails["run_1"]
    assert 1 << 20 <= sum(piece.size for piece in tail.unwritten(1 << 20)) < 2 << 20
    redis.signal(signal.SIGCONT)
    entries += append(log, "run_1", END)
    assert read_all(log, "run_1") == entries
