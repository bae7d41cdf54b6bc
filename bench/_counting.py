"""gunicorn's configuration of `chatapp serve`, for a worker that counts its own calls.

    chatapp serve -- -c bench/_counting.py

`GET /-/calls` answers with what was called since the worker's start, by name: Python functions, and
functions in C. Each resumption of a generator counts as a call, as it costs about as much.
"""

from chatapp.ops.gunicorn_config import *  # first: it patches  # isort: skip

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import Any

PATH = "/-/calls"

_start = post_worker_init
_python: Counter[CodeType] = Counter()
_c: Counter[str] = Counter()


def post_worker_init(worker: Any) -> None:
    _start(worker)
    worker.wsgi = _counted(worker.wsgi)
    sys.setprofile(_count)  # all greenlets share the thread's


def _count(frame: FrameType, event: str, function: Any) -> None:
    if event == "call":
        _python[frame.f_code] += 1
    elif event == "c_call":
        _c[f"{function.__module__ or type(function.__self__).__name__}.{function.__name__}"] += 1


def _counted(app: Any) -> Callable[..., Iterable[bytes]]:
    class Counted:
        def __getattr__(self, name: str) -> Any:
            return getattr(app, name)

        def __call__(self, environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
            if environ["PATH_INFO"] != PATH:
                return app(environ, start_response)  # type: ignore[no-any-return]
            sys.setprofile(None)
            calls = {"python": {_name(code): count for code, count in _python.items()}, "C": dict(_c)}
            sys.setprofile(_count)
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(calls).encode()]

    return Counted()


def _name(code: CodeType) -> str:
    _, _, path = code.co_filename.rpartition("site-packages/")
    path = path.partition("/chatapp/")[2] and "chatapp/" + code.co_filename.rpartition("/chatapp/")[2] or path
    return f"{path}:{code.co_qualname}:{code.co_firstlineno}"
