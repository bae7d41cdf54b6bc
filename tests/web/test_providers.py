"""What a provider is asked for, and how its models are called."""

import pytest
from drivers import ScriptedProvider
from flask.testing import FlaskClient

from chatapp.access.cookies import LOCAL
from chatapp.events import TextDelta
from chatapp.providers import Finished
from chatapp.service import ChatService


@pytest.fixture
def mine(service: ChatService) -> ScriptedProvider:
    """The provider `ollama`, which answers one request."""
    mine = ScriptedProvider([TextDelta("fine"), Finished("stop")], name="ollama", models=("llama:latest", "qwen:8b"))
    service.providers.by_name["ollama"] = mine  # type: ignore[assignment]
    return mine


@pytest.mark.parametrize("model", ["ollama/llama", "ollama/llama:latest", "ollama/not-listed:online"])
def test_a_named_provider_is_asked_for_any_model_with_its_owner(
    client: FlaskClient, mine: ScriptedProvider, model: str
) -> None:
    answer = client.post("/v1/chat/completions", json={"model": model, "messages": [{"role": "user", "content": "hi"}]})
    assert answer.status_code == 200
    assert [(chat.model, chat.owner) for chat in mine.asked] == [(model.removeprefix("ollama/"), LOCAL)]


@pytest.mark.parametrize("model", ["llama", "llama:latest", "LLAMA"])
def test_a_model_alone_is_asked_for_by_its_listed_name(client: FlaskClient, mine: ScriptedProvider, model: str) -> None:
    assert client.get("/v1/models").status_code == 200
    client.post("/v1/chat/completions", json={"model": model, "messages": [{"role": "user", "content": "hi"}]})
    assert [chat.model for chat in mine.asked] == ["llama:latest"]


@pytest.mark.parametrize(("model", "status"), [("llama", 200), ("llama:latest", 200), ("qwen", 404), ("qwen:8b", 200)])
def test_a_listed_model_is_found_without_the_default_tag(
    client: FlaskClient, mine: ScriptedProvider, model: str, status: int
) -> None:
    assert client.get(f"/v1/models/ollama/{model}").status_code == status
