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
        found = self._stored.of(owner, conversation_id, message_id)
        if (token := self._valid(found)) is not None:
            return token
        id = new_share_id()
        token, instead_of = self._token_of(id), found.id if found else ""
        if self._stored.create(hash_of(token), id, owner, conversation_id, message_id, instead_of):
            return token
        return self.share(owner, conversation_id=conversation_id, message_id=message_id)  # the other one's

    def find(self, token: str) -> Share:
        found = self._stored.find(hash_of(token))
        if found is None or not is_hash_of(token, found.hash):
            raise NotFound("no such link, or it was taken back")
        return found

    def take_back(self, owner: str, *, conversation_id: str | None = None, message_id: str | None = None) -> bool:
        return self._stored.delete(owner, conversation_id, message_id)

    def token(self, owner: str, *, conversation_id: str | None = None, message_id: str | None = None) -> str | None:
        return self._valid(self._stored.of(owner, conversation_id, message_id))

    def _valid(self, found: Share | None) -> str | None:
        if found is None or not is_hash_of(token := self._token_of(found.id), found.hash):
            return None  # also a link made with another secret: a new one takes its place
        return token

    def _token_of(self, id: str) -> str:
        mac = hmac.new(self._secret, f"share {id}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac).decode().rstrip("=")
