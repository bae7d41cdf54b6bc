"""AG-UI's runs, found again and stopped by the client's own names."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

HI = [{"id": "1", "role": "user", "content": "hi"}]


def ask(model: str = "words", run: str = "1", thread: str = "mine", **props: Any) -> dict[str, Any]:
    props = {"provider": "mock", "model": model, "max_tokens": 3, **props}
    return {"threadId": thread, "runId": run, "messages": HI, "forwardedProps": props}


def connect(client: FlaskClient, thread: str = "mine", run: str = "") -> str:
    response = client.post("/api/agui/connect", json={"threadId": thread, "runId": run})
    assert response.status_code == 200
    return frames(response)


def frames(response: Any) -> str:
    """What it streamed, without the comments that keep a silent stream open."""
    return "\n".join(line for line in response.get_data(as_text=True).split("\n") if line != ":")


def test_a_finished_run_is_given_again_in_the_same_bytes(client: FlaskClient) -> None:
    one, two = (frames(client.post("/api/agui", json=ask(run=run))) for run in ("one", "two"))
    assert (connect(client, run="one"), connect(client, run="two")) == (one, two)
    assert connect(client, run="unknown") == connect(client) == two
    assert json.loads(two.split("\n")[0].removeprefix("data: ")) == {
        "type": "RUN_STARTED",
        "threadId": "mine",
        "runId": "two",
    }


def test_a_client_that_gives_each_run_the_same_name_begins_each_and_finds_the_newest(client: FlaskClient) -> None:
    first, second = (client.post("/api/agui", json=ask()) for _ in range(2))
    assert first.headers["X-Run-Id"] != second.headers["X-Run-Id"]
    assert connect(client, run="1") == frames(second) != frames(first)


def test_a_running_run_is_stopped_by_its_name_and_told_to_its_end(client: FlaskClient) -> None:
    begun = client.post("/api/agui", json=ask("silent", run="long", on_disconnect="continue"), buffered=False)
    next(begun.iter_encoded())
    stopped = client.post("/api/agui/cancel", json={"threadId": "mine", "runId": "long"})
    assert (stopped.status_code, stopped.get_json()["status"]) == (202, "stopping")
    assert '"outcome":{"type":"cancelled"}' in connect(client, run="long")
    begun.close()
    again = client.post("/api/agui/cancel", json={"threadId": "mine"})
    assert (again.status_code, again.get_json()) == (200, {"threadId": "mine", "runId": "long", "status": "done"})


def test_a_run_is_its_owner_s_alone(app: Any, client: FlaskClient) -> None:
    other = app.test_client()
    assert client.get("/").status_code == other.get("/").status_code == 200  # each gets a cookie
    client.post("/api/agui", json=ask())
    assert connect(other, run="1") == ""
    refused = other.post("/api/agui/cancel", json={"threadId": "mine"})
    assert refused.status_code == 404 and refused.get_json()["error"]["message"].startswith("threadId: ")


@pytest.mark.parametrize(("thread", "run"), [("", ""), ("a b", "c"), ("a", "b c"), ("%", "_"), ("\U0010ffff", "1")])
def test_names_of_any_kind_are_told_apart(client: FlaskClient, thread: str, run: str) -> None:
    mine = frames(client.post("/api/agui", json=ask(thread=thread, run=run)))
    client.post("/api/agui", json=ask(thread="a", run="other"))
    client.post("/api/agui", json=ask(thread="ab", run=run))
    assert connect(client, thread, run) == mine
