"""Two browsers are two owners, and nobody can make up a third."""

import os
import stat
from pathlib import Path

import pytest
from werkzeug import Response
from werkzeug.datastructures import Headers

from chatapp.access import Caller, Sender
from chatapp.access.cookies import LOCAL, CookieAuthenticator, secret_key
from chatapp.errors import ConfigError

SOMEBODY = Caller(LOCAL, "trace", "admin")


def caller_with(auth: CookieAuthenticator, cookie: str | None, secure: bool = False) -> Caller:
    cookies = {} if cookie is None else {auth.cookie(secure=False): cookie}
    return auth.caller(Sender(Headers(), cookies, "127.0.0.1", secure, "trace"))


def cookie_for(auth: CookieAuthenticator, caller: Caller) -> str:
    response = Response()
    auth.remember(caller, response, secure=False)
    header = response.headers["Set-Cookie"]
    assert "HttpOnly" in header and "SameSite=Lax" in header
    return header.partition("=")[2].partition(";")[0]


def test_a_browser_is_known_by_its_cookie() -> None:
    auth = CookieAuthenticator("key")
    visitor = auth.visitor(SOMEBODY)
    assert caller_with(auth, cookie_for(auth, visitor)) == visitor == auth.visitor(visitor)
    assert visitor.owner not in (LOCAL, auth.visitor(SOMEBODY).owner)


def test_without_a_cookie_signed_here_it_is_the_local_client() -> None:
    auth = CookieAuthenticator("key")
    for cookie in (None, "", "nonsense", cookie_for(CookieAuthenticator("other key"), Caller("browser_x", "trace"))):
        assert caller_with(auth, cookie) == SOMEBODY


def test_the_key_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    key = secret_key("", tmp_path)
    assert len(key) >= 32 and secret_key("", tmp_path) == key
    assert stat.S_IMODE(os.stat(tmp_path / "secret_key").st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "secret_key"]
    assert secret_key("configured", tmp_path) == "configured"


def test_two_servers_on_one_host_keep_their_cookies_apart() -> None:
    """Cookies know no ports: what one gives must not overwrite what the other gave."""
    assert CookieAuthenticator("key").cookie(False) != CookieAuthenticator("other key").cookie(False)


def test_over_tls_no_other_port_can_plant_a_cookie() -> None:
    auth, response = CookieAuthenticator("key"), Response()
    auth.remember(auth.visitor(SOMEBODY), response, secure=True)
    header = response.headers["Set-Cookie"]
    assert header.startswith("__Host-") and "Secure" in header and "Path=/" in header and "Domain" not in header
    assert caller_with(auth, cookie_for(auth, auth.visitor(SOMEBODY)), secure=True) == SOMEBODY


@pytest.mark.parametrize("content", ["", " \n", "short"])
def test_a_file_without_a_key_stops_the_start(tmp_path: Path, content: str) -> None:
    (tmp_path / "secret_key").write_text(content)
    with pytest.raises(ConfigError, match="secret_key: .* holds no key"):
        secret_key("", tmp_path)
