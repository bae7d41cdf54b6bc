"""`chatapp chat`, `runs`, `db`, `probe` and `serve` as commands, beside a real server."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.server import StreamServer
from servers import needs_nginx, nginx
from waiting import START_S

pytestmark = pytest.mark.slow

CHATAPP = str(Path(sys.executable).parent / "chatapp")
BOUND_S = START_S  # each command is a process that starts
QUICK = ("--count", "4", "--interval", "0.3")
SITE = "server { listen 127.0.0.1:%d; location / { proxy_pass %s; proxy_set_header Host $http_host; %s } }"
GZIP = "gzip on; gzip_types text/event-stream; gzip_proxied any; gzip_min_length 0;"
DEAF = "proxy_ignore_headers X-Accel-Buffering;"


def environment(**env: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CHATAPP_")}
    return {**inherited, "TERM": "xterm", "COLUMNS": "80", **env}


def run(*words: str, input: str = "", **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CHATAPP, *words],
        input=input,
        env=environment(**env),
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


def started(*words: str, **env: str) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    return subprocess.Popen([CHATAPP, *words], env=environment(**env), stdin=pipe, stdout=pipe, stderr=pipe)


def ask(server: Any, *words: str, input: str = "hi") -> subprocess.CompletedProcess[str]:
    return run("chat", "--url", server.url, "--provider", "mock", *words, input=input)


def last_answer(client: Any) -> dict[str, Any]:
    newest = client.json("/api/v1/conversations")["conversations"][0]
    answer: dict[str, Any] = client.json(f"/api/v1/conversations/{newest['id']}")["messages"][-1]
    return answer


def test_a_pipe_gets_the_answer_and_nothing_else(server: Any) -> None:
    told = ask(server, "--model", "think")
    assert told.returncode == 0 and told.stderr == ""
    assert told.stdout == last_answer(server.client())["content"] + "\n"


def test_a_failed_answer_says_so_and_fails(server: Any) -> None:
    told = ask(server, "--model", "fail-late")
    assert told.returncode == 1 and told.stdout and "mock failed" in told.stderr
    assert ask(server, "--model", "no-such-model").returncode == 1


def test_ctrl_c_cancels_the_run(server: Any) -> None:
    with started("chat", "hi", "--url", server.url, "--provider", "mock", "--model", "slow") as talk:
        assert talk.stdout and talk.stdout.read(1)
        talk.send_signal(signal.SIGINT)
        assert talk.wait(BOUND_S) == 130
    assert last_answer(server.client())["finish_reason"] == "cancelled"


def test_a_call_that_needs_approval_is_refused_without_a_terminal(own_server: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_ASK_TOOLS="calculate")
    told = ask(server, "--model", "tools", "--tool", "calculate")
    assert told.returncode == 2 and "--yes" in told.stderr
    told = ask(server, "--model", "tools", "--tool", "calculate", "--yes")
    assert told.returncode == 0 and told.stdout


def test_a_cut_connection_is_taken_up_where_it_broke(server: Any) -> None:
    """Through something that closes each connection after a few hundred bytes."""

    def carry(source: Any, target: Any, most: int) -> None:
        while most > 0 and (data := source.recv(min(most, 4096))):
            target.sendall(data)
            most -= len(data)
        source.close()
        target.close()

    def forward(sock: Any, _address: object) -> None:
        upstream = socket.create_connection(("127.0.0.1", server.port))
        gevent.spawn(carry, sock, upstream, 1 << 20)
        carry(upstream, sock, 2500)

    cutter = StreamServer(("127.0.0.1", 0), forward)
    cutter.start()
    try:
        url = f"http://127.0.0.1:{cutter.server_port}"
        told = run("chat", "hi", "--url", url, "--provider", "mock")
    finally:
        cutter.stop(timeout=0)
    assert told.returncode == 0 and "trying again" in told.stderr
    assert told.stdout == last_answer(server.client())["content"] + "\n"


def test_a_killed_server_that_comes_back_ends_the_answer_where_it_was(own_server: Callable[..., Any]) -> None:
    server = own_server()
    with started("chat", "hi", "--url", server.url, "--provider", "mock", "--model", "slow") as talk:
        assert talk.stdout and talk.stderr
        seen = talk.stdout.read(5)
        port = server.port
        server.kill()
        server.start(port)
        assert talk.wait(BOUND_S) == 1
        seen += talk.stdout.read()
        assert b"trying again" in talk.stderr.read()
    answer = last_answer(server.client())
    assert answer["finish_reason"] == "interrupted" and seen.decode() == answer["content"] + "\n"


class Terminal:
    """A command on a terminal of its own. `shown` is all that it wrote so far."""

    def __init__(self, *words: str, **env: str) -> None:
        self.shown = ""
        self._pid, self._file = pty.fork()
        if self._pid == 0:
            os.execve(CHATAPP, [CHATAPP, *words], environment(**env))

    def type(self, line: str) -> None:
        os.write(self._file, line.encode())

    def until(self, text: str) -> None:
        """Read on until it shows."""
        begin, deadline = len(self.shown), time.monotonic() + BOUND_S
        while text not in self.shown[begin:]:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self._file], [], [], left)[0], f"no {text!r} in {self.shown[begin:]!r}"
            data = os.read(self._file, 65_536)
            if b"\x1b[6n" in data:
                os.write(self._file, b"\x1b[1;1R")  # the terminal tells where its cursor is
            self.shown += data.decode("utf-8", "replace")

    def wait(self) -> int:
        """The exit code; killed if it does not end."""
        try:
            while select.select([self._file], [], [], BOUND_S)[0] and os.read(self._file, 65_536):
                pass
            os.kill(self._pid, signal.SIGKILL)
        except OSError:  # how a terminal ends
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def test_a_talk_at_a_terminal(server: Any, tmp_path: Path) -> None:
    talk = Terminal("chat", "--url", server.url, "--provider", "mock", CHATAPP_DATA=str(tmp_path / "data"))
    talk.until("mock>")
    talk.type("hello\r")
    talk.until("stop · ")
    talk.until("mock>")
    talk.type("/model slow\r")
    talk.until("by mock/slow")
    talk.until("mock/slow>")
    talk.type("go on\r")
    talk.until("You")
    talk.type("\x03")
    talk.until("cancelled · ")
    talk.until("mock/slow>")
    talk.type("\x04")
    assert talk.wait() == 0
    history = tmp_path / "data" / "chat_history"
    assert history.stat().st_mode & 0o777 == 0o600 and "hello" in history.read_text()
    assert last_answer(server.client())["finish_reason"] == "cancelled"


def test_a_call_is_approved_at_a_terminal(own_server: Callable[..., Any], tmp_path: Path) -> None:
    server = own_server(CHATAPP_ASK_TOOLS="calculate")
    words = ("chat", "--url", server.url, "--provider", "mock", "--model", "tools", "--tool", "calculate")
    talk = Terminal(*words, CHATAPP_DATA=str(tmp_path / "data"))
    talk.until("mock/tools>")
    talk.type("hello\r")
    talk.until("[y/n]")
    talk.type("y\r")
    talk.until("approved")
    talk.until("stop · ")
    talk.until("mock/tools>")
    talk.type("\x04")
    assert talk.wait() == 0


def test_runs_are_listed_shown_and_replayed_beside_the_server(server: Any) -> None:
    client, data = server.client(), str(server.data)
    run_id = client.send("hi")["id"]
    client.follow(run_id).to_end()
    listed = json.loads(run("runs", "list", "--json", CHATAPP_DATA=data).stdout)
    mine = next(each for each in listed if each["id"] == run_id)
    assert (mine["owner"], mine["provider"], mine["model"], mine["state"]) == ("local", "mock", "words", "stop")
    assert run_id in run("runs", "list", "--state", "stop", CHATAPP_DATA=data).stdout
    content = client.json(f"/api/v1/messages/{run_id}")["content"]
    assert json.loads(run("runs", "show", run_id, CHATAPP_DATA=data).stdout)["content"] == content
    entries = run("runs", "show", run_id, "--entries", CHATAPP_DATA=data).stdout.splitlines()
    assert json.loads(entries[0])["event"] == "run-start" and json.loads(entries[-1])["event"] == "run-end"
    assert run("runs", "replay", run_id, "--pace", "50", CHATAPP_DATA=data).stdout == content + "\n"
    frames = run("runs", "replay", run_id, "--dialect", "token", CHATAPP_DATA=data).stdout
    assert frames.encode() == client.follow(run_id, dialect="token").response.content


def test_a_backup_under_load_has_every_message_that_had_ended(own_server: Callable[..., Any], tmp_path: Path) -> None:
    server = own_server()
    client = server.client()
    ended = [client.send(f"number {number}", max_tokens=5) for number in range(5)]
    for posted in ended:
        client.follow(posted["id"]).to_end()
    running = [client.send("hi", model="slow")["id"] for _ in range(10)]
    backup = tmp_path / "b.tar"
    assert run("db", "backup", str(backup), CHATAPP_DATA=str(server.data)).returncode == 0
    refused = run("db", "restore", str(backup), "--yes", CHATAPP_DATA=str(server.data))
    assert refused.returncode == 1 and "stop the server" in refused.stderr
    server.kill()

    other = own_server()
    other.kill()
    assert run("db", "restore", str(backup), "--yes", CHATAPP_DATA=str(other.data)).returncode == 0
    client = other.start().client()
    for posted in ended:
        assert client.json(f"/api/v1/messages/{posted['id']}")["finish_reason"] == "length"
        assert len(client.json(f"/api/v1/conversations/{posted['conversation_id']}")["messages"]) == 2
    for run_id in running:
        assert client.follow(run_id).to_end()[-1].type == "error"
        assert client.json(f"/api/v1/messages/{run_id}")["finish_reason"] == "interrupted"


def test_a_port_in_use_is_one_line(server: Any, tmp_path: Path) -> None:
    refused = run("serve", PORT=str(server.port), HOST="127.0.0.1", CHATAPP_DATA=str(tmp_path))
    assert refused.returncode == 1
    assert refused.stderr == (
        f"Error: PORT: {server.port} is in use on 127.0.0.1; stop what listens there, or choose another PORT\n"
    )


def test_the_doctor_finds_a_server_s_folder_well(server: Any, tmp_path: Path) -> None:
    seen = run("doctor", "--url", server.url, "--json", CHATAPP_DATA=str(server.data), OLLAMA_HOST="127.0.0.1:1")
    assert seen.returncode == 0, seen.stdout + seen.stderr
    assert json.loads(seen.stdout)["well"] and seen.stderr == ""
    config = tmp_path / "chatapp.toml"
    config.write_text('[providers.mine]\ntype = "openai"\napi_key_env = "MINE_KEY"\n')
    seen = run("doctor", CHATAPP_CONFIG=str(config), CHATAPP_DATA=str(server.data), OLLAMA_HOST="127.0.0.1:1")
    assert seen.returncode == 1 and "MINE_KEY" in seen.stdout


@pytest.fixture(scope="module")
def hops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """An nginx in front of something, with these directives; all of them run at once."""
    with ExitStack() as stack:

        def hop(target: str, directives: str = "") -> str:
            site = partial(_site, target=target, directives=directives)
            return stack.enter_context(nginx(tmp_path_factory.mktemp("nginx"), site))

        yield hop


@needs_nginx
@pytest.mark.parametrize(
    ("chain", "code", "lines"),
    [
        ([""], 0, []),
        ([DEAF], 1, ["proxy_buffering off;"]),
        ([f"{DEAF} {GZIP}"], 1, ["proxy_buffering off;", "gzip off;"]),
        (["", ""], 1, ["proxy_buffering off;"]),  # the inner one keeps the header to itself
        (["", "proxy_buffering off;"], 0, []),
        (["proxy_pass_header X-Accel-Buffering;", ""], 0, []),
        ([DEAF, "proxy_buffering off;"], 1, ["proxy_buffering off;"]),
        ([GZIP], 0, []),  # passed on at once, and noted
    ],
    ids=["off", "on", "on with gzip", "nested", "outer off", "header passed on", "inner on", "gzip"],
)
def test_the_probe_finds_what_holds_ticks_back(
    server: Any, hops: Callable[..., str], chain: list[str], code: int, lines: list[str]
) -> None:
    urls = [server.url]
    for directives in chain:
        urls.insert(0, hops(urls[0], directives))
    probed = run("probe", urls[0], "--json", *QUICK)
    verdict = json.loads(probed.stdout)
    assert (probed.returncode, verdict["lines"]) == (code, lines), probed.stdout
    assert bool(verdict["notes"]) == bool(code or "gzip on" in chain[0])


@needs_nginx
def test_the_probe_names_the_hop_of_several(server: Any, hops: Callable[..., str]) -> None:
    inner = hops(server.url, DEAF)
    outer = hops(inner, "proxy_buffering off;")
    probed = run("probe", outer, inner, server.url, *QUICK)
    assert probed.returncode == 1
    assert f"between {inner} and {server.url}" in probed.stdout and "    proxy_buffering off;\n" in probed.stdout


@pytest.mark.parametrize("path", ["/healthz", "/nowhere"])
def test_what_is_no_stream_cannot_be_probed(server: Any, path: str) -> None:
    probed = run("probe", server.url + path)
    assert probed.returncode == 2 and probed.stderr.startswith("Error: ") and probed.stdout == ""


def _site(port: int, target: str, directives: str) -> str:
    return SITE % (port, target, directives)
