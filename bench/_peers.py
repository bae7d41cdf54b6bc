"""The servers that bench/compare.py measures: the product with each log, and its peers."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from _load import PATH

PEERS = Path(__file__).parent / "peers"
VENV = Path(sys.prefix)
OPENSSL = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=bench"
LITELLM_ENV = "LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true"


class Server(NamedTuple):
    """`command` is None for the product, else another server's; `provider` is for _upstream.py. `many`: it is
    measured with many streams, too. `heavy`: with one load only, for its start takes half a minute."""

    name: str
    log: str = "-"
    command: str | None = None
    provider: tuple[str, ...] = ()
    path: str = PATH
    many: bool = False
    heavy: bool = False


@contextmanager
def servers() -> Iterator[list[Server]]:
    """All that are installed; the others are named on stderr."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as running:
        folder = Path(name)
        found = [
            Server("chatapp, log in memory", "memory:", many=True),
            Server("chatapp, default log", "sqlite:", many=True),
            _tls(folder),
            _redis(folder, running),
            _fastapi(),
            _litellm(folder),
            _go(folder),
            _nginx(folder),
        ]
        yield [server for server in found if server is not None]


def _tls(folder: Path) -> Server | None:
    if shutil.which("openssl") is None:
        return _left_out("TLS to the provider", "openssl")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*OPENSSL.split(), *files], check=True, capture_output=True)
    return Server("chatapp, TLS to the provider", "sqlite:", provider=(str(certificate), str(key)))


def _redis(folder: Path, running: ExitStack) -> Server | None:
    program = shutil.which("redis-server")
    if program is None:
        return _left_out("log in Redis", "redis-server")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "", "--appendonly", "yes"]
    redis = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    running.callback(redis.wait)
    running.callback(redis.kill)
    return Server("chatapp, log in Redis", f"redis://127.0.0.1:{port}/0")


def _fastapi() -> Server | None:
    uvicorn = VENV / "peers" / "bin" / "uvicorn"
    if not uvicorn.exists():
        return _left_out("FastAPI", "make .venv/.peers")
    command = f"{uvicorn} --app-dir {PEERS} fastapi_server:app --port {{port}} --log-level warning"
    return Server("FastAPI + httpx", command=command, many=True)


def _litellm(folder: Path) -> Server | None:
    program = VENV / "litellm" / "bin" / "litellm"
    if not program.exists():
        return _left_out("LiteLLM", "make .venv/.litellm")
    parameters = {"model": "openai/bench", "api_key": "sk-nothing", "api_base": "UPSTREAM"}
    config = {"model_list": [{"model_name": "paced", "litellm_params": parameters}]}
    (folder / "litellm.json").write_text(json.dumps(config))  # which is YAML, too
    script = (
        f"sed -e s,UPSTREAM,$UPSTREAM, {folder}/litellm.json > {folder}/litellm-{{port}}.yaml; exec env {LITELLM_ENV} "
        f"{program} --config {folder}/litellm-{{port}}.yaml --host 127.0.0.1 --port {{port}} --telemetry False"
    )
    return Server("LiteLLM proxy", command=f"sh -c '{script}'", path="/v1/chat/completions", heavy=True)


def _go(folder: Path) -> Server | None:
    if shutil.which("go") is None:
        return _left_out("Go", "apt-get install golang-go")
    built = folder / "go-server"
    env = {**os.environ, "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"}
    subprocess.run(["go", "build", "-o", built, PEERS / "server.go"], env=env, check=True)
    return Server("Go, channel of 100", command=str(built), many=True)


def _nginx(folder: Path) -> Server | None:
    nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
    if nginx is None:
        return _left_out("nginx", "apt-get install nginx-light")
    script = (
        f'sed -e s,FOLDER,{folder},g -e s,PORT,{{port}}, -e "s,UPSTREAM,$(echo $UPSTREAM | cut -d/ -f3)," '
        f"{PEERS / 'nginx.conf'} > {folder}/nginx-{{port}}.conf; exec {nginx} -c {folder}/nginx-{{port}}.conf"
    )
    return Server("nginx, unbuffered", command=f"sh -c '{script}'", provider=("tokens",))


def _left_out(name: str, how: str) -> None:
    print(f"left out: {name}, because it is not installed: {how}", file=sys.stderr)
