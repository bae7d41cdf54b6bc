"""A provider in a process of its own: no answer ends before COUNT are open at once.

    python barrier_provider.py COUNT

It prints its port. Each answer is one word, a wait for all others, and another word.
"""

from gevent import monkey

monkey.patch_all()

import resource
import sys

from gevent.event import Event
from gevent.server import StreamServer
from gevent.socket import socket

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
BEGIN = b'data: {"choices":[{"index":0,"delta":{"content":"one "}}]}\n\n'
END = b'data: {"choices":[{"index":0,"delta":{"content":"two"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


class Barrier:
    def __init__(self, count: int) -> None:
        self._left = count
        self._all_here = Event()

    def serve(self, connection: socket, _address: object) -> None:
        data = b""
        while b"\r\n\r\n" not in data or b"messages" not in data:
            data += connection.recv(65_536)
        connection.sendall(HEAD + chunk(BEGIN))
        self._left -= 1
        if self._left <= 0:
            self._all_here.set()
        self._all_here.wait(120)
        connection.sendall(chunk(END) + b"0\r\n\r\n")
        connection.close()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 20_000), hard))
    server = StreamServer(("127.0.0.1", 0), Barrier(int(sys.argv[1])).serve, backlog=2048)
    server.start()
    print(server.server_port, flush=True)
    server.serve_forever()
