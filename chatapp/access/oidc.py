"""A company's login: OpenID Connect with the authorization code and PKCE. Authlib speaks the
protocol; here stand the claims that say who it is, and the session that follows.

Programs cannot follow a login's redirects: they come in by a key, whose name is the owner's.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.flask_client import OAuth
from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from joserfc.errors import JoseError
from werkzeug import Response

from chatapp.access import Caller, Sender
from chatapp.access.cookies import cookie_name
from chatapp.access.keys import KeyAuthenticator
from chatapp.access.names import is_owner
from chatapp.access.proxy import GroupRoles
from chatapp.access.sessions import BrowserSessions
from chatapp.errors import LoginUnavailable, Unauthorized

DISCOVERY = "/.well-known/openid-configuration"
STATE_COOKIE = "chatapp_login"  # between the way to the provider and the way back

logger = logging.getLogger(__name__)


class OIDCConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`client_secret` is empty for a public client. `timeout_s` is for each request."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: Sequence[str]
    user_claim: str
    groups_claim: str
    timeout_s: float


class OIDCAuthenticator:
    """An `Authenticator`, and a `SignsInElsewhere`. `keys` knows programs, and sessions."""

    def __init__(
        self, app: Flask, config: OIDCConfig, keys: KeyAuthenticator, sessions: BrowserSessions, roles: GroupRoles
    ) -> None:
        self._config = config
        self._keys = keys
        self._sessions = sessions
        self._roles = roles
        self._provider = OAuth(app).register(  # type: ignore[no-untyped-call]
            "login",
            client_id=config.client_id,
            client_secret=config.client_secret or None,
            server_metadata_url=config.issuer.rstrip("/") + DISCOVERY,
            client_kwargs={
                "scope": " ".join(config.scopes),
                "code_challenge_method": "S256",
                "default_timeout": config.timeout_s,
                **({} if config.client_secret else {"token_endpoint_auth_method": "none"}),
            },
        )

    def caller(self, sender: Sender) -> Caller:
        return self._keys.caller(sender)

    def leave_for_login(self, return_url: str) -> Response:
        try:
            self._check_issuer()
            leaving: Response = self._provider.authorize_redirect(return_url)
            return leaving
        except (AuthlibBaseError, OSError, ValueError, RuntimeError) as error:
            raise _away(error) from None

    def come_back(self, sender: Sender, response: Response) -> None:
        claims = self._claims()
        owner = self._owner(claims)
        role = self._roles.role(_groups(claims.get(self._config.groups_claim)))
        self._sessions.begin(owner, role, sender, response)

    def sign_out(self, sender: Sender, response: Response) -> None:
        self._sessions.end(sender, response)

    def _check_issuer(self) -> None:
        """Another issuer's metadata at this address would let that one sign everybody in."""
        found = self._provider.load_server_metadata().get("issuer")
        if found != self._config.issuer:
            raise ValueError(f"the metadata is of the issuer {found!r}")

    def _claims(self) -> Mapping[str, Any]:
        """What the provider says of the person, in a signed token, and if need be beside it."""
        try:
            self._check_issuer()
            token = self._provider.authorize_access_token()
            claims: dict[str, Any] = dict(token.get("userinfo") or {})
            wanted = {self._config.user_claim, self._config.groups_claim}
            if claims and not wanted <= claims.keys() and "userinfo_endpoint" in self._provider.server_metadata:
                claims = _joined(claims, self._provider.userinfo(token=token))
        except (AuthlibBaseError, JoseError) as error:
            logger.warning("a login failed: %s", getattr(error, "error", None) or type(error).__name__)
            raise Unauthorized("login: it was cancelled, took too long, or was refused; try again") from None
        except (OSError, ValueError, RuntimeError) as error:
            raise _away(error) from None
        return claims

    def _owner(self, claims: Mapping[str, Any]) -> str:
        owner = claims.get(self._config.user_claim)
        if self._config.user_claim == "email" and claims.get("email_verified") is False:
            owner = None  # anybody could have claimed the address
        if not isinstance(owner, str) or not is_owner(owner):
            raise Unauthorized(f"login: the provider did not say who you are (claim {self._config.user_claim})")
        return owner


class LoginState(SecureCookieSessionInterface):
    """Flask's signed cookie, in which authlib keeps state, nonce and verifier until the browser
    comes back: named and secured as our own cookies are."""

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key

    def get_cookie_name(self, app: Flask) -> str:
        return cookie_name(STATE_COOKIE, self._secret_key, request.is_secure)

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure

    def get_cookie_samesite(self, app: Flask) -> str:
        return "Lax"  # the way back is a link from another site


def _joined(claims: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of the user info endpoint counts only for the same subject (OpenID Connect Core,
    5.3.2)."""
    return {**more, **claims} if more.get("sub") == claims.get("sub") else claims


def _groups(claim: object) -> list[str]:
    if isinstance(claim, str):
        return [claim]
    return [group for group in claim if isinstance(group, str)] if isinstance(claim, list) else []


def _away(error: Exception) -> LoginUnavailable:
    logger.error("the login's provider failed: %s: %s", type(error).__name__, error)
    return LoginUnavailable("login: the provider cannot be reached, or is misconfigured; try again in a moment")
