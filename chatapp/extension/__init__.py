"""chatapp in a Flask application of somebody else, below one of its paths and behind its login:

    chat = Chatapp(app, url_prefix="/chat", user=lambda: session.get("user"), tools=[find_orders])

login   who asks, as the host knows it
mount   the chat in one host: its requests, its beginning and its end
markup  `{{ chatapp_chat() }}` for the host's own pages

It is the application of `chatapp.app`, whole, mounted: nothing of it is registered twice, and the
host's own pages, errors, session and templates know nothing of it. Importing this opens and starts
nothing, and loads little.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask

from chatapp.errors import ConfigError
from chatapp.extension.login import HostLogin, UserName
from chatapp.extension.markup import chat_markup
from chatapp.extension.mount import Mount
from chatapp.settings import Settings
from chatapp.settings.loading import load, with_changes

__all__ = ["Chatapp", "Mount"]


class Chatapp:
    """The extension. With `app`, or later by `init_app`, it adds the chat to a host; one object may
    serve several hosts, and a host may have several, each with a `name` and a prefix of its own.

    `user()` is called in the host's request and tells who asks, None for nobody; without it,
    Flask-Login is asked if the host uses that. `admin()` tells whether that user is one, and
    `unauthorized()` answers a page's request of nobody; without it, Flask-Login or the host's own
    401 does. `tools` are functions, or what `@tool` makes of them, that each model is offered;
    they run within the host's application context.

    `settings` are used instead of chatapp.toml and the environment; `changes` override single
    ones, such as `data="var/chat"`. Raises ConfigError.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        url_prefix: str = "/chat",
        name: str = "chatapp",
        user: Callable[[], UserName] | None = None,
        admin: Callable[[], bool] | None = None,
        unauthorized: Callable[[], Any] | None = None,
        tools: Sequence[Callable[..., object]] = (),
        settings: Settings | None = None,
        **changes: object,
    ) -> None:
        if not url_prefix.startswith("/") or url_prefix.endswith("/"):
            raise ConfigError(f"url_prefix: expected a path such as /chat, got {url_prefix!r}")
        self._url_prefix = url_prefix
        self._name = name
        self._login = HostLogin(user, admin, unauthorized)
        self._tools = tools
        self._settings = settings
        self._changes = changes
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> Mount:
        """Add the chat to the host; `app.extensions[name]` is what this returns. Raises
        ConfigError."""
        if self._name in app.extensions:
            raise ConfigError(f"name: this application has {self._name!r} already; give each Chatapp a name of its own")
        settings = with_changes(load(os.environ) if self._settings is None else self._settings, self._changes)
        login = None if "auth" in self._changes else self._login
        mount = Mount(app, self._name, self._url_prefix, settings, login, self._tools)
        app.extensions[self._name] = mount
        app.jinja_env.globals.setdefault("chatapp_chat", chat_markup)
        return mount
