"""The chat in one host: a blueprint that passes each request below its prefix to an application of
ours, as a WSGI server would, with the prefix as SCRIPT_NAME.

The application is built when the process starts it (`chatapp.ops.gunicorn_host`), else by the first
request: in the process that serves, never at import, and never before a fork.
"""

import atexit
import logging
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context, copy_context
from functools import wraps
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

from flask import Blueprint, Flask, Response, request
from gevent import monkey
from werkzeug.test import run_wsgi_app

from chatapp.errors import ConfigError
from chatapp.extension.login import HOST, HostLogin, host_context
from chatapp.ops import services
from chatapp.ops.starting import started
from chatapp.settings import Settings

if TYPE_CHECKING:
    from chatapp.service import ChatService
    from chatapp.tools.functions import FunctionTool

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

logger = logging.getLogger(__name__)


class Mount:
    """`login`: None if the settings' own `auth` is used. `start`, `drain` and `close` are those of
    a service, for whatever starts and ends the process."""

    def __init__(
        self,
        host: Flask,
        name: str,
        url_prefix: str,
        settings: Settings,
        login: HostLogin | None,
        tools: Sequence[Callable[..., object]],
    ) -> None:
        self.name = name
        self.settings = settings
        self._host = host
        self._login = login
        self._tools = tools
        self._app: Flask | None = None
        self._starting = Lock()
        self.blueprint = Blueprint(name, __name__, url_prefix=url_prefix)
        for rule, endpoint in (("/", "page"), ("/<path:path>", "below")):
            self.blueprint.add_url_rule(rule, endpoint, self._answer, methods=METHODS, provide_automatic_options=False)
        host.register_blueprint(self.blueprint)
        services.add(self)

    @property
    def app(self) -> Flask:
        """Our application. The first call builds and starts it. Raises ConfigError."""
        if self._app is None:
            with self._starting:
                self._app = self._app or self._build()
        return self._app

    @property
    def service(self) -> "ChatService":
        found: ChatService = self.app.extensions["chatapp"]
        return found

    @property
    def live(self) -> int:
        return 0 if self._app is None else self.service.live

    def start(self) -> None:
        _ = self.app

    def drain(self, grace_s: float) -> None:
        if self._app is not None:
            self.service.drain(grace_s)

    def close(self) -> None:
        """Idempotent."""
        services.remove(self)
        atexit.unregister(self._end)
        if self._app is not None:
            self.service.close()

    def _build(self) -> Flask:
        _check_patched()
        if self._login is not None:
            self._login.check(self._host)
        from chatapp.app import create_app  # not before it is needed: it loads all of chatapp
        from chatapp.ops.run_log import RunLog

        functions = [_in_host(self._host, tool) for tool in self._tools]
        settings = _offering(self.settings, functions)
        app = started(lambda: create_app(settings, observers=[RunLog()], functions=functions, login=self._login))
        atexit.register(self._end)  # for servers that tell nobody of their end
        return app

    def _end(self) -> None:
        self.drain(0)
        self.close()

    def _answer(self, path: str = "") -> Any:
        apart = copy_context()
        body, status, headers = apart.run(run_wsgi_app, self.app.wsgi_app, self._environ(path))
        response = Response(_Apart(body, apart), status)
        response.headers = headers  # as they are: the host's defaults are not ours
        if response.status_code == 401 and response.mimetype == "text/html" and self._login is not None:
            response.close()
            return self._login.turn_away(self._host)
        return response

    def _environ(self, path: str) -> dict[str, Any]:
        """As a server has it for an application at the prefix."""
        environ, prefix = request.environ, request.path.removesuffix(f"/{path}").encode().decode("latin-1")
        return {
            **environ,
            "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + prefix,
            "PATH_INFO": environ["PATH_INFO"].removeprefix(prefix),
            HOST: host_context(),
        }


class _Apart:
    """A body that is made in a context of its own. A view that streams holds our request's context
    until its last piece, and the host ends its request's before: on one stack, each would find the
    other's there."""

    def __init__(self, body: Iterable[bytes], context: Context) -> None:
        self._body = body
        self._pieces = iter(body)
        self._context = context

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        return self._context.run(next, self._pieces)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            self._context.run(close)


def _check_patched() -> None:
    if not monkey.is_module_patched("socket"):
        raise ConfigError(
            "gevent: this process is not patched, so one stream would stop all others; run it as `gunicorn -c "
            "python:chatapp.ops.gunicorn_host app:app`, or begin the program with `from gevent import monkey; "
            "monkey.patch_all()`"
        )


def _offering(settings: Settings, functions: Sequence["FunctionTool"]) -> Settings:
    """The host's tools are offered when a request names none, unless the settings name others."""
    import msgspec

    if settings.default_tools or not functions:
        return settings
    return msgspec.structs.replace(settings, default_tools=tuple(function.spec.name for function in functions))


def _in_host(host: Flask, tool: Callable[..., object]) -> "FunctionTool":
    """A tool whose function runs within the host's application context. Raises ConfigError."""
    from chatapp.tools.functions import FunctionTool
    from chatapp.tools.functions import tool as make

    def wrap(function: Callable[..., object]) -> Callable[..., object]:
        @wraps(function)
        def within(*args: object, **kwargs: object) -> object:
            with host.app_context():
                return function(*args, **kwargs)

        return within

    try:
        return (tool if isinstance(tool, FunctionTool) else make(tool)).around(wrap)
    except TypeError as error:
        raise ConfigError(f"tools: {error}") from None
