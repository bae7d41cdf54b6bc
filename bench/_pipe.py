"""A connection to a store that can go silent without a word, as when a firewall forgets it."""

import gevent
from gevent import socket
from gevent.server import StreamServer

CLOSED = b""


class Pipe:
    """Passes what is sent to its `port` on to another one of this machine, and back."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._silent: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._server = StreamServer(("127.0.0.1", 0), self._serve)
        self._server.start()
        self.port: int = self._server.server_port

    def go_silent(self) -> None:
        """The connections that are open now say nothing any more, and are not closed. New ones
        work."""
        self._silent |= self._open

    def cut(self) -> None:
        """Close those that are silent."""
        for sock in self._silent:
            sock.close()
        self._silent.clear()

    def _serve(self, client: socket.socket, _address: object) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._to))
        except OSError:
            return client.close()
        self._open |= {client, server}
        ways = [gevent.spawn(self._pass, client, server), gevent.spawn(self._pass, server, client)]
        gevent.joinall(ways)
        self._open -= {client, server}

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if source not in self._silent:
                    to.sendall(data)
        except OSError:
            pass
        if source not in self._silent:
            for each in (source, to):
                _shut(each)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already
    sock.close()
