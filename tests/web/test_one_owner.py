"""Every rule of the URL map, tried with every wrong identity. A route that is not in the table fails.

Whoever is nobody gets 401. Somebody else gets exactly what he would get for a thing that does not
exist: the same status, the same words.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from waiting import soon

from chatapp.access.keys import create_key
from chatapp.app import create_app
from chatapp.service import ChatService
from chatapp.settings import Settings
from chatapp.storage.keys import StoredKeys
from chatapp.web import EXTENSION

SAY = {"prompt": "hi", "provider": "mock"}
MESSAGES = {"messages": [{"role": "user", "content": "hi"}], "model": "mock/words", "max_tokens": 9}
RESPOND = {"input": "hi", "model": "mock/words"}
UI = [{"id": "1", "role": "user", "parts": [{"type": "text", "text": "hi"}]}]

OPEN, PAGE, LOGIN, ADMIN, OWNED, LINKED = "open", "page", "login", "admin", "owned", "linked"


class Row(NamedTuple):
    """`open`: to all. `page`, `login`: to everybody with a login; a page leads there. `owned`: it
    names something of somebody's. `linked`: to everybody with its link."""

    kind: str
    body: dict[str, Any] | None = None


C, M, R, S = "/api/v1/conversations", "/api/v1/messages", "/v1/responses", "/shared/<token>"
KEPT = {"format": "chatapp-conversation", "version": 1, "title": "t", "created": 0, "shown": None, "messages": []}
TABLE = {
    ("GET", "/healthz"): Row(OPEN),
    ("GET", "/readyz"): Row(OPEN),
    ("GET", "/login"): Row(OPEN),
    ("POST", "/login"): Row(OPEN),
    ("GET", "/login/callback"): Row(OPEN),
    ("POST", "/logout"): Row(OPEN),
    ("POST", "/language"): Row(OPEN),
    ("GET", "/static/<path:filename>"): Row(OPEN),
    ("GET", "/"): Row(PAGE),
    ("GET", "/docs"): Row(PAGE),
    ("GET", "/c/<conversation_id>"): Row(PAGE),
    ("GET", "/embed"): Row(PAGE),
    ("GET", "/probe"): Row(PAGE),
    ("GET", "/diagram"): Row(OPEN),
    ("GET", "/openapi.json"): Row(LOGIN),
    ("GET", "/metrics"): Row(ADMIN),
    ("GET", "/status"): Row(ADMIN),
    ("GET", "/api/v1/usage"): Row(LOGIN),
    ("GET", "/api/v1/agents"): Row(LOGIN),
    ("GET", "/api/v1/providers"): Row(LOGIN),
    ("GET", "/api/v1/tools"): Row(LOGIN),
    ("GET", "/api/v1/base/sse_probe"): Row(LOGIN),
    ("POST", "/api/v1/base/sse_probe/verdict"): Row(LOGIN),
    ("GET", "/api/v1/events"): Row(LOGIN),
    ("GET", "/api/v1/search"): Row(LOGIN),
    ("POST", "/api/v1/tickets"): Row(LOGIN, {"path": "/x"}),
    ("GET", "/v1/models"): Row(LOGIN),
    ("GET", "/v1/models/<path:model_id>"): Row(LOGIN),
    ("POST", "/chat/stream"): Row(OWNED, {**SAY, "conversation_id": "<conversation_id>"}),
    ("GET", "/chat"): Row(LOGIN),
    ("POST", "/chat"): Row(OWNED, {**SAY, "conversation_id": "<conversation_id>"}),
    ("GET", "/api/chat"): Row(LOGIN),
    ("POST", "/api/chat"): Row(OWNED, {**SAY, "conversation_id": "<conversation_id>"}),
    ("GET", "/ask/stream"): Row(LOGIN),
    ("POST", "/ask/stream"): Row(OWNED, {"question": "hi", "provider": "mock", "conversation_id": "<conversation_id>"}),
    ("GET", C): Row(LOGIN),
    ("GET", f"{C}/export"): Row(LOGIN),
    ("POST", f"{C}/import"): Row(LOGIN, KEPT),
    ("GET", f"{C}/<conversation_id>"): Row(OWNED),
    ("GET", f"{C}/<conversation_id>/export"): Row(OWNED),
    ("POST", f"{C}/<conversation_id>/restore"): Row(OWNED),
    ("PATCH", f"{C}/<conversation_id>"): Row(OWNED, {"title": "mine now"}),
    ("DELETE", f"{C}/<conversation_id>"): Row(OWNED),
    ("GET", f"{C}/<conversation_id>/messages"): Row(OWNED),
    ("PUT", f"{C}/<conversation_id>/pin"): Row(OWNED),
    ("DELETE", f"{C}/<conversation_id>/pin"): Row(OWNED),
    ("PUT", f"{C}/<conversation_id>/seen"): Row(OWNED, {"message_id": "<message_id>"}),
    ("PUT", f"{C}/<conversation_id>/settings"): Row(OWNED, {"instructions": "mine now"}),
    ("POST", f"{C}/<conversation_id>/share"): Row(OWNED, {}),
    ("GET", f"{C}/<conversation_id>/share"): Row(OWNED),
    ("DELETE", f"{C}/<conversation_id>/share"): Row(OWNED),
    ("POST", M): Row(OWNED, {**SAY, "conversation_id": "<conversation_id>"}),
    ("GET", f"{M}/<message_id>"): Row(OWNED),
    ("POST", f"{M}/<message_id>/cancel"): Row(OWNED, {}),
    ("GET", f"{M}/<message_id>/events"): Row(OWNED),
    ("GET", f"{M}/<message_id>/files/<file_id>"): Row(OWNED),
    ("GET", f"{M}/<message_id>/raw"): Row(OWNED),
    ("GET", f"{M}/<message_id>/versions"): Row(OWNED),
    ("POST", f"{M}/<message_id>/choose"): Row(OWNED),
    ("POST", f"{M}/<message_id>/share"): Row(OWNED, {}),
    ("GET", f"{M}/<message_id>/share"): Row(OWNED),
    ("DELETE", f"{M}/<message_id>/share"): Row(OWNED),
    ("POST", f"{M}/<message_id>/tools/<path:call_id>"): Row(OWNED, {"decision": "approved"}),
    ("POST", "/api/v1/files"): Row(LOGIN),
    ("GET", "/api/v1/files/<upload_id>"): Row(OWNED),
    ("DELETE", "/api/v1/files/<upload_id>"): Row(OWNED),
    ("POST", "/v1/files"): Row(LOGIN),
    ("GET", "/v1/files"): Row(LOGIN),
    ("GET", "/v1/files/<upload_id>"): Row(OWNED),
    ("GET", "/v1/files/<upload_id>/content"): Row(OWNED),
    ("DELETE", "/v1/files/<upload_id>"): Row(OWNED),
    ("POST", "/api/agui"): Row(LOGIN, {"threadId": "t", "runId": "r", "messages": MESSAGES["messages"]}),
    ("POST", "/api/agui/connect"): Row(OWNED, {"threadId": "<thread_id>"}),
    ("POST", "/api/agui/cancel"): Row(OWNED, {"threadId": "<thread_id>"}),
    ("POST", "/api/ui/chat"): Row(LOGIN, {"id": "hers", "messages": UI}),
    ("GET", "/api/ui/chat/<path:chat_id>/stream"): Row(OWNED),
    ("POST", "/v1/chat/completions"): Row(LOGIN, MESSAGES),
    ("POST", "/v1/messages"): Row(LOGIN, MESSAGES),
    ("POST", "/v1/messages/count_tokens"): Row(LOGIN, MESSAGES),
    ("POST", "/v1/conversations"): Row(OWNED, {"items": [{"type": "item_reference", "id": "<item_id>"}]}),
    ("GET", "/v1/conversations/<conversation_id>"): Row(OWNED),
    ("POST", "/v1/conversations/<conversation_id>"): Row(OWNED, {"metadata": {"a": "b"}}),
    ("DELETE", "/v1/conversations/<conversation_id>"): Row(OWNED),
    ("GET", "/v1/conversations/<conversation_id>/items"): Row(OWNED),
    ("POST", "/v1/conversations/<conversation_id>/items"): Row(OWNED, {"items": [{"role": "user", "content": "x"}]}),
    ("GET", "/v1/conversations/<conversation_id>/items/<item_id>"): Row(OWNED),
    ("DELETE", "/v1/conversations/<conversation_id>/items/<item_id>"): Row(OWNED),
    ("POST", R): Row(OWNED, {**RESPOND, "previous_response_id": "<response_id>"}),
    ("POST", f"{R}/input_tokens"): Row(OWNED, {**RESPOND, "previous_response_id": "<response_id>"}),
    ("GET", f"{R}/<response_id>"): Row(OWNED),
    ("DELETE", f"{R}/<response_id>"): Row(OWNED),
    ("POST", f"{R}/<response_id>/cancel"): Row(OWNED, {}),
    ("GET", f"{R}/<response_id>/input_items"): Row(OWNED),
    ("GET", S): Row(LINKED),
    ("GET", f"{S}/messages"): Row(LINKED),
    ("GET", f"{S}/messages/<message_id>"): Row(LINKED),
    ("GET", f"{S}/messages/<message_id>/events"): Row(LINKED),
    ("GET", f"{S}/messages/<message_id>/files/<file_id>"): Row(LINKED),
}
BEYOND = [
    ("GET", "/api/v1/events?message=<message_id>", None),
    ("POST", M, {**SAY, "retry_of": "<message_id>"}),
    ("POST", M, {**SAY, "edit_of": "<message_id>"}),
    ("POST", M, {**SAY, "continue_of": "<message_id>"}),
    ("POST", M, {**SAY, "attachments": ["<upload_id>"]}),
    ("POST", R, {**RESPOND, "conversation": "<conversation_id>"}),
    (
        "POST",
        R,
        {**RESPOND, "input": [{"role": "user", "content": [{"type": "input_file", "file_id": "<upload_id>"}]}]},
    ),
    ("POST", R, {"model": "mock/words", "input": [{"type": "item_reference", "id": "<item_id>"}]}),
    ("GET", "/chat?prompt=hi&provider=mock&conversation_id=<conversation_id>", None),
    ("GET", "/ask/stream?question=hi&provider=mock&conversation_id=<conversation_id>", None),
]
"""Further fields that name somebody's things."""

