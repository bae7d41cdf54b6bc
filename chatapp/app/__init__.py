"""The composition root, the one place that picks implementations and wires them.

service    the application without HTTP: stores, limits, catalogs
log        which event log
web        its HTTP: blueprints, and what every request passes
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from flask import Flask

from chatapp.access import Authenticator
from chatapp.app.log import open_log
from chatapp.app.service import build_service
from chatapp.app.web import build_web
from chatapp.errors import ChatappError
from chatapp.generation.observer import RunObserver
from chatapp.hub.stacks import on_own_stack
from chatapp.metrics.own_port import OwnPort
from chatapp.metrics.process import Metrics
from chatapp.settings import Settings
from chatapp.settings.loading import load
from chatapp.tools.functions import FunctionTool
from chatapp.tracing.switch import tracing_of

__all__ = ["build_service", "create_app", "open_log"]


def create_app(
    settings: Settings | None = None,
    *,
    start: bool = True,
    observers: Sequence[RunObserver] = (),
    functions: Sequence[FunctionTool] = (),
    login: Authenticator | None = None,
) -> Flask:
    """The application. `app.extensions["chatapp"]` is its ChatService, which `start` starts;
    `observers` are told of its runs, `functions` are tools beside those of the settings. Raises
    ConfigError.

    `login` takes the place of the setting `auth`, for an application that is mounted in another:
    that one then also knows by which names it may be called.

    Make it in the process that serves, after gevent has patched it.
    """
    settings = settings or load(os.environ)
    metrics, tracing = Metrics(_metrics_folder(os.environ)), tracing_of(os.environ)
    service = build_service(settings, os.environ, observers, metrics, tracing, functions)
    try:
        app = build_web(service, metrics.exposition, login)
    except ChatappError:
        service.close()  # the caller may try again
        raise
    app.wsgi_app = partial(on_own_stack, app.wsgi_app)  # type: ignore[method-assign,call-arg]
    if tracing is not None:
        app.wsgi_app = tracing.app(app.wsgi_app)  # type: ignore[method-assign,assignment]
    if settings.metrics_port:
        app.wsgi_app = OwnPort(app.wsgi_app, settings.metrics_port, metrics.exposition)  # type: ignore[method-assign]
    if start:
        service.start()
    return app


def _metrics_folder(environ: Mapping[str, str]) -> Path | None:
    """Where prometheus_client writes: it looked for this variable when it was imported."""
    folder = environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None
