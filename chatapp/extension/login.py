"""Who asks, as the host's own login knows it.

The host's functions are called in the context of its request, which is still there below ours, and
only if a view of ours needs to know: static files and links to share ask nobody.
"""

import sys
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, TypeAlias

from flask import Flask, abort, request

from chatapp.access import Caller, Sender
from chatapp.access.names import MAX_CHARS, is_owner
from chatapp.errors import ConfigError, Forbidden, Unauthorized

UserName: TypeAlias = str | int | None

HOST = "chatapp.host"
"""In the WSGI environment of a request: the context of the host's."""


class HostLogin:
    """An `Authenticator`. The arguments are those of `Chatapp`."""

    def __init__(
        self,
        user: Callable[[], UserName] | None,
        admin: Callable[[], bool] | None,
        unauthorized: Callable[[], Any] | None,
    ) -> None:
        self._user = user
        self._admin = admin
        self._unauthorized = unauthorized

    def check(self, host: Flask) -> None:
        """Raise ConfigError if nothing tells who asks."""
        if self._user is None and not _has_flask_login(host):
            raise ConfigError(
                "user: nothing tells who asks; expected a function such as user=lambda: session.get('user'), or a host "
                "with Flask-Login, or auth='keys' for keys of chatapp's own"
            )

    def caller(self, sender: Sender) -> Caller:
        context: Context = request.environ[HOST]
        name, is_admin = context.run(self._ask)
        if name is None:
            raise Unauthorized("sign in first: nobody is signed in here")
        if not is_owner(name):
            raise Forbidden(f"user: expected a name of 1 to {MAX_CHARS} printable characters, without a comma")
        return Caller(name, sender.trace_id, "admin" if is_admin else "user")

    def turn_away(self, host: Flask) -> Any:
        """The host's answer to a page's request of nobody."""
        if self._unauthorized is not None:
            return self._unauthorized()
        if _has_flask_login(host):
            return host.login_manager.unauthorized()  # type: ignore[attr-defined]
        return abort(401)

    def _ask(self) -> tuple[str | None, bool]:
        user = _flask_login_user() if self._user is None else self._user()
        is_admin = user is not None and self._admin is not None and bool(self._admin())
        return (None if user is None else str(user)), is_admin


def host_context() -> Context:
    """The context of the host's request, to ask in later."""
    return copy_context()


def _has_flask_login(host: Flask) -> bool:
    return hasattr(host, "login_manager")


def _flask_login_user() -> UserName:
    user = sys.modules["flask_login"].current_user  # the host's own library, which it has loaded
    name: UserName = user.get_id() if user.is_authenticated else None
    return name
