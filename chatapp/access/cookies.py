"""Without login: a browser is known by the signed cookie that the page gave it; a client without a
cookie is `local`. Everybody is an admin: only the machine's user can be here.

The cookie keeps two browsers apart. It is not a secret from the machine's user; it is signed so
that nobody can forge another browser's.
"""

import hashlib
import secrets
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug import Response

from chatapp.access import Caller, Sender
from chatapp.errors import ConfigError
from chatapp.private_files import write_whole

COOKIE = "chatapp_owner"
COOKIE_AGE_S = 400 * 24 * 3600  # the longest that browsers keep one
LOCAL = "local"
KEY_CHARS = 32
KEY_FILE = "secret_key"


class CookieAuthenticator:
    """An `Authenticator`, and a `KnowsBrowsers`."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt=COOKIE)
        self._names = {secure: cookie_name(COOKIE, secret_key, secure) for secure in (False, True)}

    def caller(self, sender: Sender) -> Caller:
        """`local` without a cookie, or with one that was not signed here."""
        cookie = sender.cookies.get(self.cookie(sender.secure))
        if not cookie:
            return Caller(LOCAL, sender.trace_id, "admin")
        try:
            return Caller(str(self._serializer.loads(cookie)), sender.trace_id, "admin")
        except BadSignature as error:
            # It stands in the frame of itsdangerous that it refers to: the whole request, with its
            # response, would wait for the garbage collector.
            error.__traceback__ = None
            return Caller(LOCAL, sender.trace_id, "admin")

    def visitor(self, caller: Caller) -> Caller:
        if caller.owner != LOCAL:
            return caller
        return Caller(f"browser_{secrets.token_hex(16)}", caller.trace_id, caller.role)

    def remember(self, caller: Caller, response: Response, secure: bool) -> None:
        value = str(self._serializer.dumps(caller.owner))
        response.set_cookie(
            self.cookie(secure), value, max_age=COOKIE_AGE_S, httponly=True, samesite="Lax", secure=secure
        )

    def cookie(self, secure: bool) -> str:
        return self._names[secure]


def cookie_name(base: str, secret_key: str, secure: bool) -> str:
    """With part of the key's hash: cookies ignore ports, and two servers must not share one. Over
    TLS `__Host-`, which no page of another port or of plain HTTP can plant."""
    name = f"{base}_{hashlib.sha256(secret_key.encode()).hexdigest()[:8]}"
    return f"__Host-{name}" if secure else name


def secret_key(configured: str, data: Path) -> str:
    """The configured key, else the one in the data folder, made at first use. Workers may start at
    the same time. Raises ConfigError for a file without a key: with an empty one anybody could
    sign."""
    if configured:
        return configured
    path = data / KEY_FILE
    try:
        if not path.exists():
            write_whole(path, secrets.token_hex(32))
        path.chmod(0o600)
    except OSError as error:
        raise _unusable(path, error) from None
    return kept_key(path)


def kept_key(path: Path) -> str:
    """Raises ConfigError."""
    try:
        key = path.read_text().strip()
    except OSError as error:
        raise _unusable(path, error) from None
    if len(key) < KEY_CHARS:
        raise ConfigError(
            f"secret_key: {path} holds no key of at least {KEY_CHARS} characters; remove it, and a new one is made: "
            "browsers then get new cookies"
        )
    return key


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"secret_key: cannot read or write {path}: {error.strerror}")
