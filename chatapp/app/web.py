"""build_web(): the service's HTTP, as a Flask application: its blueprints, what every request
passes, and the page's files."""

from collections.abc import Callable
from inspect import CO_COROUTINE
from pathlib import Path
from typing import Any

from flask import Flask

from chatapp import __version__
from chatapp.access import Authenticator
from chatapp.access.factory import open_access
from chatapp.metrics.exposition import Exposition
from chatapp.reading.credentials import CredentialWatch
from chatapp.service import ChatService
from chatapp.web import (
    AUTHENTICATOR,
    CREDENTIALS,
    EXPOSITION,
    EXTENSION,
    SHARES,
    TICKETS,
    addresses,
    authentication,
    cors,
    diagram,
    errors,
    forget_caller,
    guards,
    health,
    languages,
    limit_headers,
    login,
    openapi,
    operator,
    pages,
    probe,
    security_headers,
    shared,
)
from chatapp.web.api import conversations as conversations_api
from chatapp.web.api import events, exchange, files, messages, models, one_request, raw, search, tickets, tools, usage
from chatapp.web.api import shares as shares_api
from chatapp.web.assets import Assets
from chatapp.web.catalogues import read_catalogues, scripts_with_words
from chatapp.web.compat import agui, ai_sdk, anthropic, openai_chat, openai_conversations, openai_responses
from chatapp.web.compat import files as compat_files
from chatapp.web.page_modules import ANSWER_ENTRY, LATER_ENTRIES, MARKDOWN_ENTRY, VIEWER_ENTRY, page_modules

PACKAGE = Path(__file__).parent.parent

BLUEPRINTS = (
    messages,
    events,
    files,
    raw,
    one_request,
    conversations_api,
    exchange,
    search,
    models,
    tools,
    usage,
    tickets,
    shares_api,
    openai_chat,
    openai_responses,
    compat_files,
    openai_conversations,
    anthropic,
    ai_sdk,
    agui,
    pages,
    login,
    languages,
    shared,
    diagram,
    probe,
    health,
    operator,
    openapi,
)


class _Flask(Flask):
    """Our views are plain functions, which is seen here without a call: Flask would look in four at
    each of the functions that a request passes."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        code = getattr(func, "__code__", None)  # a partial has none, nor has any other object
        is_plain = code is not None and not code.co_flags & CO_COROUTINE
        return func if is_plain else super().ensure_sync(func)


def build_web(service: ChatService, exposition: Exposition, login: Authenticator | None = None) -> Flask:
    """`login` as in `create_app`. Raises ConfigError."""
    app = _Flask("chatapp", template_folder=_folder("templates"), static_folder=None, root_path=str(PACKAGE))
    static = Path(_folder("static"))
    catalogues = read_catalogues(Path(_folder("translations")))
    _tell_templates(app, static)
    addresses.install(app)
    Assets(static, scripts_with_words(static, catalogues)).install(app)
    languages.install(app, catalogues)
    _give_views(app, service, exposition, login)
    _install(app, service, names_are_checked=login is not None)
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    return app


def _tell_templates(app: Flask, static: Path) -> None:
    modules = {
        "page_modules": page_modules(static),
        "later_modules": page_modules(static, *LATER_ENTRIES),
        "viewer_modules": page_modules(static, VIEWER_ENTRY),
        "answer_modules": page_modules(static, ANSWER_ENTRY, MARKDOWN_ENTRY),
    }
    app.jinja_env.globals.update(version=__version__, **modules)


def _give_views(app: Flask, service: ChatService, exposition: Exposition, login: Authenticator | None) -> None:
    """What views and guards find in `app.extensions`."""
    access = open_access(app, service.settings, service.database, login)
    app.extensions[EXTENSION] = service
    app.extensions[EXPOSITION] = exposition
    app.extensions[AUTHENTICATOR] = access.authenticator
    app.extensions[SHARES], app.extensions[TICKETS] = access.shares, access.tickets
    app.extensions[CREDENTIALS] = CredentialWatch(access.ended)


def _install(app: Flask, service: ChatService, names_are_checked: bool) -> None:
    """What every request passes, in this order."""
    origins = service.settings.cors_origins
    app.before_request(forget_caller)
    errors.install(app, _error_shapes())
    guards.install(app, None if names_are_checked else service.settings.trusted_hosts, cors.allows(origins))
    authentication.install(app)
    security_headers.install(app, service.settings.frame_ancestors)
    limit_headers.install(app)
    cors.install(app, origins)


def _error_shapes() -> dict[str, errors.Shape]:
    openai, anthropics = openai_chat.error_shape, anthropic.error_shape
    return {"/v1/": openai, "/v1/messages": anthropics, "/v1/files": compat_files.error_shape(openai, anthropics)}


def _folder(name: str) -> str:
    """Inside the package in a wheel, beside it in a checkout."""
    inside = PACKAGE / name
    return str(inside if inside.is_dir() else PACKAGE.parent / name)