NOBODY = ["none", "revoked", "expired", "unknown key", "forged cookie", "forged proxy header", "used ticket"]
SOMEBODY_ELSE = ["eve", "root"]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    app = create_app(Settings(data=tmp_path_factory.mktemp("data"), log_url="memory:", auth="keys"), start=False)
    yield app
    service: ChatService = app.extensions[EXTENSION]
    service.drain(0)
    service.close()


@pytest.fixture(scope="module")
def keys(app: Flask) -> dict[str, str]:
    stored = StoredKeys(app.extensions[EXTENSION].database.engine)
    keys = {name: create_key(stored, name, "user", None) for name in ("bob", "eve", "revoked")}
    keys["root"] = create_key(stored, "root", "admin", None)
    keys["expired"] = create_key(stored, "bob", "admin", time.time() - 1)
    stored.revoke("revoked")
    return keys


@pytest.fixture(scope="module")
def identities(app: Flask, keys: dict[str, str]) -> dict[str, dict[str, str]]:
    """The headers of each."""
    signed_in = app.test_client().post("/login", data={"key": keys["eve"]})
    cookie = signed_in.headers["Set-Cookie"].partition("=")[0]
    headers = {name: {"Authorization": f"Bearer {key}"} for name, key in keys.items()}
    return {
        **headers,
        "none": {},
        "used ticket": {},
        "unknown key": {"x-api-key": "chatapp_" + "A" * 43},
        "forged cookie": {"Cookie": f"{cookie}=bob"},
        "forged proxy header": {"X-Forwarded-User": "bob", "X-Auth-Request-User": "bob", "Remote-User": "bob"},
    }


