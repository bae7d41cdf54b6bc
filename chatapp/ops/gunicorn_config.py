"""gunicorn's configuration for `chatapp serve`, and for `gunicorn wsgi:app` by gunicorn.conf.py.

Patching comes first: a module imported before it would keep blocking sockets.
"""

from gevent import monkey

monkey.patch_all()

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gevent

from chatapp.access.proxy import trusted_networks
from chatapp.errors import ConfigError
from chatapp.ops import gunicorn_lifecycle, metrics_folder, services, starting
from chatapp.ops.address import Address, places, refuse_public
from chatapp.ops.address import workers as worker_count
from chatapp.ops.banner import banner
from chatapp.ops.garbage import collect_when_quiet
from chatapp.ops.gunicorn_logger import GunicornLogger
from chatapp.ops.log_lines import configure
from chatapp.ops.memory import give_back_large_blocks
from chatapp.ops.open_files import raise_open_files
from chatapp.settings import Settings
from chatapp.settings.loading import load

try:
    settings = load(os.environ)
    bind = [str(place) for place in places(os.environ, settings)]
    workers = worker_count(os.environ)
    trusted_networks(settings.trusted_proxies)
except ConfigError as error:
    raise SystemExit(f"chatapp: {error.message}") from None

# Where each greenlet was made: for debugging, and 1 KiB for each stream.
gevent.config.track_greenlet_tree = False
worker_class = "gevent"
# Idle keep-alive connections count too. A client beyond the limit waits, and is told nothing.
worker_connections = 10_000
# After SIGTERM: time for the runs to finish, then to write their ends. SIGKILL follows.
graceful_timeout = int(settings.drain_s + gunicorn_lifecycle.LAST_S)
# A worker whose hub does not turn for this long is stuck. This does not limit a response.
timeout = 60
# Shorter than the graceful timeout: an idle connection must not delay the end.
keepalive = 5
# Never recycle a worker: after max_requests it accepts no request while it has an open stream.
max_requests = 0
# From these, and from a Unix socket, `X-Forwarded-Proto: https` makes cookies secure.
forwarded_allow_ips = ",".join(settings.trusted_proxies)
# gunicorn's own line of a request has its path, and so who follows which answer. Ours has not.
accesslog = None
GunicornLogger.form, GunicornLogger.level = settings.log_format, settings.log_level
logger_class = GunicornLogger
errorlog = "-"
loglevel = settings.log_level.lower()
# The socket would be in the home folder, shared by all servers of a user. Nothing here uses it.
control_socket_disable = True


def on_starting(server: Any) -> None:
    raise_open_files()
    _make_upgradable(server)
    _check_public(set(server.cfg.address) - {(settings.metrics_host, settings.metrics_port)})
    if settings.log_url == "memory:" and server.cfg.workers > 1:
        raise SystemExit("chatapp: log_url: memory: works for one process only; several workers need sqlite: or redis:")
    metrics_folder.make()


def when_ready(server: Any) -> None:
    if server.systemd:  # its sockets, wherever it listens
        _check_public(listener.sock.getsockname() for listener in server.LISTENERS)


def child_exit(_server: Any, worker: Any) -> None:
    metrics_folder.forget(worker.pid)


def on_exit(_server: Any) -> None:
    metrics_folder.remove()


def post_fork(server: Any, worker: Any) -> None:
    if worker.age > server.num_workers:
        starting.replaces_another()
    # Here and not in gunicorn's `umask`, which would also close a Unix socket to the proxy's user.
    os.umask(0o077)
    give_back_large_blocks()
    configure(settings.log_level, settings.log_format)


def post_worker_init(worker: Any) -> None:
    gunicorn_lifecycle.begin(worker, settings.drain_s)
    collect_when_quiet(services.live)
    _settle(worker.cfg)
    if worker.age == 1:  # the first worker: the server now answers requests
        name = worker.sockets[0].getsockname()
        if isinstance(name, tuple):  # a Unix socket's name is a path, and has no URL
            host = "127.0.0.1" if name[0] in ("0.0.0.0", "::") else name[0]
            url = f"http://{Address(host, name[1])}{os.environ.get('SCRIPT_NAME', '')}"  # below a path, if it is
            print(banner(url, by_key=settings.auth == "keys"), flush=True)


def worker_exit(_server: Any, worker: Any) -> None:
    gunicorn_lifecycle.end(worker)


def _settle(cfg: Any) -> None:
    """In a worker they change no more: as attributes they are found at once, of which a request
    needs thirty. gunicorn calls two functions for each."""
    vars(cfg).update({name: setting.get() for name, setting in cfg.settings.items()})


def _make_upgradable(server: Any) -> None:
    """After USR2 the master runs what it was started with again. Started by `-m`, that is the path
    of gunicorn's `__main__`, beside which `http` is gunicorn's and not Python's."""
    if Path(sys.argv[0]).name == "__main__.py":
        server.START_CTX["args"] = [sys.executable, "-m", "gunicorn", *sys.argv[1:]]


def _check_public(places: Iterable[Any]) -> None:
    """A Unix socket has a path instead of a pair."""
    try:
        public = refuse_public([place[0] for place in places if isinstance(place, tuple)], settings.auth)
    except ConfigError as error:
        raise SystemExit(f"chatapp: {error.message}") from None
    if public and settings.trusted_hosts == Settings().trusted_hosts:
        print("chatapp: only requests to localhost are answered; CHATAPP_TRUSTED_HOSTS lists the names of this server")
