"""Clients that stop reading, crawl, or are cut off again and again, beside healthy ones.

The numbers are small: dozens of clients, not hundreds.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from invariants import Holdings, check_clients, check_returns
from stormy import Client, CountDown, Upstream, crawl
from waiting import soon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

READERS, CUTS = 40, 10
STUCK, CRAWLING, HEALTHY = 25, 10, 5
STUCK_KIB = 512  # twice what is aimed at: so few share what the run itself takes


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream().serving() as serving:
        yield serving


@pytest.fixture
def server(upstream: Upstream, own_server: Callable[..., Any], tmp_path: Path) -> Any:
    config = tmp_path / "chatapp.toml"
    config.write_text(upstream.config())
    return own_server(
        CHATAPP_CONFIG=str(config), CHATAPP_SEND_TIMEOUT_S="2", CHATAPP_MAX_READERS="1000", CHATAPP_MAX_OWNER_SHARE="1"
    )


def holdings(server: Any) -> Holdings:
    """Of its one worker."""
    with open(f"/proc/{server.pid}/task/{server.pid}/children") as children:
        return Holdings.of(int(children.read().split()[0]))


def read_by_all(clients: Iterable[Client]) -> list[Client]:
    readers = list(clients)
    gevent.joinall([gevent.spawn(each.read_with_cuts, 0) for each in readers], timeout=60, raise_error=True)
    return readers


def test_readers_that_are_cut_again_and_again_apply_each_event_once(upstream: Upstream, server: Any) -> None:
    client = server.client()
    first = client.send("hi", max_tokens=2)["id"]
    read_by_all(Client(server.port, first) for _ in range(READERS))  # what so many take is there
    before = holdings(server)
    run_id = client.send("hi", provider="stormy", model="steady")["id"]
    readers = [Client(server.port, run_id) for _ in range(READERS)]
    cut = CountDown(READERS, upstream.calm.set)
    storms = [gevent.spawn(reader.read_with_cuts, CUTS, cut) for reader in readers]
    gevent.joinall(storms, timeout=90, raise_error=True)
    check_clients([reader.applied for reader in readers], client.json(f"/api/v1/messages/{run_id}")["content"])
    assert all(reader.cuts == CUTS for reader in readers)
    client.session.close()
    check_returns(lambda: holdings(server), before, memory_kib=64 << 10)


def test_readers_that_never_read_cost_little_and_hurt_nobody(server: Any) -> None:
    client = server.client()
    run_id = client.send("hi", provider="stormy", model="large")["id"]
    read_by_all(Client(server.port, run_id) for _ in range(HEALTHY))  # what healthy ones take is there
    before = holdings(server)

    stuck = [Client(server.port, run_id) for _ in range(STUCK)]
    held = [each.connect() for each in stuck]
    crawling = [Client(server.port, run_id) for _ in range(CRAWLING)]
    crawls = [gevent.spawn(crawl, each) for each in crawling]
    healthy = read_by_all(Client(server.port, run_id) for _ in range(HEALTHY))
    content = client.json(f"/api/v1/messages/{run_id}")["content"]
    check_clients([each.applied for each in healthy], content)
    holdings(server).check_back_at(before, memory_kib=STUCK_KIB * (STUCK + CRAWLING), descriptors=100)

    gevent.killall(crawls)
    soon(lambda: holdings(server).sockets <= before.sockets + 2, within=30)  # the stuck ones are dropped
    for sock in held:
        sock.close()
    for each in (stuck[0], crawling[0]):
        each.read_with_cuts(0)  # and can resume
    check_clients([stuck[0].applied, crawling[0].applied], content)
    client.session.close()