@pytest.fixture(scope="module")
def things(app: Flask, identities: dict[str, dict[str, str]]) -> dict[str, str]:
    """What bob owns, by the names that stand in the rules."""
    bob = partial_client(app, identities["bob"])

    def ended(message_id: str) -> Any:
        message = bob("GET", f"{M}/{message_id}").get_json()
        return message if message["status"] == "done" else None

    asked = bob("POST", M, {**SAY, "model": "media"}).get_json()
    message = soon(lambda: ended(asked["id"]))
    response = bob("POST", R, RESPOND).get_json()
    list(bob("POST", "/api/agui", {"threadId": "bobs", "runId": "1", "messages": MESSAGES["messages"]}).response)
    items = bob("GET", f"/v1/conversations/{asked['conversation_id']}/items").get_json()["data"]
    link = bob("POST", f"{C}/{asked['conversation_id']}/share", {}).get_json()["path"]
    return {
        "message_id": asked["id"],
        "conversation_id": asked["conversation_id"],
        "file_id": message["files"][0]["id"],
        "upload_id": app.extensions[EXTENSION].attachments.upload("bob", "a.txt", b"his").id,
        "call_id": "call_1",
        "response_id": response["id"],
        "chat_id": asked["conversation_id"],
        "thread_id": "bobs",
        "item_id": items[0]["id"],
        "token": link.rpartition("/")[2],
        "model_id": "mock/words",
        "filename": "favicon.svg",
    }


