"""gunicorn's configuration for a Flask application that embeds chatapp:

    gunicorn -c python:chatapp.ops.gunicorn_host -b 127.0.0.1:8000 app:app

A host with a gunicorn.conf.py of its own begins it with `from chatapp.ops.gunicorn_host import *`,
and sets below that what it wants otherwise. Patching comes first: a module imported before it would
keep blocking sockets.
"""

from gevent import monkey

monkey.patch_all()

from typing import Any

from chatapp.ops import gunicorn_lifecycle, starting

__all__ = [
    "graceful_timeout",
    "keepalive",
    "max_requests",
    "post_fork",
    "post_worker_init",
    "timeout",
    "worker_class",
    "worker_connections",
    "worker_exit",
]

worker_class = "gevent"
# Each open stream is one, and so is each idle connection.
worker_connections = 10_000
# After SIGTERM: time for the running answers to end. SIGKILL follows.
graceful_timeout = 40
# A worker whose hub does not turn for this long is stuck. This does not limit a response.
timeout = 60
# Shorter than the graceful timeout: an idle connection must not delay the end.
keepalive = 5
# Never recycle a worker: after max_requests it accepts no request while it has an open stream.
max_requests = 0


def post_fork(server: Any, worker: Any) -> None:
    if worker.age > server.num_workers:
        starting.replaces_another()


def post_worker_init(worker: Any) -> None:
    gunicorn_lifecycle.begin(worker, max(0.0, worker.cfg.graceful_timeout - gunicorn_lifecycle.LAST_S))


def worker_exit(_server: Any, worker: Any) -> None:
    gunicorn_lifecycle.end(worker)
