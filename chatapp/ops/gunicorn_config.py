"""gunicorn's configuration, for `chatapp serve` and, through gunicorn.conf.py, for plain `gunicorn wsgi:app`.

The patching stands first: whatever is imported before it keeps blocking sockets.
"""

from gevent import monkey

monkey.patch_all()

import gc
import ipaddress
import os
from typing import Any

import gevent

from chatapp.errors import ConfigError
from chatapp.ops.banner import greeting
from chatapp.ops.json_logging import configure
from chatapp.settings import load

try:
    settings = load(os.environ)
except ConfigError as error:
    raise SystemExit(f"chatapp: {error.message}") from None


def _address(host: str, port: object) -> str:
    """As it stands in a URL, and as gunicorn reads it: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


bind = _address(os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000"))
worker_class = "gevent"
# Idle keep-alive connections count too, and what is over the limit waits without a word.
worker_connections = 10_000
# After SIGTERM: the runs' grace, then time to write their ends. SIGKILL follows.
graceful_timeout = int(settings.drain_s) + 10
# A worker whose hub does not turn for so long is stuck. Never a limit for a response.
timeout = 60
# Shorter than the graceful timeout: an idle connection must not hold up the end.
keepalive = 5
# A worker with an open stream that has reached max_requests takes no new requests: never recycle.
max_requests = 0
# One line per run is ours; a line per request would tell who follows what.
accesslog = None
errorlog = "-"
loglevel = settings.log_level.lower()
# It would stand in the home folder, shared by all servers of a user; nothing here uses it.
control_socket_disable = True

WATCH_S = 0.1


def on_starting(server: Any) -> None:
    for address in server.cfg.address:
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise SystemExit(
                f"chatapp: {address[0]} is not a loopback address, and without login (auth: none) anybody on the "
                "network could use the server. Put a proxy in front: docs/guides/deploy.md."
            )
    if settings.log_url == "memory:" and server.cfg.workers > 1:
        raise SystemExit("chatapp: log_url: memory: serves one process; several workers need sqlite:")


def post_fork(_server: Any, _worker: Any) -> None:
    configure(settings.log_level)


def post_worker_init(worker: Any) -> None:
    """Drain as soon as the worker is told to go, beside gunicorn's own waiting for requests."""
    worker.drain = gevent.spawn(_drain_when_told, worker)
    gc.collect()
    gc.freeze()  # a full collection looks at all that was imported, and stops every stream for over 100 ms
    if worker.age == 1:  # the first one: from here on requests are answered
        name = worker.sockets[0].getsockname()
        if isinstance(name, tuple):  # else a path, which no URL can name
            print(greeting(f"http://{_address(*name[:2])}"), flush=True)


def worker_exit(_server: Any, worker: Any) -> None:
    """Runs go on without a request, so gunicorn does not wait for them: this does."""
    drain = getattr(worker, "drain", None)
    if drain is None:
        return  # it failed to start
    drain.join(timeout=graceful_timeout)
    worker.wsgi.extensions["chatapp"].close()


def _drain_when_told(worker: Any) -> None:
    while worker.alive:
        gevent.sleep(WATCH_S)
    worker.wsgi.extensions["chatapp"].drain(settings.drain_s)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
