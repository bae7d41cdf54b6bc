"""The clients of a load test: many streams at once, in one cheap process.

    python bench/_load.py PORT STREAMS START BEGIN END WINDOWS [PATH]

It opens the streams evenly between START and a second before BEGIN, and counts the tokens that
arrive between BEGIN and END (seconds of the monotonic clock), in so many equal windows. It prints
one line of JSON, then keeps the streams open until it is killed. A token is a line of `data:` with
the 20 digits of its stamp (see _upstream.py), bare or in JSON, regardless of the lines around it.

With the PATH of messages it begins one run, and all its streams follow that.
"""

import gc
import json
import re
import select
import socket
import sys
from collections.abc import Sequence
from http.client import HTTPConnection
from time import monotonic, monotonic_ns, sleep

PATH = "/chat/stream"
MESSAGES = "/api/v1/messages"
ASKED = {"provider": "bench", "model": "paced", "messages": [{"role": "user", "content": "go"}]}
BODY = json.dumps(ASKED).encode()
OPENAI_BODY = json.dumps({**ASKED, "stream": True}).encode()  # of any other path
MESSAGE_BODY = json.dumps({"provider": "bench", "model": "paced", "prompt": "go"}).encode()
FOLLOW = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n"
REQUEST = b"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
SETTLE_S = 1.0  # between the last stream and BEGIN
READ_BYTES = 65_536

_stamps = re.compile(rb"^data: (?:\{.*?\")?(\d{20})\b", re.MULTILINE).findall


class Client:
    """One stream."""

    def __init__(self, port: int, request: bytes) -> None:
        self.asked_ns = monotonic_ns()
        self.first_byte_ns = 0
        self.refused = False
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.sendall(request)
        self._rest = b""

    def stamps(self) -> list[bytes] | None:
        """The stamps of the tokens that have arrived; None at the end of the stream."""
        data = self.sock.recv(READ_BYTES)
        if not data:
            return None
        if not self.first_byte_ns:
            self.first_byte_ns = monotonic_ns()
            self.refused = not data.startswith(b"HTTP/1.1 200 ")
        data = self._rest + data
        cut = data.rfind(b"\n") + 1
        self._rest = data[cut:]
        return _stamps(data[:cut])


class Load:
    def __init__(self, port: int, path: str, streams: int, times: Sequence[float], windows: int) -> None:
        start, begin, end = times
        self.delays_ns: list[int] = []
        self.events = [0] * windows
        self.lost = 0  # streams that ended early
        self.clients: dict[int, Client] = {}
        self._port, self._request = port, _request(port, path)
        self._opening = [start + (begin - SETTLE_S - start) * number / streams for number in range(streams)][::-1]
        self._begin_ns, self._window_ns = int(begin * 1e9), int((end - begin) * 1e9 / windows)
        self._end = end
        self._epoll = select.epoll()

    def run(self) -> None:
        while (now := monotonic()) < self._end:
            if self._opening and self._opening[-1] <= now:
                self._opening.pop()
                self._open()
            wait = min([self._end, *self._opening[-1:]]) - now
            for fd, _ in self._epoll.poll(max(wait, 0)):
                self._take(fd)

    def _open(self) -> None:
        client = Client(self._port, self._request)
        self.clients[client.sock.fileno()] = client
        self._epoll.register(client.sock, select.EPOLLIN)

    def _take(self, fd: int) -> None:
        stamps = self.clients[fd].stamps()
        if stamps is None:
            self.lost += 1
            self._epoll.unregister(fd)
            return
        now = monotonic_ns()
        if now >= self._begin_ns:
            self.events[min((now - self._begin_ns) // self._window_ns, len(self.events) - 1)] += len(stamps)
            self.delays_ns += [now - int(stamp) for stamp in stamps]


def _request(port: int, path: str) -> bytes:
    if path != MESSAGES:
        body = BODY if path == PATH else OPENAI_BODY
        return REQUEST % (path.encode(), port, len(body), body)
    asked = HTTPConnection("127.0.0.1", port)
    asked.request("POST", path, MESSAGE_BODY, {"Content-Type": "application/json"})
    return FOLLOW % (json.loads(asked.getresponse().read())["events_url"].encode(), port)


def percentiles_ms(values_ns: Sequence[int]) -> list[float]:
    """p50 and p99."""
    ordered = sorted(values_ns) or [0]
    return [ordered[int(share * (len(ordered) - 1))] / 1e6 for share in (0.50, 0.99)]


def main() -> None:
    port, streams = map(int, sys.argv[1:3])
    times = [float(each) for each in sys.argv[3:6]]
    sleep(max(times[0] - monotonic(), 0))
    load = Load(port, (sys.argv[7:] or [PATH])[0], streams, times, int(sys.argv[6]))
    load.run()
    now = monotonic_ns()
    clients = load.clients.values()
    result = {
        "events": load.events,
        "lost": load.lost + sum(client.refused for client in clients),
        "first_byte_ms": percentiles_ms([(client.first_byte_ns or now) - client.asked_ns for client in clients]),
        "added_ms": percentiles_ms(load.delays_ns),
    }
    print(json.dumps(result), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    gc.disable()
    main()
