"""The figures and the status page, on loopback without a login."""

from flask.testing import FlaskClient

from chatapp.metrics.exposition import CONTENT_TYPE


def test_the_figures_are_there_before_anything_happened(client: FlaskClient) -> None:
    response = client.get("/metrics")
    assert response.status_code == 200 and response.content_type == CONTENT_TYPE
    names = {line.split()[2] for line in response.text.splitlines() if line.startswith("# TYPE")}
    assert {"chatapp_readers", "chatapp_cancels_total", "chatapp_upstream_errors_total", "chatapp_live_runs"} <= names


def test_the_status_page_has_a_picture_and_nothing_inline(client: FlaskClient) -> None:
    client.post("/chat/stream", json={"prompt": "what was said", "provider": "mock", "max_tokens": 2})
    page = client.get("/status").text
    assert "<h1>Status</h1>" in page and "Live runs" in page and "what was said" not in page
    assert " style=" not in page and "<style" not in page and "<script>" not in page
    assert '<meta http-equiv="refresh" content="10">' in page
    assert "http-equiv" not in client.get("/status?refresh=0").text
    assert client.get("/status?refresh=often").status_code == 422
