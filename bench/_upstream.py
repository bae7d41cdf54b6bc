"""A cheap fake provider: OpenAI's chat completions, a chunk every PACE_MS to each stream, forever.

    python bench/_upstream.py PACE_MS [tokens] [length=EVENTS] [CERTIFICATE KEY]

It prints its port and serves until it is killed. With `tokens` it speaks as a chat server does that
has this one as its provider, for a proxy; with the files of a certificate and its key, over TLS.

The text of a chunk is the time at which it was sent, in ns of the monotonic clock. All processes
share that clock, so a receiver can tell how long the chunk took. With PACE_MS 0, chunks are sent as
fast as they are read, many per write, all with the stamp 0; and if there is a length, the reply ends
after so many. One thread and bare sockets: the
instrument must cost less than the server it measures.
"""

import gc
import heapq
import select
import socket
import ssl
import sys
from time import monotonic_ns, sleep

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = (
    b'data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"bench",'
    b'"choices":[{"index":0,"delta":{"content":"%020d"},"finish_reason":null}]}\n\n'
)
LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
TOKEN = b"event: token\ndata: %020d\n\n"
BATCH_EVENTS = 256  # flat out: 50 KB per write
GOLDEN = 0.618034  # spreads any number of streams evenly over the pace
NAP_S = 0.001  # at most, so that new connections do not wait


class Stream:
    """A connection: first its request, then chunks until it is closed."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self.is_open = True
        self._request: bytes | None = b""
        self._unsent = memoryview(b"")

    def take(self) -> bool:
        """Read from the socket; return whether this completed the request."""
        try:
            data = self.sock.recv(65_536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except OSError:
            data = b""
        self.is_open = bool(data)
        if self._request is None:
            return False
        self._request += data
        head, _, body = self._request.partition(b"\r\n\r\n")
        _, _, length = head.lower().partition(b"content-length: ")
        if not length or len(body) < int(length.split(b"\r\n")[0]):
            return False
        self._request = None
        return True

    @property
    def is_done(self) -> bool:
        return not self._unsent

    def expect_request(self) -> None:
        self._request = b""

    def push(self, data: bytes) -> None:
        """Send `data`, or drop it if the last data is still unsent: then the server is too slow."""
        try:
            self._unsent = self._unsent or memoryview(data)
            self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except OSError:
            pass  # the buffer is full, or the connection gone, which the next `take` sees


class Upstream:
    def __init__(self, pace_ns: int, event: bytes, length: int, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self._pace_ns = pace_ns
        self._chunk = b"%x\r\n%s\r\n" % (len(event % 0), event)
        self._batch = (self._chunk % 0) * BATCH_EVENTS
        self._whole = (self._chunk % 0) * length + b"%x\r\n%s\r\n0\r\n\r\n" % (len(LAST), LAST) if length else b""
        self._streams: dict[int, Stream] = {}
        self._due: list[tuple[int, int, Stream]] = []  # a heap by time; the number breaks ties
        self._begun = 0
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)

    def serve(self) -> None:
        while True:
            nap = self._send_due()
            if self._due:
                sleep(nap)
            for fd, event in self._epoll.poll(0 if self._due else NAP_S):
                if fd == self._listener.fileno():
                    self._accept()
                    continue
                stream = self._streams[fd]
                if event & select.EPOLLOUT:
                    self._flood(stream)
                if event & ~select.EPOLLOUT:
                    self._take(stream)

    def _accept(self) -> None:
        sock = self._listener.accept()[0]
        try:
            stream = Stream(self._tls.wrap_socket(sock, server_side=True) if self._tls else sock)
        except OSError as error:
            print(f"a handshake failed: {error}", file=sys.stderr)
            return
        self._streams[stream.sock.fileno()] = stream
        self._epoll.register(stream.sock, select.EPOLLIN)

    def _take(self, stream: Stream) -> None:
        if stream.take():
            self._begin(stream)
        elif not stream.is_open:
            del self._streams[stream.sock.fileno()]
            stream.sock.close()

    def _begin(self, stream: Stream) -> None:
        stream.push(HEAD)
        if self._pace_ns:
            self._begun += 1
            phase = int(self._begun * GOLDEN % 1 * self._pace_ns)
            heapq.heappush(self._due, (monotonic_ns() + phase, self._begun, stream))
        else:
            stream.push(self._whole)
            self._epoll.modify(stream.sock, select.EPOLLIN | select.EPOLLOUT)

    def _flood(self, stream: Stream) -> None:
        if not self._whole:
            stream.push(self._batch)
        elif stream.is_done:
            stream.expect_request()
            self._epoll.modify(stream.sock, select.EPOLLIN)
        else:
            stream.push(b"")

    def _send_due(self) -> float:
        """Send the chunks that are due; return the seconds to the next chunk or poll."""
        while self._due:
            due, number, stream = self._due[0]
            now = monotonic_ns()
            if due > now:
                return min((due - now) / 1e9, NAP_S)
            if stream.is_open:
                stream.push(self._chunk % now)
                heapq.heapreplace(self._due, (due + self._pace_ns, number, stream))
            else:
                heapq.heappop(self._due)
        return 0.0


if __name__ == "__main__":
    gc.disable()
    tls = None
    if sys.argv[-1].endswith(".pem"):
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*sys.argv[-2:])
    length = sum(int(each.partition("=")[2]) for each in sys.argv if each.startswith("length="))
    upstream = Upstream(int(float(sys.argv[1]) * 1e6), TOKEN if "tokens" in sys.argv else EVENT, length, tls)
    print(upstream.port, flush=True)
    upstream.serve()
