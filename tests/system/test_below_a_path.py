"""`SCRIPT_NAME`: a server below a path, for a proxy that passes the path on."""

from pathlib import Path

import pytest
import requests
from servers import free_port
from system.conftest import Server

pytestmark = pytest.mark.slow


def test_what_the_server_says_of_itself_leads_below_its_path(tmp_path: Path) -> None:
    port = free_port()
    server = Server(tmp_path / "var", SCRIPT_NAME="/chat", CHATAPP_METRICS_PORT=str(port)).start()
    try:
        assert server.url.endswith("/chat") and server.client().get("/healthz").ok
        assert "chatapp_readers " in requests.get(f"http://127.0.0.1:{port}/chat/metrics", timeout=60).text
    finally:
        server.kill()
