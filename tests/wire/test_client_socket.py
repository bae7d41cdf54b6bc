"""The client's connection during a response: everything arrives, and it is left unchanged."""

from collections.abc import Iterator
from socket import IPPROTO_TCP, TCP_USER_TIMEOUT

import gevent
import pytest
from gevent import get_hub
from gevent.event import AsyncResult, Event
from gevent.socket import create_connection, create_server, socket, socketpair

from chatapp.wire.client_socket import ClientSocket, Stuck, Unsent

LARGE = bytes(range(256)) * 8192  # more than both kernel buffers hold


class Server:
    """As much of gunicorn's response as is looked at."""

    def __init__(self, sock: socket, chunked: bool = True) -> None:
        self.sock, self.chunked, self.sent = sock, chunked, 0

    def write(self, data: bytes) -> None:
        self.sock.sendall(data)


@pytest.fixture
def pair() -> Iterator[tuple[socket, socket]]:
    ours, clients = socketpair()
    with ours, clients:
        yield ours, clients


def test_a_write_that_the_kernel_takes_in_parts_arrives_whole_and_in_order(pair: tuple[socket, socket]) -> None:
    ours, clients = pair
    watched = ClientSocket(ours, lambda: None, send_timeout_s=30, buffer_bytes=4096)
    watched.start()
    writer = gevent.spawn(lambda: [ours.sendall(b"small"), ours.sendall(LARGE), ours.close()])
    received = b"".join(iter(lambda: clients.recv(65_536), b""))
    writer.get()
    assert received == b"small" + LARGE


def test_a_client_that_takes_nothing_ends_the_write(pair: tuple[socket, socket]) -> None:
    ours, _ = pair
    watched = ClientSocket(ours, lambda: None, send_timeout_s=0.05, buffer_bytes=4096)
    watched.start()
    with pytest.raises(Stuck, match="took no data"):
        ours.sendall(LARGE)
    watched.stop()


def test_the_hub_waits_for_no_client(pair: tuple[socket, socket]) -> None:
    ours, clients = pair
    watched = ClientSocket(ours, lambda: None, send_timeout_s=30, buffer_bytes=4096)
    watched.start()
    sending: AsyncResult[Unsent] = AsyncResult()
    write = watched.hub_write(Server(ours, chunked=False).write)
    assert write is not None

    def send() -> None:
        try:
            write(LARGE)
        except Unsent as rest:
            sending.set(rest)

    get_hub().loop.run_callback(send)
    rest = sending.get(timeout=10)
    writer = gevent.spawn(lambda: [rest.send(), ours.sendall(b"small"), ours.close()])
    received = b"".join(iter(lambda: clients.recv(65_536), b""))
    writer.get()
    assert received == LARGE + b"small"


def test_only_the_write_of_the_server_itself_may_be_called_in_the_hub(pair: tuple[socket, socket]) -> None:
    ours, clients = pair
    watched = ClientSocket(ours, lambda: None, send_timeout_s=30, buffer_bytes=4096)
    assert watched.hub_write(Server(ours).write) is None  # not yet
    watched.start()
    assert watched.hub_write(Server(ours).write)
    assert watched.hub_write(Server(clients).write) is None
    assert watched.hub_write([].append) is None  # a host that takes the body as a whole
    assert watched.hub_write(lambda data: ours.sendall(data)) is None
    watched.stop()
    assert watched.hub_write(Server(ours).write) is None


@pytest.mark.parametrize(("chunked", "sent"), [(True, b"b\r\nhello world\r\n"), (False, b"hello world")])
def test_a_piece_is_framed_as_the_server_frames_it(pair: tuple[socket, socket], chunked: bool, sent: bytes) -> None:
    ours, clients = pair
    watched = ClientSocket(ours, lambda: None, send_timeout_s=30, buffer_bytes=4096)
    watched.start()
    server = Server(ours, chunked)
    write = watched.hub_write(server.write)
    assert write is not None
    write(b"hello world")
    assert clients.recv(100) == sent
    assert server.sent == len(b"hello world")  # the line of the request tells it


def test_a_client_that_leaves_is_noticed(pair: tuple[socket, socket]) -> None:
    ours, clients = pair
    gone = Event()
    watched = ClientSocket(ours, gone.set, send_timeout_s=30, buffer_bytes=4096)
    watched.start()
    clients.close()
    assert gone.wait(10)
    watched.stop()


@pytest.mark.parametrize("beyond", [b"\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"])
def test_a_client_that_sent_more_than_its_request_is_noticed_when_it_leaves(
    pair: tuple[socket, socket], beyond: bytes
) -> None:
    ours, clients = pair
    gone = Event()
    watched = ClientSocket(ours, gone.set, send_timeout_s=30, buffer_bytes=4096)
    watched.start()
    clients.sendall(beyond)
    assert not gone.wait(0.1)
    clients.close()
    assert gone.wait(10)
    watched.stop()
    assert ours.recv(len(beyond)) == beyond


def test_the_limit_on_a_vanished_peer_goes_with_the_response() -> None:
    with create_server(("127.0.0.1", 0)) as listener, create_connection(listener.getsockname()):
        ours, _ = listener.accept()
        with ours:
            watched = ClientSocket(ours, lambda: None, send_timeout_s=30, buffer_bytes=4096)
            watched.start()
            assert ours.getsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT) == 30_000
            watched.stop()
            assert ours.getsockopt(IPPROTO_TCP, TCP_USER_TIMEOUT) == 0


def test_the_connection_is_left_as_it_was(pair: tuple[socket, socket]) -> None:
    ours, _ = pair
    watched = ClientSocket(ours, lambda: None, send_timeout_s=30, buffer_bytes=4096)
    watched.start()
    watched.stop()
    watched.stop()
    assert type(ours) is socket and ours.gettimeout() is None
