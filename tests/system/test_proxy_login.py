"""deploy/nginx-sign-in.conf in front of a real server: nginx asks a login about every request."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gevent.pywsgi import WSGIServer
from nginx import needs_nginx, nginx

pytestmark = [pytest.mark.slow, needs_nginx]

SITE = Path(__file__).parents[2] / "deploy" / "nginx-sign-in.conf"
PEOPLE = {"bob-s-ticket": ("bob", "staff"), "ann-s-ticket": ("ann", "staff,ops"), "odd-ticket": ("", "")}


@pytest.fixture(scope="module")
def login() -> Iterator[int]:
    """The port of what stands for oauth2-proxy: it knows people by a cookie."""

    def answer(environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
        ticket = environ.get("HTTP_COOKIE", "").partition("ticket=")[2]
        if ticket not in PEOPLE:
            start("401 Unauthorized", [])
            return []
        user, groups = PEOPLE[ticket]
        start("202 Accepted", [("X-Auth-Request-User", user), ("X-Auth-Request-Groups", groups)])
        return []

    server = WSGIServer(("127.0.0.1", 0), answer, log=None)
    server.start()
    yield server.server_port
    server.stop(timeout=0)


@pytest.fixture(scope="module")
def server(module_server: Callable[..., Any]) -> Any:
    return module_server(CHATAPP_AUTH="proxy", CHATAPP_ADMIN_GROUPS="ops", CHATAPP_HEARTBEAT_S="1")


@pytest.fixture
def site(server: Any, login: int, tmp_path: Path, wait_until: Any) -> Iterator[str]:
    def published(port: int) -> str:
        text = SITE.read_text()
        for theirs, ours in (("127.0.0.1:8080", port), ("127.0.0.1:8000", server.port), ("127.0.0.1:4180", login)):
            assert theirs in text
            text = text.replace(theirs, f"127.0.0.1:{ours}")
        return text

    with nginx(tmp_path, published, wait_until) as url:
        yield url


@pytest.fixture
def person(server: Any, site: str) -> Callable[..., Any]:
    """A client that comes through nginx with this ticket."""

    def make(ticket: str = "") -> Any:
        client = server.client()
        client.url = site
        client.session.headers["Cookie"] = f"ticket={ticket}"
        return client

    return make


def test_two_people_are_two_owners_and_follow_their_own_runs(person: Callable[..., Any]) -> None:
    bob, ann = person("bob-s-ticket"), person("ann-s-ticket")
    run = bob.send("hi")["id"]
    assert bob.follow(run).to_end()[-1].type == "completed"
    assert ann.get(f"/api/v1/messages/{run}").status_code == 404


def test_what_a_client_claims_is_overwritten(person: Callable[..., Any]) -> None:
    run = person("ann-s-ticket").send("hi")["id"]
    claims = {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "ops", "X_Forwarded_User": "ann"}
    assert person("bob-s-ticket").get(f"/api/v1/messages/{run}", headers=claims).status_code == 404
    assert person("odd-ticket").get(f"/api/v1/messages/{run}", headers=claims).status_code == 401
    assert person().get(f"/api/v1/messages/{run}", headers=claims).status_code == 401


def test_without_a_login_a_page_leads_there(person: Callable[..., Any]) -> None:
    sent = person().get("/", headers={"Accept": "text/html"}, allow_redirects=False)
    assert sent.status_code == 302 and "/oauth2/sign_in" in sent.headers["Location"]
    assert person().get("/api/v1/conversations").json()["error"]["code"] == "unauthorized"


def test_a_peer_that_is_no_proxy_is_refused(own_server: Callable[..., Any]) -> None:
    server = own_server(CHATAPP_AUTH="proxy", CHATAPP_TRUSTED_PROXIES="10.9.8.7")
    forged = server.client().get("/api/v1/conversations", headers={"X-Forwarded-User": "bob"})
    assert forged.status_code == 401 and "trusted_proxies" in forged.json()["error"]["message"]
