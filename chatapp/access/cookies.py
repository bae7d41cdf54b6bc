"""Whose request it is. Without login: a browser is known by the signed cookie that the page gave it; a client
without one is `local`.

The cookie is no secret to keep from the machine's user, it keeps two browsers apart. It is signed so that nobody
can make up somebody else's.
"""

import hashlib
import os
import secrets
from pathlib import Path

from flask import Request, Response
from itsdangerous import BadSignature, URLSafeSerializer

COOKIE = "chatapp_owner"  # and some of the key's hash: cookies know no ports, and two servers must not share one
COOKIE_AGE_S = 400 * 24 * 3600  # the longest that browsers keep
LOCAL = "local"


class CookieAuthenticator:
    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt=COOKIE)
        self.cookie = f"{COOKIE}_{hashlib.sha256(secret_key.encode()).hexdigest()[:8]}"

    def owner(self, request: Request) -> str:
        """The browser's owner id; `local` without a cookie, or with one that was not signed here."""
        try:
            return str(self._serializer.loads(request.cookies.get(self.cookie, "")))
        except BadSignature:
            return LOCAL

    def new_owner(self) -> str:
        return f"browser_{secrets.token_hex(16)}"

    def remember(self, response: Response, owner: str, secure: bool) -> None:
        value = str(self._serializer.dumps(owner))
        response.set_cookie(self.cookie, value, max_age=COOKIE_AGE_S, httponly=True, samesite="Lax", secure=secure)


def secret_key(configured: str, data: Path) -> str:
    """The configured key, else the one of the data folder, made at first use. Workers may start at the same time."""
    if configured:
        return configured
    path = data / "secret_key"
    if not path.exists():
        mine = data / f"secret_key.{os.getpid()}"
        mine.touch(mode=0o600)
        mine.write_text(secrets.token_hex(32))
        try:
            os.link(mine, path)  # atomic, and whole: the first one wins
        except FileExistsError:
            pass
        finally:
            mine.unlink()
    return path.read_text()
