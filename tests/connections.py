"""Raw connections to a server, as a crowd or an attacker opens them."""

import json

from gevent import socket


class Raw:
    """One connection of bytes. `rest` reads to the end of the response, or of `seconds`."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)

    def send(self, data: bytes) -> "Raw":
        self.socket.sendall(data)
        return self

    def rest(self, seconds: float = 120.0) -> bytes:
        self.socket.settimeout(seconds)
        data = b""
        while piece := self.socket.recv(65_536):
            data += piece
        return data

    def close(self) -> None:
        self.socket.close()


def posted(path: str, body: object, *headers: str) -> bytes:
    """A whole request by POST, after which the server closes the connection."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(data)}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + data