@pytest.fixture(scope="module")
def made_up(things: dict[str, str]) -> dict[str, str]:
    """Names of the same form that nobody has."""
    changed = ("message_id", "conversation_id", "response_id", "chat_id", "item_id", "thread_id", "token", "upload_id")
    return {**things, **{name: things[name][:-4] + "0000" for name in changed}}


def partial_client(app: Flask, headers: Mapping[str, str]) -> Callable[..., Any]:
    client = app.test_client(use_cookies=False)
    return lambda method, path, body=None: client.open(path, method=method, json=body, headers=headers)


def filled(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"<(?:path:)?(\w+)>", lambda found: names[found[1]], text)


def filled_body(body: Any, names: Mapping[str, str]) -> Any:
    match body:
        case dict():
            return {key: filled_body(value, names) for key, value in body.items()}
        case list():
            return [filled_body(value, names) for value in body]
        case str():
            return filled(body, names)
    return body


def told(answer: Any, names: Mapping[str, str]) -> tuple[int, str]:
    """The status and the words, without what is different each time."""
    text = re.sub(r"\b[0-9a-f]{32}\b", "TRACE", answer.get_data(as_text=True))
    for name in sorted(names.values(), key=len, reverse=True):  # some stand inside others
        text = text.replace(name, "NAME")
    return answer.status_code, text


