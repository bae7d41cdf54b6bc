"""A server whose provider and client are this process, so that they take turns with it: for counting."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import NamedTuple, Self

from _load import BODY
from _upstream import EVENT, HEAD

START_S = 60.0

_ids = re.compile(rb"^id: (\d+)$", re.MULTILINE).findall
_stamps = count(1)

CONFIG = """
[providers.bench]
type = "openai"
base_url = "http://127.0.0.1:{port}/v1"
models = ["paced"]
"""


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
def served(log: str, options: Sequence[str], before: Sequence[str] = ()) -> Iterator[Server]:
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


def get(port: int, path: str) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=START_S)
    connection.request("GET", path, headers={"Connection": "close"})
    data = connection.getresponse().read()
    connection.close()
    return data


def _wait_until_it_answers(port: int, server: "subprocess.Popen[bytes]", output: Path) -> None:
    give_up = time.monotonic() + START_S
    while True:
        try:
            get(port, "/healthz")
            return
        except (OSError, HTTPException):
            if server.poll() is not None or time.monotonic() > give_up:
                sys.exit(f"the server did not start: {output.read_text()}")
            time.sleep(0.1)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])
