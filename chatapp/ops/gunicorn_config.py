"""gunicorn's configuration for `chatapp serve`, and for `gunicorn wsgi:app` by gunicorn.conf.py.

Patching comes first: a module imported before it would keep blocking sockets.
"""

from gevent import monkey

monkey.patch_all()

import gc
import ipaddress
import os
from typing import Any

import gevent

from chatapp.errors import ConfigError
from chatapp.ops.banner import banner
from chatapp.ops.json_logging import configure
from chatapp.settings.loading import load

try:
    settings = load(os.environ)
except ConfigError as error:
    raise SystemExit(f"chatapp: {error.message}") from None


def _address(host: str, port: object) -> str:
    """`host:port`, with an IPv6 address in brackets, as in URLs and as gunicorn reads it."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"


bind = _address(os.environ.get("HOST", "127.0.0.1"), os.environ.get("PORT", "8000"))
worker_class = "gevent"
# Idle keep-alive connections count too. A client beyond the limit waits, and is told nothing.
worker_connections = 10_000
# After SIGTERM: time for the runs to finish, then to write their ends. SIGKILL follows.
graceful_timeout = int(settings.drain_s) + 10
# A worker whose hub does not turn for this long is stuck. This does not limit a response.
timeout = 60
# Shorter than the graceful timeout: an idle connection must not delay the end.
keepalive = 5
# Never recycle a worker: after max_requests it accepts no request while it has an open stream.
max_requests = 0
# chatapp writes a line per run. A line per request would record who follows which answer.
accesslog = None
errorlog = "-"
loglevel = settings.log_level.lower()
# The socket would be in the home folder, shared by all servers of a user. Nothing here uses it.
control_socket_disable = True

WATCH_S = 0.1


def on_starting(server: Any) -> None:
    for address in server.cfg.address:
        if isinstance(address, tuple) and not _is_loopback(address[0]):
            raise SystemExit(
                f"chatapp: HOST: {address[0]} is not a loopback address, and without a login (auth: none) anyone on "
                "the network could use the server. Put a proxy in front of it: docs/guides/deploy.md."
            )
    if settings.log_url == "memory:" and server.cfg.workers > 1:
        raise SystemExit("chatapp: log_url: memory: works for one process only; several workers need sqlite: or redis:")


def post_fork(_server: Any, _worker: Any) -> None:
    configure(settings.log_level)


def post_worker_init(worker: Any) -> None:
    """Start draining as soon as the worker is told to stop, while gunicorn waits for requests."""
    worker.drain = gevent.spawn(_drain_when_told, worker)
    gc.collect()
    # Without it a full collection visits all that was imported, and stops every stream for 100 ms.
    gc.freeze()
    if worker.age == 1:  # the first worker: the server now answers requests
        name = worker.sockets[0].getsockname()
        if isinstance(name, tuple):  # a Unix socket's name is a path, and has no URL
            print(banner(f"http://{_address(*name[:2])}"), flush=True)


def worker_exit(_server: Any, worker: Any) -> None:
    """Wait for the runs: they continue without a request, so gunicorn does not wait for them."""
    drain = getattr(worker, "drain", None)
    if drain is None:
        return  # the worker failed to start
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
