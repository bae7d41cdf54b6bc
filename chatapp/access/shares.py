"""Read-only links: a viewer may read one conversation, or one answer, until the link is taken back.

The token is made of the link's id and the server's secret, so that its owner can see it again,
though only its hash is kept.
"""

import base64
import hashlib
import hmac

from chatapp.access.tokens import hash_of, is_hash_of
from chatapp.errors import NotFound
from chatapp.storage import Share
from chatapp.storage.shares import StoredShares, new_share_id


class LinkOffice:
    """`Shares` over a table."""

    def __init__(self, stored: StoredShares, secret_key: str) -> None:
        self._stored = stored
        self._secret = secret_key.encode()

    def share(self, owner: str, *, conversation_id: str | None = None, message_id: str | None = None) -> str:
        token = self.token(owner, conversation_id=conversation_id, message_id=message_id)
        if token is None:
            id = new_share_id()
            token = self._token_of(id)
            self._stored.create(hash_of(token), id, owner, conversation_id, message_id)
        return token

    def find(self, token: str) -> Share:
        found = self._stored.find(hash_of(token))
        if found is None or not is_hash_of(token, found.hash):
            raise NotFound("no such link, or it was taken back")
        return found

    def take_back(self, owner: str, *, conversation_id: str | None = None, message_id: str | None = None) -> bool:
        return self._stored.delete(owner, conversation_id, message_id)

    def token(self, owner: str, *, conversation_id: str | None = None, message_id: str | None = None) -> str | None:
        found = self._stored.of(owner, conversation_id, message_id)
        if found is None or not is_hash_of(token := self._token_of(found.id), found.hash):
            return None  # also a link made with another secret: a new one takes its place
        return token

    def _token_of(self, id: str) -> str:
        mac = hmac.new(self._secret, f"share {id}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")
