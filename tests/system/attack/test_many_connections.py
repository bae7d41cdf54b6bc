"""More connections than `select` can name (1,024), and than a shell's usual limit of open files."""

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from connections import Raw, posted
from gevent.pool import Pool

pytestmark = pytest.mark.slow

STREAMS = 700  # two files each: their sockets to the provider end beyond 1,024
IDLE = 1100
ENOUGH_FILES = 3000  # of the server: two for each stream


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The URL of a provider none of whose answers ends before all of them are open."""
    script = Path(__file__).with_name("barrier_provider.py")
    process = subprocess.Popen([sys.executable, str(script), str(STREAMS)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture(scope="module")
def server(module_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory, provider: str) -> Any:
    """One worker that was started as a shell starts it, with 1,024 files: it takes what it may."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < ENOUGH_FILES:
        pytest.skip(f"needs a hard limit of {ENOUGH_FILES} open files: ulimit -Hn")
    config = tmp_path_factory.mktemp("many") / "chatapp.toml"
    config.write_text(f'[providers.crowd]\ntype = "openai"\nbase_url = "{provider}"\nmodels = ["m"]\n')
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))
    try:
        return module_server(CHATAPP_CONFIG=str(config), WEB_CONCURRENCY="1")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_every_one_of_700_streams_at_once_ends_well(server: Any, connect: Callable[[Any], Raw]) -> None:
    ask = posted("/chat/stream", {"provider": "crowd", "messages": [{"role": "user", "content": "hi"}]})
    pool = Pool(STREAMS)
    answers = [pool.spawn(lambda: connect(server).send(ask).rest()) for _ in range(STREAMS)]
    gevent.joinall(answers, timeout=180)
    ended = [answer.value for answer in answers if answer.value and b"event: done" in answer.value]
    assert len(ended) == STREAMS, next((answer.value for answer in answers if answer.value not in ended), None)


def test_a_run_beside_1100_idle_connections_ends_well(server: Any, connect: Callable[[Any], Raw]) -> None:
    idle = [connect(server).send(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n") for _ in range(IDLE)]
    ask = {"provider": "crowd", "messages": [{"role": "user", "content": "hi"}]}
    assert b"event: done" in connect(server).send(posted("/chat/stream", ask)).rest()
    assert len(idle) == IDLE
