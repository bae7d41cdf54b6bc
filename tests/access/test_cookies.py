"""Two browsers are two owners, and nobody can make up a third."""

import os
import stat
from pathlib import Path

from flask import Request, Response
from werkzeug.test import EnvironBuilder

from chatapp.access.cookies import LOCAL, CookieAuthenticator, secret_key


def request_with(auth: CookieAuthenticator, cookie: str | None) -> Request:
    headers = {"Cookie": f"{auth.cookie}={cookie}"} if cookie is not None else {}
    return Request(EnvironBuilder(headers=headers).get_environ())


def cookie_for(auth: CookieAuthenticator, owner: str) -> str:
    response = Response()
    auth.remember(response, owner, secure=False)
    header = response.headers["Set-Cookie"]
    assert "HttpOnly" in header and "SameSite=Lax" in header
    return header.partition("=")[2].partition(";")[0]


def test_a_browser_is_known_by_its_cookie() -> None:
    auth = CookieAuthenticator("key")
    owner = auth.new_owner()
    assert auth.owner(request_with(auth, cookie_for(auth, owner))) == owner != auth.new_owner()


def test_without_a_cookie_signed_here_it_is_the_local_client() -> None:
    auth = CookieAuthenticator("key")
    for cookie in (None, "", "nonsense", cookie_for(CookieAuthenticator("other key"), "browser_x")):
        assert auth.owner(request_with(auth, cookie)) == LOCAL


def test_the_key_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    key = secret_key("", tmp_path)
    assert len(key) >= 32 and secret_key("", tmp_path) == key
    assert stat.S_IMODE(os.stat(tmp_path / "secret_key").st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "secret_key"]
    assert secret_key("configured", tmp_path) == "configured"


def test_two_servers_on_one_host_keep_their_cookies_apart() -> None:
    """Cookies know no ports: what one gives must not overwrite what the other gave."""
    assert CookieAuthenticator("key").cookie != CookieAuthenticator("other key").cookie
