"""Keys: a program sends one with each request, as clients of OpenAI and Anthropic do; a browser
signs in with one and gets a session.
"""

import re
import time

from werkzeug import Response
from werkzeug.datastructures import Headers

from chatapp.access import Caller, Role, Sender
from chatapp.access.sessions import BrowserSessions
from chatapp.access.tokens import hash_of, is_hash_of, new_token
from chatapp.errors import Unauthorized
from chatapp.storage import Key
from chatapp.storage.keys import StoredKeys

PREFIX = "chatapp_"
_NAME = re.compile(r"[\w.@+-]{1,100}")
_FORM = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")


class KeyAuthenticator:
    """An `Authenticator`, and a `SignsInByKey`."""

    def __init__(self, keys: StoredKeys, sessions: BrowserSessions) -> None:
        self._keys = keys
        self._sessions = sessions

    def caller(self, sender: Sender) -> Caller:
        """By the key if there is one, else by the session."""
        sent = key_of(sender.headers)
        if sent is not None:
            key = self._live(sent)
            if key is None:
                raise Unauthorized("Authorization: this key is unknown, was revoked or has expired")
            return Caller(key.name, sender.trace_id, key.role, key.id)
        if found := self._sessions.caller(sender):
            return found
        raise Unauthorized("Authorization: expected `Bearer KEY` with a key of this server, or the key in `x-api-key`")

    def sign_in(self, key: str, sender: Sender, response: Response) -> None:
        known = self._live(key.strip())
        if known is None:
            raise Unauthorized("This key is unknown, was revoked or has expired.")
        self._sessions.begin(known.name, known.role, sender, response, known.id, known.expires)

    def sign_out(self, sender: Sender, response: Response) -> None:
        self._sessions.end(sender, response)

    def _live(self, sent: str) -> Key | None:
        if not _FORM.fullmatch(sent):
            return None  # a flood of nonsense must not reach the database
        key = self._keys.find(hash_of(sent))
        return key if key and is_hash_of(sent, key.hash) and key.is_live(time.time()) else None


def key_of(headers: Headers) -> str | None:
    """The bearer token, else `x-api-key`; None without either. Another scheme may be a proxy's."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get("x-api-key")


def create_key(keys: StoredKeys, name: str, role: Role, expires: float | None) -> str:
    """A new key of the owner `name`; it is shown here and never again. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name: expected 1 to 100 letters, digits or any of . _ @ + -")
    token = new_token(PREFIX)
    keys.create(name, role, hash_of(token), expires)
    return token
