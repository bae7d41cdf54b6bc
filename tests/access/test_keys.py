"""A key is its owner's word; a session lives no longer than the key that began it."""

import time
from collections.abc import Callable

import pytest
from werkzeug import Response

from chatapp.access import Sender
from chatapp.access.keys import KeyAuthenticator, create_key
from chatapp.access.sessions import BrowserSessions
from chatapp.errors import Unauthorized
from chatapp.storage.credentials import StoredCredentials
from chatapp.storage.database import Database
from chatapp.storage.keys import StoredKeys
from chatapp.storage.sessions import StoredSessions

Make = Callable[..., Sender]
DAY_S = 86_400.0


@pytest.fixture
def keys(database: Database) -> StoredKeys:
    return StoredKeys(database.engine)


@pytest.fixture
def auth(database: Database, keys: StoredKeys) -> KeyAuthenticator:
    return KeyAuthenticator(keys, BrowserSessions(StoredSessions(database.engine), "secret", DAY_S))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def signed_in(auth: KeyAuthenticator, key: str, sender: Sender) -> tuple[dict[str, str], str]:
    """The cookies of a browser that signed in, and the header that gave them."""
    response = Response()
    auth.sign_in(key, sender, response)
    header = response.headers["Set-Cookie"]
    name, _, rest = header.partition("=")
    return {name: rest.partition(";")[0]}, header


@pytest.mark.parametrize("header", ["Authorization", "authorization", "x-api-key"])
def test_a_key_is_known_as_clients_of_either_vendor_send_it(
    auth: KeyAuthenticator, keys: StoredKeys, sender: Make, header: str
) -> None:
    key = create_key(keys, "bob", "admin", None)
    value = key if header == "x-api-key" else f"bearer {key}"
    caller = auth.caller(sender({header: value}))
    assert (caller.owner, caller.role, caller.trace_id) == ("bob", "admin", "trace")


def test_another_scheme_is_the_proxy_s_own(auth: KeyAuthenticator, keys: StoredKeys, sender: Make) -> None:
    key = create_key(keys, "bob", "user", None)
    assert auth.caller(sender({"Authorization": "Basic eDp5", "x-api-key": key})).owner == "bob"


@pytest.mark.parametrize("sent", ["", "chatapp_x", "é" * 3, "x" * 8000, "chatapp_" + "A" * 43])
def test_what_is_no_key_is_refused(auth: KeyAuthenticator, keys: StoredKeys, sender: Make, sent: str) -> None:
    create_key(keys, "bob", "user", None)
    for headers in ({"x-api-key": sent}, bearer(sent), {}):
        with pytest.raises(Unauthorized):
            auth.caller(sender(headers))


def test_only_a_hash_is_kept(auth: KeyAuthenticator, keys: StoredKeys, database: Database) -> None:
    key = create_key(keys, "bob", "user", None)
    assert key.startswith("chatapp_") and len(key) == len("chatapp_") + 43
    with database.engine.connect() as connection:
        dump = "".join(str(row) for row in connection.exec_driver_sql("SELECT * FROM keys"))
    assert key not in dump and key.removeprefix("chatapp_") not in dump


def test_what_a_request_tells_of_its_sender_shows_no_key(sender: Make) -> None:
    assert "CANARY" not in repr(sender(bearer("CANARY"), {"session": "CANARY"}))


@pytest.mark.parametrize("name", ["", "a b", "a,b", "a\n", "x" * 101, "a/b"])
def test_names_are_plain(keys: StoredKeys, name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        create_key(keys, name, "user", None)


def test_an_expired_key_and_a_revoked_one_are_refused(auth: KeyAuthenticator, keys: StoredKeys, sender: Make) -> None:
    expired, revoked = create_key(keys, "bob", "user", time.time() - 1), create_key(keys, "eve", "user", None)
    assert keys.revoke("eve") == (1, 0) and keys.revoke("eve") == (0, 0)
    for key in (expired, revoked):
        with pytest.raises(Unauthorized, match="unknown, was revoked or has expired"):
            auth.caller(sender(bearer(key)))


def test_one_key_of_several_is_revoked_by_its_id(auth: KeyAuthenticator, keys: StoredKeys, sender: Make) -> None:
    old, new = (create_key(keys, "bob", "user", None) for _ in range(2))
    assert keys.revoke(keys.all()[0].id) == (1, 0)
    assert auth.caller(sender(bearer(new))).owner == "bob"
    with pytest.raises(Unauthorized):
        auth.caller(sender(bearer(old)))


def test_a_browser_signs_in_with_a_key_and_out_again(auth: KeyAuthenticator, keys: StoredKeys, sender: Make) -> None:
    cookies, header = signed_in(auth, f" {create_key(keys, 'bob', 'admin', None)}\n", sender())
    assert "HttpOnly" in header and "SameSite=Lax" in header and "Secure" not in header
    caller = auth.caller(sender(cookies=cookies))
    assert (caller.owner, caller.role) == ("bob", "admin")
    response = Response()
    auth.sign_out(sender(cookies=cookies), response)
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    with pytest.raises(Unauthorized):
        auth.caller(sender(cookies=cookies))


def test_over_tls_a_session_of_plain_http_counts_for_nothing(
    auth: KeyAuthenticator, keys: StoredKeys, sender: Make
) -> None:
    key = create_key(keys, "bob", "user", None)
    plain, _ = signed_in(auth, key, sender())
    secure, header = signed_in(auth, key, sender(secure=True))
    assert "Secure" in header and header.startswith("__Host-")
    assert auth.caller(sender(cookies=secure, secure=True)).owner == "bob"
    with pytest.raises(Unauthorized):
        auth.caller(sender(cookies=plain, secure=True))


def test_a_wrong_key_begins_no_session(auth: KeyAuthenticator, sender: Make) -> None:
    response = Response()
    with pytest.raises(Unauthorized, match="This key is unknown"):
        auth.sign_in("chatapp_wrong", sender(), response)
    assert "Set-Cookie" not in response.headers


def test_a_new_session_ends_the_one_that_the_browser_had(
    auth: KeyAuthenticator, keys: StoredKeys, sender: Make
) -> None:
    key = create_key(keys, "bob", "user", None)
    first, _ = signed_in(auth, key, sender())
    signed_in(auth, key, sender(cookies=first))
    with pytest.raises(Unauthorized):
        auth.caller(sender(cookies=first))


def test_sessions_end_with_their_key(
    auth: KeyAuthenticator, keys: StoredKeys, sender: Make, database: Database
) -> None:
    key = create_key(keys, "bob", "user", time.time() + 60)
    cookies, header = signed_in(auth, key, sender())
    assert int(header.partition("Max-Age=")[2].partition(";")[0]) <= 60
    by_session, by_key = auth.caller(sender(cookies=cookies)), auth.caller(sender(bearer(key)))
    ended = StoredCredentials(database.engine).ended
    assert ended([by_session.credential, by_key.credential, "key_unknown"]) == {"key_unknown"}
    assert keys.revoke("bob") == (1, 1)
    assert ended([by_session.credential, by_key.credential]) == {by_session.credential, by_key.credential}
    with pytest.raises(Unauthorized):
        auth.caller(sender(cookies=cookies))


@pytest.mark.parametrize("value", ["x", "bob", "é"])
def test_a_forged_cookie_is_nobody_s(auth: KeyAuthenticator, keys: StoredKeys, sender: Make, value: str) -> None:
    [name] = signed_in(auth, create_key(keys, "bob", "user", None), sender())[0]
    with pytest.raises(Unauthorized):
        auth.caller(sender(cookies={name: value}))
