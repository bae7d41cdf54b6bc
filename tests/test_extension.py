"""chatapp in a host's application: below its prefix, behind its login, and nowhere else in it."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, abort, session
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, login_user

from chatapp import Chatapp, current_owner, tool
from chatapp.app import create_app
from chatapp.errors import ConfigError, LogUnavailable
from chatapp.ops import starting

BY_NAME = {"user": lambda: session.get("user")}
PAGE = {"Accept": "text/html"}


@tool
def whose() -> str:
    """Who asks."""
    return current_owner()


def host_with(data: Path, name: str = "host", **options: Any) -> Flask:
    """A host with a page, an error page and a login of its own."""
    host = Flask(name)
    host.secret_key = "of the host"
    host.add_url_rule("/", "home", lambda: "the host's page")
    host.add_url_rule("/sign-in/<name>", "sign_in", lambda name: session.update(user=name) or "hello")
    host.register_error_handler(401, lambda _: ("the host says: sign in", 401))
    host.register_error_handler(404, lambda _: ("the host has no such page", 404))
    Chatapp(host, data=data, log_url="memory:", default_provider="mock", **options)
    return host


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    hosts: list[Flask] = []

    def make(name: str = "host", **options: Any) -> Flask:
        hosts.append(host_with(tmp_path / name, name, **(options or BY_NAME)))
        return hosts[-1]

    yield make
    for host in hosts:
        host.extensions["chatapp"].drain(0)
        host.extensions["chatapp"].close()


@pytest.fixture
def host(made: Callable[..., Flask]) -> Flask:
    return made("host", **BY_NAME, tools=[whose])


@pytest.fixture
def client(host: Flask) -> FlaskClient:
    return host.test_client()


def signed_in(host: Flask, name: str = "ann") -> FlaskClient:
    client = host.test_client()
    client.get(f"/sign-in/{name}")
    return client


def test_importing_it_and_adding_it_to_a_host_loads_and_starts_nothing() -> None:
    code = (
        "import sys, threading; import flask; from chatapp import Chatapp; app = flask.Flask('host');"
        "Chatapp(app, user=lambda: None); assert threading.active_count() == 1;"
        "print(*[name for name in ('sqlalchemy', 'requests', 'redis', 'chatapp.app') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


def test_a_process_that_is_not_patched_is_refused_with_the_way_to_patch_it() -> None:
    code = (
        "import flask; from chatapp import Chatapp; from chatapp.errors import ConfigError; app = flask.Flask('host');"
        "Chatapp(app, user=lambda: None)\n"
        "try: app.extensions['chatapp'].start()\n"
        "except ConfigError as error: print(error.message)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("gevent: this process is not patched") and "chatapp.ops.gunicorn_host" in run.stdout


def test_nobody_gets_the_host_s_own_answer_for_a_page_and_json_for_a_program(client: FlaskClient) -> None:
    page = client.get("/chat/", headers=PAGE)
    assert (page.status_code, page.text) == (401, "the host says: sign in")
    answer = client.get("/chat/api/v1/conversations")
    assert answer.status_code == 401 and answer.json and answer.json["error"]["code"] == "unauthorized"


def test_each_user_of_the_host_has_conversations_of_their_own(host: Flask) -> None:
    ann, bob = signed_in(host, "ann"), signed_in(host, "bob")
    asked = ann.post("/chat/api/v1/messages", json={"prompt": "Hello", "model": "words"}).json
    assert asked
    followed = ann.get(asked["events_url"])
    assert followed.mimetype == "text/event-stream" and "event: completed" in followed.text
    assert bob.get(asked["events_url"]).status_code == 404
    assert bob.get("/chat/api/v1/conversations").json == {"conversations": [], "next": None}


def test_a_conversation_is_told_in_pieces_also_in_a_host(host: Flask) -> None:
    ann = signed_in(host, "ann")
    asked = ann.post("/chat/api/v1/messages", json={"prompt": "Hello", "model": "truncated"}).json
    assert asked and ann.get(asked["events_url"]).status_code == 200
    told = ann.get(f"/chat/api/v1/conversations/{asked['conversation_id']}")
    assert told.status_code == 200 and told.json and told.json["messages"][0]["content"] == "Hello"
    for format in ("json", "markdown"):
        kept = ann.get(f"/chat/api/v1/conversations/{asked['conversation_id']}/export?format={format}")
        assert kept.status_code == 200 and "Hello" in kept.text
    assert ann.get("/").text == "the host's page"


def test_every_address_is_below_the_prefix(host: Flask) -> None:
    ann = signed_in(host)
    asked = ann.post("/chat/api/v1/messages", json={"prompt": "Hello", "model": "words"}).json
    assert asked and asked["events_url"].startswith("/chat/api/v1/messages/")
    page = ann.get("/chat/", headers=PAGE)
    addresses = [part.split('"')[0] for part in page.text.replace('src="', 'href="').split('href="')[1:]]
    assert [each for each in addresses if not each.startswith(("/chat/", "#"))] == []
    for address in (each for each in addresses if "/static/" in each):
        with ann.get(address) as found:
            assert found.status_code == 200, address
    assert "/chat/api/v1/messages/" in page.headers["Content-Security-Policy"]
    link = ann.post(f"/chat/api/v1/conversations/{asked['conversation_id']}/share").json
    assert link and link["url"].startswith("http://localhost/chat/shared/")
    shared = host.test_client().get(link["url"])
    assert shared.status_code == 200 and 'href="/' not in shared.text.replace('href="/chat/', "")
    described = ann.get("/chat/openapi.json").json
    assert described and described["servers"] == [{"url": "/chat/"}]


def test_files_of_answers_have_addresses_below_the_prefix(host: Flask) -> None:
    ann = signed_in(host)
    asked = ann.post("/chat/api/v1/messages", json={"prompt": "Draw", "model": "media"}).json
    assert asked
    told = ann.get(asked["events_url"]).text
    files = re.findall(r'"url": ?"(/[^"]*/files/[^"]*)"', told)
    stored = ann.get(f"/chat/api/v1/messages/{asked['id']}").json
    assert files and stored and [each["url"] for each in stored["files"]] == files
    for file in files:
        assert file.startswith("/chat/api/v1/messages/") and ann.get(file).status_code == 200


def test_the_host_s_own_pages_know_nothing_of_it(client: FlaskClient) -> None:
    page = client.get("/")
    assert page.text == "the host's page"
    assert not {"Content-Security-Policy", "X-Trace-Id", "X-Frame-Options", "Cache-Control"} & set(page.headers.keys())
    assert client.get("/nothing").text == "the host has no such page"
    missing = client.get("/chat/nothing", headers={"Accept": "application/json"})
    assert missing.status_code in (401, 404) and missing.json and "trace_id" in missing.json["error"]


def test_a_tool_runs_in_the_host_s_context_and_knows_who_asks(made: Callable[..., Flask]) -> None:
    from flask import current_app

    def where(city: str = "Rome") -> str:
        """Where this runs.

        Args:
            city: any
        """
        return f"{current_app.name} for {current_owner()} in {city}"

    ann = signed_in(made("tooled", **BY_NAME, tools=[where]))
    offered = ann.get("/chat/api/v1/tools").json
    assert offered and [each["name"] for each in offered["tools"] if each["default"]] == ["where"]
    answer = ann.post("/chat/api/chat", json={"prompt": "Where?", "model": "tools", "stream": False}).json
    assert answer and answer["content"] == "The tool said: tooled for ann in Rome"


def test_flask_login_is_recognised(made: Callable[..., Flask]) -> None:
    host = made("with-login", user=None)
    manager = LoginManager(host)
    manager.unauthorized_handler(lambda: Response("to the host's login", 302, {"Location": "/sign-in"}))

    class User(UserMixin):
        id = "cid"

    manager.user_loader(lambda _: User())
    host.add_url_rule("/enter", "enter", lambda: str(login_user(User())))
    client = host.test_client()
    assert client.get("/chat/", headers=PAGE).location == "/sign-in"
    client.get("/enter")
    assert client.get("/chat/", headers=PAGE).status_code == 200
    assert client.post("/chat/api/chat", json={"prompt": "Hi", "model": "words", "stream": False}).status_code == 200


def test_two_hosts_of_one_process_know_nothing_of_each_other(made: Callable[..., Flask]) -> None:
    first, second = signed_in(made("first")), signed_in(made("second"))
    first.post("/chat/api/v1/messages", json={"prompt": "Hello", "model": "words"})
    for client, count in ((first, 1), (second, 0)):
        listed = client.get("/chat/api/v1/conversations").json
        assert listed and len(listed["conversations"]) == count


def test_only_who_the_host_calls_an_admin_sees_the_figures(made: Callable[..., Flask]) -> None:
    host = made("figures", **BY_NAME, admin=lambda: session["user"] == "root")
    assert signed_in(host, "ann").get("/chat/metrics").status_code == 403
    assert signed_in(host, "root").get("/chat/metrics").status_code == 200


def test_a_host_may_answer_nobody_as_it_likes(made: Callable[..., Flask]) -> None:
    host = made("teapot", user=lambda: None, unauthorized=lambda: abort(418))
    assert host.test_client().get("/chat/", headers=PAGE).status_code == 418


def test_what_is_wrong_is_said_by_name(tmp_path: Path) -> None:
    for options, message in (
        ({"url_prefix": "chat/"}, "url_prefix: expected a path such as /chat"),
        ({"heartbeat": 3}, "heartbeat: unknown setting"),
        ({"heartbeat_s": "soon"}, "heartbeat_s: "),
    ):
        with pytest.raises(ConfigError, match=message):
            Chatapp(Flask("host"), **BY_NAME, **options)  # type: ignore[arg-type]
    host = Flask("host")
    Chatapp(host, **BY_NAME, data=tmp_path)
    with pytest.raises(ConfigError, match="name: this application has 'chatapp' already"):
        Chatapp(host, **BY_NAME, data=tmp_path)
    with pytest.raises(ConfigError, match="user: nothing tells who asks"):
        host_with(tmp_path, "nobody").extensions["chatapp"].start()


def test_a_worker_that_takes_another_s_place_waits_for_the_stores(
    made: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    host, tries = made("host"), []

    def away(*_args: object, **_options: object) -> Flask:
        tries.append(1)
        if len(tries) < 3:
            raise LogUnavailable("the log is away")
        monkeypatch.undo()
        return create_app(*_args, **_options)  # type: ignore[arg-type]

    monkeypatch.setattr("chatapp.app.create_app", away)
    with pytest.raises(LogUnavailable):  # the first worker
        host.extensions["chatapp"].start()
    monkeypatch.setattr(starting, "AGAIN_S", 0.0)
    monkeypatch.setattr(starting, "_replaces", True)
    host.extensions["chatapp"].start()
    assert len(tries) == 3 and signed_in(host).get("/chat/").status_code == 200


def test_the_macro_writes_an_element_for_the_page(host: Flask) -> None:
    with host.test_request_context("/"):
        template = host.jinja_env.from_string('{{ chatapp_chat(model="words", instructions="Say \\"no\\".") }}')
        assert template.render() == (
            '<script type="module" src="/chat/static/js/chatapp-chat.js"></script>'
            '<chatapp-chat url="/chat" model="words" instructions="Say &#34;no&#34;."></chatapp-chat>'
        )
