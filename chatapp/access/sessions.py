"""A browser that has signed in: it holds a random token in a cookie, the database its hash.

A session is a row, so that it survives a restart and ends for all workers at once.
"""

import time

from werkzeug import Response

from chatapp.access import Caller, Role, Sender
from chatapp.access.cookies import cookie_name
from chatapp.access.tokens import hash_of, is_hash_of, new_token
from chatapp.storage.sessions import StoredSessions

COOKIE = "chatapp_session"


class BrowserSessions:
    """`age_s`: after so many seconds a browser must sign in again."""

    def __init__(self, stored: StoredSessions, secret_key: str, age_s: float) -> None:
        self._stored = stored
        self._secret_key = secret_key
        self._age_s = age_s

    def caller(self, sender: Sender) -> Caller | None:
        """None without a session that lasts."""
        token = sender.cookies.get(self.cookie(sender.secure))
        session = self._stored.find(hash_of(token)) if token else None
        if token is None or session is None or not is_hash_of(token, session.hash):
            return None
        return Caller(session.owner, sender.trace_id, session.role, session.id)

    def begin(
        self,
        owner: str,
        role: Role,
        sender: Sender,
        response: Response,
        key_id: str | None = None,
        until: float | None = None,
    ) -> None:
        """`key_id`: it ends with this key; `until`: not later than then. A session that the browser
        has ends, so that nobody can prepare one for somebody else."""
        self._forget(sender)
        token, latest = new_token(), time.time() + self._age_s
        expires = latest if until is None else min(latest, until)
        self._stored.create(hash_of(token), owner, role, expires, key_id)
        response.set_cookie(
            self.cookie(sender.secure),
            token,
            max_age=int(expires - time.time()),
            httponly=True,
            samesite="Lax",
            secure=sender.secure,
        )

    def end(self, sender: Sender, response: Response) -> None:
        self._forget(sender)
        response.delete_cookie(self.cookie(sender.secure), httponly=True, samesite="Lax", secure=sender.secure)

    def cookie(self, secure: bool) -> str:
        return cookie_name(COOKIE, self._secret_key, secure)

    def _forget(self, sender: Sender) -> None:
        if token := sender.cookies.get(self.cookie(sender.secure)):
            self._stored.delete(hash_of(token))