def test_every_route_is_in_the_table(app: Flask) -> None:
    routes = {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(TABLE)


@pytest.mark.parametrize("identity", NOBODY)
def test_nobody_comes_in(
    app: Flask, identities: dict[str, dict[str, str]], things: dict[str, str], identity: str
) -> None:
    ask = partial_client(app, identities[identity])
    for (method, rule), row in TABLE.items():
        path = filled(rule, things)
        if identity == "used ticket":
            path += "?ticket=" + "A" * 43
        answer = ask(method, path, filled_body(row.body, things))
        if row.kind == PAGE:
            assert answer.status_code == 302 and answer.location.startswith("/login"), rule
        elif row.kind in (LOGIN, ADMIN, OWNED):
            assert answer.status_code == 401, (method, rule, answer.text)
            assert "bob" not in answer.text
        else:
            assert answer.status_code not in (401, 403) or (method, rule) == ("POST", "/login"), rule
        answer.close()


def test_what_is_for_admins_is_for_nobody_else(app: Flask, identities: dict[str, dict[str, str]]) -> None:
    for (method, rule), row in TABLE.items():
        if row.kind == ADMIN:
            assert partial_client(app, identities["eve"])(method, rule).status_code == 403, rule
            assert partial_client(app, identities["root"])(method, rule).status_code == 200, rule


@pytest.mark.parametrize("identity", SOMEBODY_ELSE)
def test_somebody_else_is_told_what_he_is_told_of_nothing(
    app: Flask,
    identities: dict[str, dict[str, str]],
    things: dict[str, str],
    made_up: dict[str, str],
    identity: str,
) -> None:
    ask = partial_client(app, identities[identity])
    owned = [(method, rule, row.body) for (method, rule), row in TABLE.items() if row.kind == OWNED]
    for method, rule, body in [*owned, *BEYOND, ("GET", "/c/<conversation_id>", None)]:
        with ask(method, filled(rule, things), filled_body(body, things)) as theirs:
            status, words = told(theirs, things)
        with ask(method, filled(rule, made_up), filled_body(body, made_up)) as nothing:
            assert (status, words) == told(nothing, made_up), (method, rule)
        assert status in (204, 404, 422) or not words, (method, rule, status, words)


@pytest.mark.parametrize("identity", [*SOMEBODY_ELSE, *NOBODY])
def test_a_link_is_all_that_a_viewer_needs_and_no_other_opens_it(
    app: Flask,
    identities: dict[str, dict[str, str]],
    things: dict[str, str],
    made_up: dict[str, str],
    identity: str,
) -> None:
    ask = partial_client(app, identities[identity])
    for (method, rule), row in TABLE.items():
        if row.kind == LINKED:
            with ask(method, filled(rule, things)) as shown:
                assert shown.status_code == 200, rule
            wrong_token = {**things, "token": made_up["token"]}
            with ask(method, filled(rule, wrong_token)) as refused:
                assert refused.status_code == 404, rule


def test_afterwards_all_is_as_it_was(app: Flask, identities: dict[str, dict[str, str]], things: dict[str, str]) -> None:
    bob, eve = (partial_client(app, identities[name]) for name in ("bob", "eve"))
    conversation = bob("GET", f"{C}/{things['conversation_id']}").get_json()
    assert conversation["title"] == "hi" and len(conversation["messages"]) == 2
    for (method, rule), row in TABLE.items():
        if row.kind == OWNED and method == "GET":
            with bob(method, filled(rule, things)) as answer:
                status = answer.status_code
            assert status in (200, 204) or (rule.endswith("/raw") and status == 404)
    mine = {each["id"] for each in eve("GET", C).get_json()["conversations"]}
    assert things["conversation_id"] not in mine


def test_with_a_proxy_an_untrusted_peer_s_word_opens_nothing(tmp_path: Path, things: dict[str, str]) -> None:
    settings = Settings(data=tmp_path, log_url="memory:", auth="proxy", trusted_proxies=("10.9.8.7",))
    app = create_app(settings, start=False)
    client: FlaskClient = app.test_client()
    for (method, rule), row in TABLE.items():
        headers = {"X-Forwarded-User": "bob"}
        with client.open(filled(rule, things), method=method, json=row.body, headers=headers) as answer:
            if row.kind in (LOGIN, OWNED):
                assert answer.status_code == 401, rule
    service: ChatService = app.extensions[EXTENSION]
    service.close()
