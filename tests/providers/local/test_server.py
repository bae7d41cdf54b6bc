"""The local model for real: llama.cpp in its helper process.

Slow; needs the extra `local` and its weights.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import gevent
import pytest
from waiting import soon

from chatapp.cancel import CancelScope
from chatapp.errors import Unreachable
from chatapp.providers.local.server import LocalServer

pytestmark = pytest.mark.slow

needs_model = pytest.mark.skipif(not LocalServer(Path()).available(), reason=f"{LocalServer(Path()).missing()}")

OTHER_PROCESS = """
from gevent import monkey; monkey.patch_all()
import gevent, sys
from pathlib import Path
from chatapp.cancel import CancelScope
from chatapp.providers.local.server import LocalServer
server = LocalServer(Path(sys.argv[1]))
print(server.base_url(CancelScope()), flush=True)
gevent.sleep(600)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LocalServer]:
    server = LocalServer(tmp_path, threads=1)
    yield server
    server.close()


@pytest.fixture
def other_process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another worker on the same folder; the first line that it prints is its URL."""
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


@pytest.fixture
def helpers() -> Callable[[], list[int]]:
    """The children that this process started since the test began, including zombies."""
    others = _children_of_this_process()
    return lambda: [pid for pid in _children_of_this_process() if pid not in others]


@needs_model
def test_it_answers_token_by_token(server: LocalServer) -> None:
    deltas = list(_deltas(_ask(server.base_url(CancelScope()), "Why is the sky blue?", max_tokens=30)))
    assert len(deltas) > 10
    assert "light" in "".join(deltas)


@needs_model
def test_a_second_process_shares_the_helper(server: LocalServer, other_process: subprocess.Popen[str]) -> None:
    first = other_process.stdout.readline().strip()
    assert server.base_url(CancelScope()) == first
    server.close()  # not ours: it must stay
    assert _ask(first, "Hi").status == 200


@needs_model
def test_many_first_uses_at_once_start_one_helper(server: LocalServer, helpers: Callable[[], list[int]]) -> None:
    uses = [gevent.spawn(lambda: server.base_url(CancelScope())) for _ in range(5)]
    assert len({use.get() for use in uses}) == 1
    assert len(helpers()) == 1


@needs_model
def test_a_killed_helper_is_replaced_at_the_next_use(
    server: LocalServer, tmp_path: Path, helpers: Callable[[], list[int]]
) -> None:
    first = server.base_url(CancelScope())
    _kill(_helper_pid(tmp_path))
    second = server.base_url(CancelScope())
    assert second != first
    assert _ask(second, "Hi").status == 200
    assert len(helpers()) == 1, "the dead one was reaped"


@needs_model
def test_a_killed_helper_of_another_process_is_replaced_too(
    server: LocalServer, other_process: subprocess.Popen[str], tmp_path: Path
) -> None:
    other_process.stdout.readline()
    _kill(_helper_pid(tmp_path))
    assert _ask(server.base_url(CancelScope()), "Hi").status == 200


@needs_model
def test_a_killed_owner_takes_its_helper_along(
    server: LocalServer, other_process: subprocess.Popen[str], tmp_path: Path
) -> None:
    other_process.stdout.readline()
    helper = _helper_pid(tmp_path)
    other_process.kill()
    soon(lambda: not _is_running(helper), within=2)
    assert _ask(server.base_url(CancelScope()), "Hi").status == 200


@needs_model
def test_close_leaves_no_process_and_no_file(
    server: LocalServer, tmp_path: Path, helpers: Callable[[], list[int]]
) -> None:
    server.base_url(CancelScope())
    helper = _helper_pid(tmp_path)
    server.close()
    assert not _is_running(helper)
    assert helpers() == []
    assert not (tmp_path / "local.json").exists()
    with pytest.raises(Unreachable, match="stopping"):
        server.base_url(CancelScope())


@needs_model
def test_close_during_the_start_leaves_no_process(server: LocalServer, helpers: Callable[[], list[int]]) -> None:
    use = gevent.spawn(server.base_url, CancelScope())
    soon(lambda: helpers() != [])
    server.close()
    with pytest.raises(Unreachable):
        use.get()
    assert helpers() == []


@needs_model
def test_a_closed_connection_stops_the_generation(server: LocalServer) -> None:
    url = server.base_url(CancelScope())
    response = _ask(url, "Tell me a very long story.", max_tokens=4000)
    next(_deltas(response))
    assert _busy_slots(url) == 1
    response.close()
    soon(lambda: _busy_slots(url) == 0, within=1)


@needs_model
def test_a_stop_while_it_loads_leaves_the_load_to_the_next_use(
    server: LocalServer, tmp_path: Path, helpers: Callable[[], list[int]]
) -> None:
    scope = CancelScope()
    use = gevent.spawn(_reason_of, lambda: server.base_url(scope))
    soon(lambda: helpers() != [])
    scope.cancel(KeyError)
    assert isinstance(use.get(timeout=1), KeyError)
    (loading,) = helpers()
    server.base_url(CancelScope())
    assert _helper_pid(tmp_path) == loading


@needs_model
def test_the_model_is_private_to_those_who_can_read_the_folder(server: LocalServer, tmp_path: Path) -> None:
    address = urlsplit(server.base_url(CancelScope()))
    assert address.hostname == "127.0.0.1"
    assert _ask(f"http://{address.netloc}/v1", "Hi").status == 404
    assert (tmp_path / "local.json").stat().st_mode & 0o077 == 0


@needs_model
def test_a_file_that_is_no_model_is_a_clear_error(tmp_path: Path, helpers: Callable[[], list[int]]) -> None:
    model = tmp_path / "broken.gguf"
    model.write_bytes(b"GGUF, but not for long")
    server = LocalServer(tmp_path, model_path=model)
    with pytest.raises(Unreachable, match=r"local\.log"):
        server.base_url(CancelScope())
    assert "failed to load model" in (tmp_path / "local.log").read_text()
    assert helpers() == []


@needs_model
def test_a_start_that_takes_too_long_is_ended(tmp_path: Path, helpers: Callable[[], list[int]]) -> None:
    server = LocalServer(tmp_path, start_timeout_s=0.01)
    with pytest.raises(Unreachable):
        server.base_url(CancelScope())
    server.close()
    assert helpers() == []


def test_a_missing_file_is_named_as_such(tmp_path: Path) -> None:
    server = LocalServer(tmp_path, model_path=tmp_path / "no.gguf")
    assert not server.available()
    with pytest.raises(Unreachable):
        server.base_url(CancelScope())


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2-135m"),
        ("Qwen2.5-0.5B-Instruct-Q4_K_M.gguf", "qwen2.5-0.5b"),
        ("tiny-f16.gguf", "tiny"),
        ("plain.gguf", "plain"),
    ],
)
def test_a_model_is_named_without_how_it_was_packed(file: str, name: str, tmp_path: Path) -> None:
    assert LocalServer(tmp_path, model_path=tmp_path / file).models() == (name,)


def _ask(base_url: str, prompt: str, max_tokens: int = 5) -> HTTPResponse:
    address = urlsplit(base_url)
    connection = HTTPConnection(address.hostname, address.port, timeout=60)
    body = {
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": max_tokens,
        "stream": True,
        "temperature": 0,
    }
    # `Connection: close` hands the socket to the response: closing it closes the connection.
    headers = {"Content-Type": "application/json", "Connection": "close"}
    connection.request("POST", address.path + "/chat/completions", json.dumps(body), headers)
    return connection.getresponse()


def _deltas(response: HTTPResponse) -> Iterator[str]:
    for line in response:
        if line.startswith(b"data: {"):
            content = json.loads(line[6:])["choices"][0]["delta"].get("content")
            if content:
                yield content


def _busy_slots(base_url: str) -> int:
    address = urlsplit(base_url)
    connection = HTTPConnection(address.hostname, address.port, timeout=60)
    connection.request("GET", address.path.removesuffix("/v1") + "/slots", headers={"Connection": "close"})
    with connection.getresponse() as response:
        return sum(slot["is_processing"] for slot in json.load(response))


def _reason_of(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except KeyError as error:
        return error
    return None


def _helper_pid(folder: Path) -> int:
    pid: int = json.loads((folder / "local.json").read_text())["pid"]
    return pid


def _kill(pid: int) -> None:
    """Send SIGKILL and wait for the end: until then the kernel accepts connections for it."""
    os.kill(pid, signal.SIGKILL)
    soon(lambda: not _is_running(pid))


def _children_of_this_process() -> list[int]:
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def _is_running(pid: int) -> bool:
    """Whether any thread runs: the first one is a zombie at once, while others still hold the
    socket.
    """
    return any(_state(task) not in "ZX" for task in Path("/proc").glob(f"{pid}/task/*"))


def _state(task: Path) -> str:
    try:
        return (task / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"
