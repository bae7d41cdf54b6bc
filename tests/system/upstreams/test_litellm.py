"""LiteLLM between us and a model: a gateway of another making, whose Messages API answers a stream with one JSON body."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from servers import free_port
from waiting import START_S, soon

pytestmark = pytest.mark.slow

LITELLM = Path(sys.prefix) / "litellm/bin/litellm"
ANSWER = "An answer that the gateway made up, with a family in it, 👨‍👩‍👧‍👦, and a flag, 🇳🇱. " * 3
ENV = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it asks the network for prices
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",  # on loopback
}


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if not LITELLM.exists():
        pytest.skip("LiteLLM is not installed: make .venv/.litellm")
    folder = tmp_path_factory.mktemp("litellm")
    model = {"model": "openai/gpt-4o", "api_key": "sk-nothing", "mock_response": ANSWER}
    models = [{"model_name": "mocked", "litellm_params": model}]
    (folder / "config.yaml").write_text(
        json.dumps({"model_list": models}, ensure_ascii=False)
    )  # YAML but for surrogates
    port = free_port()
    command = [LITELLM, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **ENV}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        url = f"http://127.0.0.1:{port}"
        soon(lambda: answers(url, process, folder / "output"), requests.ConnectionError, within=START_S)
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(url: str, process: "subprocess.Popen[bytes]", output: Path) -> bool:
    assert process.poll() is None, output.read_text()
    return requests.get(f"{url}/health/liveliness", timeout=5).ok


@pytest.fixture
def client(litellm: str, own_server: Callable[..., Any], tmp_path: Path) -> Any:
    config = tmp_path / "chatapp.toml"
    config.write_text(
        f'[providers.messages]\ntype = "anthropic"\nbase_url = "{litellm}"\napi_key_env = "KEY"\n'
        f'models = ["mocked"]\n[providers.chat]\ntype = "openai"\nbase_url = "{litellm}/v1"\napi_key_env = "KEY"\n'
    )
    return own_server(CHATAPP_CONFIG=str(config), KEY="sk-any").client()


def pieces(events: list[Any]) -> list[str]:
    return [json.loads(event.data)["delta"] for event in events if event.type == "content_delta"]


def test_one_json_body_for_a_stream_is_streamed_on(client: Any) -> None:
    run_id = client.send("hi", provider="messages", result_mode="raw_passthrough")["id"]
    events = client.follow(run_id).to_end()
    assert events[-1].type == "completed" and json.loads(events[-1].data)["content"] == ANSWER
    raw = client.get(f"/api/v1/messages/{run_id}/raw")
    assert raw.headers["Content-Type"] == "application/json"  # it does answer in one piece
    assert raw.json()["content"][0]["text"] == ANSWER

    events = client.follow(client.send("hi", provider="messages")["id"]).to_end()
    assert "".join(pieces(events)) == ANSWER and len(pieces(events)) >= 30
    assert not any(piece.startswith("\u200d") or piece.endswith("\u200d") for piece in pieces(events))
    assert json.loads(events[-1].data)["usage"]["completion"] > 0


def test_its_stream_and_its_list_of_models_are_read(client: Any) -> None:
    listed = {provider["name"]: provider["models"] for provider in client.json("/api/v1/providers")["providers"]}
    assert listed["chat"] == listed["messages"] == ["mocked"]
    events = client.follow(client.send("hi", provider="chat")["id"]).to_end()
    assert "".join(pieces(events)) == ANSWER and json.loads(events[-1].data)["finish_reason"] == "stop"
