"""Secrets and contents stay where they belong.

A canary is planted in every place that holds one; then every place that others can read is searched.
To extend it, add a canary where something new is secret, or a place where something new is shown.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gevent.pywsgi import WSGIServer

pytestmark = pytest.mark.slow

KEYS = {
    "a provider's key": "canary-key-provider-1f3a",
    "a key of the page": "canary-key-signing-77c0-0123456789abcdef",
    "a variable that is ours alone": "canary-key-environment-90ab",
    "a client's key": "canary-key-client-5d21",
    "a client's cookie": "canary-key-cookie-0c44",
    "a provider's header": "canary-key-upstream-header-6ee1",
}
CONTENTS = {
    "a prompt": "canary-said-prompt-b0b1",
    "a reply": "canary-said-reply-c2c3",
    "a provider's error": "canary-said-error-d4d5",
    "a tool's argument": "canary-said-argument-e6e7",
    "a field that is refused": "canary-said-refused-f8f9",
}

ERROR, CLIENT_KEY = CONTENTS["a provider's error"], KEYS["a client's key"]


def reply(environ: Any, start: Any) -> list[bytes]:
    """A provider: one model fails and quotes all that it got; the other says the reply."""
    asked = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    headers = [("Content-Type", "text/event-stream"), ("X-Secret", KEYS["a provider's header"])]
    if '"fails"' in asked:
        start("401 Unauthorized", [("Content-Type", "application/json"), headers[1]])
        said = f"{ERROR} {environ.get('HTTP_AUTHORIZATION')} {asked}"
        return [json.dumps({"error": {"message": said}}).encode()]
    start("200 OK", headers)
    delta = {"choices": [{"index": 0, "delta": {"content": CONTENTS["a reply"]}, "finish_reason": "stop"}]}
    return [f"data: {json.dumps(delta)}\n\ndata: [DONE]\n\n".encode()]


@pytest.fixture(scope="module")
def server(module_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    upstream = WSGIServer(("127.0.0.1", 0), reply, log=None, error_log=None)
    upstream.start()
    config = tmp_path_factory.mktemp("canaries") / "chatapp.toml"
    config.write_text(
        f'[providers.acme]\ntype = "openai"\nbase_url = "http://127.0.0.1:{upstream.server_port}/v1"\n'
        'api_key_env = "ACME_KEY"\nmodels = ["says", "fails"]\n'
    )
    yield module_server(
        CHATAPP_CONFIG=str(config),
        CHATAPP_LOG_LEVEL="DEBUG",
        CHATAPP_SECRET_KEY=KEYS["a key of the page"],
        ACME_KEY=KEYS["a provider's key"],
        OTHER_KEY=KEYS["a variable that is ours alone"],
    )
    upstream.stop(timeout=1)


@pytest.fixture(scope="module")
def refusals(server: Any) -> list[str]:
    """All is planted; what others than the owner of it could get to see of refusals."""
    client = server.client()
    client.session.cookies.set("chatapp_other", KEYS["a client's cookie"])
    headers = {"Authorization": f"Bearer {CLIENT_KEY}"}
    seen = []
    for model in ("says", "fails"):
        asked = {"provider": "acme", "model": model, "messages": [{"role": "user", "content": CONTENTS["a prompt"]}]}
        for path in ("/chat/stream", "/v1/chat/completions", "/v1/messages", "/api/v1/messages"):
            answer = client.post(path, {**asked, "max_tokens": 9}, headers=headers)
            if model == "fails":
                seen.append(answer.text)
    called = {"provider": "mock", "model": "call-tool", "tools": ["calculate"]}
    client.post("/chat/stream", {**called, "prompt": CONTENTS["a tool's argument"]}, headers=headers)
    wrong = CONTENTS["a field that is refused"]
    for path, body in (
        ("/chat/stream", {"prompt": wrong, "max_tokens": -1}),
        ("/chat/stream", {"prompt": {"a": wrong}}),
        ("/v1/responses", {"input": wrong, "temperature": "hot"}),
        ("/v1/messages", {"messages": [{"role": "user", "content": [{"type": "text", "text": 5, "x": wrong}]}]}),
    ):
        seen.append(client.post(path, body, headers=headers).text)
    seen.append(client.request("POST", "/chat/stream", data=f'{{"prompt": "{wrong}', headers=headers).text)
    return seen


def found(canaries: dict[str, str], text: str) -> list[str]:
    return [name for name, canary in canaries.items() if canary in text]


def test_no_refusal_and_no_error_quotes_them(refusals: list[str]) -> None:
    assert len(refusals) > 8
    for refusal in refusals:
        assert found(KEYS | CONTENTS, refusal) == [], refusal


def test_the_log_has_none(server: Any, refusals: list[str]) -> None:
    log = server.log()
    assert '"run ended"' in log and found(KEYS | CONTENTS, log) == []


@pytest.mark.parametrize(
    "path", ["/", "/openapi.json", "/docs", "/readyz", "/healthz", "/metrics", "/api/v1/providers"]
)
def test_nothing_that_is_open_to_others_has_one(server: Any, refusals: list[str], path: str) -> None:
    stranger = server.client(browser=True)
    answer = stranger.get(path)
    shown = answer.text + str(answer.headers)
    assert found(KEYS | CONTENTS, shown) == []


def test_the_data_folder_has_no_key(server: Any, refusals: list[str]) -> None:
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert any(CONTENTS["a prompt"].encode() in path.read_bytes() for path in files)  # which its owner asked to keep
    for path in files:
        assert [name for name, key in KEYS.items() if key.encode() in path.read_bytes()] == [], path
