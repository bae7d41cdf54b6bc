"""A company's login: against oidc-provider, certified for OpenID Connect, which runs here."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from servers import free_port

pytestmark = pytest.mark.slow

NPM = Path(sys.prefix) / "npm"
NODE = NPM / "node_modules/node/bin/node"
SCRIPT = Path(__file__).parents[1] / "npm" / "oidc_provider.mjs"
ENV = {
    "CHATAPP_AUTH": "oidc",
    "CHATAPP_OIDC_CLIENT_ID": "chatapp",
    "CHATAPP_OIDC_CLIENT_SECRET": "the-secret",
    "CHATAPP_OIDC_SCOPES": "openid,groups",
    "CHATAPP_USER_GROUPS": "chat",
    "CHATAPP_ADMIN_GROUPS": "ops",
}


@pytest.fixture(scope="module")
def issuer() -> str:
    if not NODE.exists() or not (NPM / "node_modules/oidc-provider").exists():
        pytest.skip("oidc-provider is not installed: make .venv/.npm")
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def server(module_server: Callable[..., Any], issuer: str) -> Any:
    """chatapp, with two workers: the way back may lead to the other one."""
    return module_server(CHATAPP_OIDC_ISSUER=issuer, WEB_CONCURRENCY="2", **ENV)


@pytest.fixture(scope="module")
def provider(server: Any, issuer: str) -> Iterator[str]:
    command = [str(NODE), str(SCRIPT), str(NPM), issuer, f"{server.url}/login/callback"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert any(line.startswith("ready") for line in process.stdout)
        yield issuer
        process.kill()


def to_the_provider(client: Any, page: str = "/") -> Any:
    """The provider's form, to which a page of ours has led."""
    form = client.get(page)
    assert "/interaction/" in form.url, form.url
    return form


def filled_in(client: Any, form: Any, person: str) -> Any:
    """Sign in, consent, and be led back; chatapp's answer, before it is obeyed."""
    while (prompt := re.search(r'name="prompt" value="(\w+)"', form.text)) is not None:
        action = re.search(r'action="([^"]+)"', form.text)
        assert action is not None
        fields = {"prompt": prompt[1], "login": person, "password": "x"}
        form = client.session.post(urljoin(form.url, action[1]), data=fields, allow_redirects=False, timeout=30)
        while form.is_redirect and "/login/callback" not in form.headers["Location"]:
            form = client.session.get(urljoin(form.url, form.headers["Location"]), allow_redirects=False, timeout=30)
    return form.headers["Location"]


def signed_in(server: Any, person: str) -> Any:
    client = server.client()
    back = client.session.get(filled_in(client, to_the_provider(client), person), timeout=30)
    assert back.ok, back.text
    return client


def test_a_person_signs_in_and_owns_what_is_said(server: Any, provider: str) -> None:
    bob = server.client()
    back = bob.session.get(filled_in(bob, to_the_provider(bob, "/docs"), "bob"), timeout=30)
    assert back.status_code == 200 and urlsplit(back.url).path == "/docs"
    run = bob.send("hi")["id"]
    assert bob.follow(run).to_end()[-1].type == "completed"
    assert signed_in(server, "ann").get(f"/api/v1/messages/{run}").status_code == 404
    assert signed_in(server, "bob").get(f"/api/v1/messages/{run}").status_code == 200


def test_the_request_has_state_nonce_and_a_challenge(server: Any, provider: str) -> None:
    leaving = server.client().get("/login", allow_redirects=False)
    asked = parse_qs(urlsplit(leaving.headers["Location"]).query)
    assert asked["code_challenge_method"] == ["S256"] and asked["response_type"] == ["code"]
    assert asked["state"] and asked["nonce"] and asked["code_challenge"]
    assert "HttpOnly" in leaving.headers["Set-Cookie"] and "SameSite=Lax" in leaving.headers["Set-Cookie"]


def test_groups_say_who_may_come_in(server: Any, provider: str) -> None:
    eve = server.client()
    refused = eve.session.get(filled_in(eve, to_the_provider(eve), "eve"), timeout=30)
    assert refused.status_code == 403 and "groups" in refused.text
    assert eve.get("/api/v1/conversations").status_code == 401


def test_an_answer_that_another_browser_asked_for_begins_nothing(server: Any, provider: str) -> None:
    victim, attacker = server.client(), server.client()
    location = filled_in(attacker, to_the_provider(attacker), "bob")
    refused = victim.session.get(location, timeout=30)
    assert refused.status_code == 401 and not any("session" in cookie.name for cookie in victim.session.cookies)
    assert attacker.session.get(location, timeout=30).ok
    again = attacker.session.get(location, timeout=30)
    assert again.status_code == 401  # neither state nor code is good twice
    for query in ("", "?error=access_denied&state=x", "?code=x&state=x", "?state="):
        assert victim.get(f"/login/callback{query}").status_code == 401


def test_signing_out_does_not_sign_in_again(server: Any, provider: str) -> None:
    bob = signed_in(server, "bob")
    out = bob.session.post(f"{server.url}/logout", timeout=30)
    assert "signed out" in out.text and urlsplit(out.url).path == "/login"
    assert bob.get("/api/v1/conversations").status_code == 401


def test_a_provider_that_is_away_is_told(own_server: Callable[..., Any], issuer: str) -> None:
    server = own_server(CHATAPP_OIDC_ISSUER="http://127.0.0.1:9", **ENV)
    refused = server.client().get("/login")
    assert refused.status_code == 503 and refused.json()["error"]["code"] == "login_unavailable"
