"""An nginx of a test's own, with the site that the test writes."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin")

needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


@contextmanager
def nginx(folder: Path, site: Callable[[int], str], wait_until: Any) -> Iterator[str]:
    """The URL of an nginx that runs from one folder, with the site for its port."""
    port = free_port()
    modules = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "\n".join(f"{module}_temp_path {folder}/{module};" for module in modules)
    main = "daemon off; master_process off; pid nginx.pid; error_log stderr; events {}"
    types = "types { text/css css; }"
    config = folder / "nginx.conf"
    config.write_text(f"{main}\nhttp {{\naccess_log off;\n{types}\n{paths}\n{site(port)}\n}}\n")
    with subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(config), "-e", "stderr"]) as nginx:
        try:
            wait_until(lambda: _listens(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            nginx.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
