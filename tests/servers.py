"""Real servers for tests: Redis, Postgres and nginx of this system, on ports and in folders of their own."""

import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from waiting import START_S, soon

ENVIRONMENT = dict(os.environ)  # as it was before any test changed it
PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin"
REDIS = shutil.which("redis-server", path=PATH)
NGINX = shutil.which("nginx", path=PATH)
POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
# Not the order of bytes, as in most installations.
LOCALE = "-E", "UTF8", "--locale", "C.UTF-8", "--locale-provider", "icu", "--icu-locale", "en-US"

# Others may have seeded the common one, alike in each process.
_chance = random.SystemRandom()


def free_port() -> int:
    """One that stays free until it is used, and while its server is down: not of those that the kernel
    gives to whoever asks for any, as other tests do at the same time."""
    while True:
        with socket.socket() as probe, suppress(OSError):
            port = _chance.randrange(20_000, 32_768)
            probe.bind(("127.0.0.1", port))
            return port


class Redis:
    """A redis-server that keeps its data in a file, to be stopped, frozen and started as a test likes.

    `options` come first on its command line, such as the path of a configuration.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        if REDIS is None:
            pytest.skip("redis-server is not installed: apt-get install redis-server")
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> "Redis":
        own = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        command = [str(REDIS), *self._options, *own, "--appendonly", "yes", "--appendfsync", "always"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        soon(self._answers, within=START_S)
        return self

    def command(self, *words: str) -> str:
        """Send a command; its reply as it comes over the wire."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as sock:
            sock.sendall((" ".join(words) + "\r\n").encode())
            return sock.recv(1 << 16).decode()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def forget(self) -> None:
        """Delete the data of a server that is not running."""
        shutil.rmtree(self.folder / "appendonlydir", ignore_errors=True)

    def _answers(self) -> bool:
        try:
            return self.command("PING").startswith("+PONG")
        except OSError:
            return False


class Postgres:
    """A Postgres cluster of its own; `url` names a new, empty database."""

    def __init__(self, folder: Path) -> None:
        if POSTGRES is None:
            pytest.skip("Postgres is not installed: apt-get install postgresql")
        self.folder = folder
        self.port = free_port()
        self._databases = 0
        if os.geteuid() == 0:  # it refuses to run as root
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        self._run("initdb", "-D", str(folder / "data"), "-U", "chatapp", "-A", "trust", "--no-sync", *LOCALE)

    def start(self) -> "Postgres":
        options = f"-p {self.port} -h 127.0.0.1 -k {self.folder} -F"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-l", log, "-o", options, "-w", "start")
        return self

    def stop(self, mode: str = "immediate") -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", mode, "-w", "stop")

    def signal(self, number: signal.Signals) -> None:
        """To all its processes."""
        master = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        for pid in (master, *map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split())):
            os.kill(pid, number)

    def database(self) -> str:
        """The URL of a new one."""
        self._databases += 1
        name = f"test{self._databases}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "chatapp", name)
        return f"postgresql+psycopg://chatapp@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(POSTGRES / program), *arguments] if POSTGRES else []
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=START_S)


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[Redis]:
    server = Redis(folder, *options).start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    with TemporaryDirectory(prefix="chatapp-postgres-") as folder:  # pytest's are closed to other users
        server = Postgres(Path(folder)).start()
        try:
            yield server
        finally:
            server.stop()


needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


@contextmanager
def nginx(folder: Path, site: Callable[[int], str]) -> Iterator[str]:
    """The URL of an nginx that runs from one folder, with the site for its port."""
    port = free_port()
    modules = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "\n".join(f"{module}_temp_path {folder}/{module};" for module in modules)
    main = "daemon off; master_process off; pid nginx.pid; error_log stderr; events {}"
    types = "types { text/css css; }"
    config = folder / "nginx.conf"
    config.write_text(f"{main}\nhttp {{\naccess_log off;\n{types}\n{paths}\n{site(port)}\n}}\n")
    with subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(config), "-e", "stderr"]) as process:
        try:
            soon(lambda: listens(port), within=START_S)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
