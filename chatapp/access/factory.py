"""From the settings to those who let people in: the authenticator, and what opens a door beside
it."""

from collections.abc import Callable, Collection
from typing import NamedTuple

from flask import Flask

from chatapp.access import Authenticator, Shares, Tickets
from chatapp.access.cookies import KEY_FILE, CookieAuthenticator, kept_key, secret_key
from chatapp.access.keys import KeyAuthenticator
from chatapp.access.proxy import GroupRoles, ProxyAuthenticator, trusted_networks
from chatapp.access.sessions import BrowserSessions
from chatapp.access.shares import LinkOffice
from chatapp.access.tickets import TicketOffice
from chatapp.errors import ConfigError
from chatapp.settings import Settings
from chatapp.storage.credentials import StoredCredentials
from chatapp.storage.database import Database
from chatapp.storage.keys import StoredKeys
from chatapp.storage.sessions import StoredSessions
from chatapp.storage.shares import StoredShares
from chatapp.storage.tickets import StoredTickets


class Access(NamedTuple):
    """`ended` gives those of the credentials that have ended."""

    authenticator: Authenticator
    shares: Shares
    tickets: Tickets
    ended: Callable[[Collection[str]], Collection[str]]


def open_access(app: Flask, settings: Settings, database: Database, login: Authenticator | None = None) -> Access:
    """`login` is the authenticator, instead of the one that the settings ask for. Raises
    ConfigError."""
    key, engine = secret_key(settings.secret_key.reveal(), settings.data), database.engine
    return Access(
        authenticator=login or _authenticator(app, settings, database, key),
        shares=LinkOffice(StoredShares(engine), key),
        tickets=TicketOffice(StoredTickets(engine), settings.ticket_s),
        ended=StoredCredentials(engine).ended,
    )


def check_access(settings: Settings) -> None:
    """Raises ConfigError, as `open_access` does, for what can be seen without opening anything."""
    path = settings.data / KEY_FILE
    if not settings.secret_key.reveal() and path.exists():
        kept_key(path)
    trusted_networks(settings.trusted_proxies)
    if settings.auth == "oidc":
        _check_oidc(settings)


def _check_oidc(settings: Settings) -> None:
    if not (settings.oidc_issuer.startswith(("https://", "http://")) and settings.oidc_client_id):
        raise ConfigError("oidc_issuer, oidc_client_id: auth = oidc needs the provider's URL and this server's name")
    if "openid" not in settings.oidc_scopes:
        raise ConfigError("oidc_scopes: `openid` is missing, without which a provider does not say who it is")


def _authenticator(app: Flask, settings: Settings, database: Database, key: str) -> Authenticator:
    sessions = BrowserSessions(StoredSessions(database.engine), key, settings.session_s)
    keys = KeyAuthenticator(StoredKeys(database.engine), sessions)
    roles = GroupRoles(settings.user_groups, settings.admin_groups)
    match settings.auth:
        case "none":
            return CookieAuthenticator(key)
        case "keys":
            return keys
        case "proxy":
            networks = trusted_networks(settings.trusted_proxies)
            return ProxyAuthenticator(networks, settings.proxy_user_header, settings.proxy_groups_header, roles)
        case "oidc":
            return _oidc(app, settings, key, keys, sessions, roles)


def _oidc(
    app: Flask, settings: Settings, key: str, keys: KeyAuthenticator, sessions: BrowserSessions, roles: GroupRoles
) -> Authenticator:
    from chatapp.access.oidc import LoginState, OIDCAuthenticator, OIDCConfig  # its libraries: 0.2 s of each start

    _check_oidc(settings)
    app.secret_key, app.session_interface = key, LoginState(key)
    config = OIDCConfig(
        issuer=settings.oidc_issuer,
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.reveal(),
        scopes=settings.oidc_scopes,
        user_claim=settings.oidc_user_claim,
        groups_claim=settings.oidc_groups_claim,
        timeout_s=settings.oidc_timeout_s,
    )
    return OIDCAuthenticator(app, config, keys, sessions, roles)
