"""Which language a page has, and how its reader changes it."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

COOKIE = "chatapp_language"


@pytest.fixture
def client(shared_client: FlaskClient) -> FlaskClient:
    """A browser without cookies."""
    return shared_client.application.test_client()


def language(client: Any, accepted: str, path: str = "/") -> str:
    page = client.get(path, headers={"Accept-Language": accepted, "Accept": "text/html"})
    (tag,) = re.findall(r'<html lang="([^"]+)" dir="ltr"', page.text)
    assert page.headers["Content-Language"] == tag
    assert {"Accept-Language", "Cookie"} <= set(page.headers["Vary"].split(", "))
    return str(tag)


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),
        ("en-GB,zh-CN;q=0.9", "en"),
        ("zh-TW,en;q=0.5", "zh-Hans"),
        ("fr,zh;q=0.5,en;q=0.1", "zh-Hans"),
        ("fr,de;q=0.5", "en"),
        ("zh;q=0", "en"),
        ("*", "en"),
        ("", "en"),
        ("ZH-hans", "zh-Hans"),
        (";;,q=,\xff", "en"),
    ],
)
def test_the_browsers_languages_decide(client: Any, accepted: str, tag: str) -> None:
    assert language(client, accepted) == tag


def test_a_reader_decides_before_the_browser(client: Any) -> None:
    asked_from = "http://localhost/c/x?y=1"
    chosen = client.post("/language", data={"language": "zh-Hans"}, headers={"Referer": asked_from})
    assert (chosen.status_code, chosen.headers["Location"]) == (303, "/c/x?y=1")
    assert language(client, "en") == "zh-Hans"
    client.post("/language", data={"language": "en"})
    assert language(client, "zh") == "en"


@pytest.mark.parametrize("referer", ["", "http://localhost//elsewhere.example/", "http://[", "not an address"])
def test_the_way_back_stays_on_this_site(client: Any, referer: str) -> None:
    reply = client.post("/language", data={"language": "en"}, headers={"Referer": referer})
    assert reply.headers.get("Location", "/") == "/"


def test_an_unknown_language_is_refused_with_those_there_are(client: Any) -> None:
    reply = client.post("/language", data={"language": "tlh"})
    assert reply.status_code == 422
    assert reply.json["error"]["message"] == "language: unknown language 'tlh'; available: en, zh-Hans"


def test_nobody_can_send_a_large_form(client: Any) -> None:
    reply = client.post("/language", data={"language": "en", "more": "x" * 2000})
    assert reply.status_code == 413 and "Set-Cookie" not in reply.headers


def test_a_cookie_with_an_unknown_language_says_nothing(client: Any) -> None:
    client.set_cookie(COOKIE, "../../etc")
    assert language(client, "zh") == "zh-Hans"


def test_pages_say_what_went_wrong_in_their_language_and_the_api_in_english(client: Any) -> None:
    headers = {"Accept-Language": "zh-CN"}
    missing = client.get("/c/conv_none", headers=headers | {"Accept": "text/html"})
    assert missing.status_code == 404 and "这里什么也没有" in missing.text
    refused = client.get("/status?refresh=never", headers=headers | {"Accept": "text/html"})
    assert "请求中有一项内容不正确" in refused.text and '<p class="meta" lang="en" dir="ltr">refresh' in refused.text
    api = client.get("/api/v1/conversations/conv_none", headers=headers)
    assert api.json["error"]["message"].isascii()


def test_scripts_get_their_texts_once_and_for_good(client: Any) -> None:
    page = client.get("/", headers={"Accept-Language": "zh"}).text
    (address,) = re.findall(r'<link rel="modulepreload" href="([^"]+/js/words/zh-Hans\.js)">', page)
    words = client.get(address)
    assert "immutable" in words.headers["Cache-Control"] and words.mimetype == "text/javascript"
    assert '"Copy":"复制"' in words.text and "只读" not in words.text  # that one is the template's
    assert "words/" not in client.get("/", headers={"Accept-Language": "en"}).text
