from gevent import monkey

monkey.patch_all()  # before anything else is imported, as in the server

import socket

import pytest


@pytest.fixture
def closed_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
