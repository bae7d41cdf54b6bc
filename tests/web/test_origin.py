"""Which pages may change anything here."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from chatapp.errors import Forbidden
from chatapp.web import origin


@pytest.fixture
def client() -> Iterator[FlaskClient]:
    app = Flask("guarded")
    origin.install(app)
    app.register_error_handler(Forbidden, lambda error: (error.message, error.status))
    app.add_url_rule("/change", "change", lambda: "done", methods=["POST"])
    app.add_url_rule("/begin", "begin", origin.begins_run(lambda: "begun"))
    app.add_url_rule("/look", "look", lambda: "seen")
    with app.test_client() as client:
        yield client


@pytest.mark.parametrize("site", ["same-origin", "none", None])
def test_this_site_s_pages_and_clients_that_are_no_browsers_may(client: FlaskClient, site: str | None) -> None:
    headers = {} if site is None else {"Sec-Fetch-Site": site}
    assert client.post("/change", headers=headers).status_code == 200
    assert client.get("/begin", headers=headers).status_code == 200


@pytest.mark.parametrize("site", ["same-site", "cross-site", "", "new-word"])
def test_pages_elsewhere_may_not_also_on_another_port(client: FlaskClient, site: str) -> None:
    refused = client.post("/change", headers={"Sec-Fetch-Site": site})
    assert refused.status_code == 403 and "Sec-Fetch-Site" in refused.text
    assert client.get("/begin", headers={"Sec-Fetch-Site": site}).status_code == 403
    assert client.get("/look", headers={"Sec-Fetch-Site": site}).status_code == 200


@pytest.mark.parametrize(
    ("host", "page", "status"),
    [
        ("chat.example", "https://chat.example", 200),  # behind a proxy that ended TLS
        ("chat.example", "http://chat.example:80", 200),
        ("chat.example:443", "https://chat.example", 200),
        ("Chat.Example:8000", "http://chat.example:8000", 200),
        ("localhost:8000", "http://localhost:3000", 403),
        ("chat.example", "https://evil.example", 403),
        ("chat.example", "https://chat.example.evil.example", 403),
        ("chat.example", "null", 403),
    ],
)
def test_without_the_browser_s_word_the_page_s_host_must_be_this_one(
    client: FlaskClient, host: str, page: str, status: int
) -> None:
    answer = client.post("/change", headers={"Host": host, "Origin": page})
    assert answer.status_code == status
    assert status == 200 or "Origin" in answer.text
