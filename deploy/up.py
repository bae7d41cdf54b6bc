"""The shape of many machines on one, for trying: `make up`.

Starts a Redis and a Postgres of its own, whose data stays in the data folder (./var/up), and
chatapp with two workers on them. Ctrl-C ends all three. Both listen on free ports of 127.0.0.1 and
ask for no password: this is not how to run a server (docs/guides/deploy.md is).
"""

import hashlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

START_S = 30.0
ROOTS = Path("/var/lib")  # nobody else can make a folder there
STOP_S = 15.0
REDIS = shutil.which("redis-server")
POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None) or Path(shutil.which("postgres") or "").parent


def main() -> int:
    if REDIS is None or not (POSTGRES / "initdb").exists():
        sys.exit("chatapp: make up needs Redis and Postgres: apt-get install redis-server postgresql")
    folder = (Path(os.environ.get("CHATAPP_DATA", "var")) / "up").absolute()
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)  # Postgres may run as another user
    servers: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []
    try:
        redis_port, postgres_port = _free_port(), _free_port()
        servers.append((_start_redis(folder, redis_port), signal.SIGTERM))
        servers.append((_start_postgres(folder, postgres_port), signal.SIGINT))  # its fast shutdown
        for port in (redis_port, postgres_port):
            _wait(lambda port=port: _listens(port), servers)  # type: ignore[misc]
        return _serve(redis_port, postgres_port)
    finally:
        for server, stop in reversed(servers):
            server.send_signal(stop)
            server.wait(STOP_S)


def _serve(redis_port: int, postgres_port: int) -> int:
    shared = {
        "CHATAPP_LOG_URL": f"redis://127.0.0.1:{redis_port}/0",
        "CHATAPP_DATABASE_URL": f"postgresql+psycopg://chatapp@127.0.0.1:{postgres_port}/postgres",
        "WEB_CONCURRENCY": "2",
    }
    command = [str(Path(sys.executable).with_name("chatapp")), "serve"]
    with subprocess.Popen(command, env={**os.environ, **shared}) as chatapp:
        # A terminal sends Ctrl-C to both of us. Anyone else who wants us to end tells only this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: chatapp.terminate())
        return chatapp.wait()


def _start_redis(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    data = folder / "redis"
    data.mkdir(mode=0o700, exist_ok=True)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(data), "--appendonly", "yes", "--save", ""]
    return _start([str(REDIS), *options, "--maxmemory-policy", "noeviction"], folder / "redis.log", "TERM")


def _start_postgres(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    user = _other_user()
    data = folder / "postgres"
    if user and not _reaches(folder, user):
        data = ROOTS / f"chatapp-up-{hashlib.sha256(bytes(folder)).hexdigest()[:12]}"
        print(f"chatapp: Postgres does not run as root, and {user[0]} cannot enter {folder}: its data is in {data}")
    data.mkdir(mode=0o700, exist_ok=True)
    if user:
        os.chown(data, user[1], user[2])
    if not (data / "PG_VERSION").exists():
        initdb = [str(POSTGRES / "initdb"), "-D", str(data), "-U", "chatapp", "-A", "trust", "-E", "UTF8", "--locale=C"]
        subprocess.run(_as(user, initdb), check=True, stdout=subprocess.DEVNULL, cwd="/")
    server = [str(POSTGRES / "postgres"), "-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", ""]
    return _start(server, folder / "postgres.log", "INT", user)


def _start(
    command: list[str], log: Path, death: str, user: tuple[str, int, int] | None = None
) -> "subprocess.Popen[bytes]":
    """In a session of its own, so that Ctrl-C reaches chatapp first; it ends when this process does."""
    with log.open("ab") as output:
        return subprocess.Popen(
            _as(user, command, death), stdout=output, stderr=output, start_new_session=True, cwd="/"
        )


def _as(user: tuple[str, int, int] | None, command: list[str], death: str = "") -> list[str]:
    other = [f"--reuid={user[1]}", f"--regid={user[2]}", "--clear-groups"] if user else []
    end = [f"--pdeathsig={death}"] if death else []
    return ["setpriv", *other, *end, *command] if other or end else command


def _other_user() -> tuple[str, int, int] | None:
    """For Postgres, which refuses to run as root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return entry.pw_name, entry.pw_uid, entry.pw_gid


def _reaches(folder: Path, user: tuple[str, int, int]) -> bool:
    return subprocess.run(_as(user, ["test", "-x", str(folder)]), check=False).returncode == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(look: Callable[[], bool], servers: list[tuple["subprocess.Popen[bytes]", signal.Signals]]) -> None:
    give_up = time.monotonic() + START_S
    while not look():
        if time.monotonic() > give_up or any(server.poll() is not None for server, _ in servers):
            sys.exit("chatapp: a server did not start; see redis.log and postgres.log in the folder up of the data")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
