"""The frame that draws diagrams: what it may, and who may frame it."""

from flask.testing import FlaskClient


def test_a_diagram_s_frame_reaches_nothing_and_is_framed_by_us_alone(client: FlaskClient) -> None:
    response = client.get("/diagram", headers={"Host": "localhost:8000"})
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "sandbox allow-scripts" in policy and "connect-src" not in policy
    assert "script-src localhost:8000/static/" in policy and "frame-ancestors 'self'" in policy
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    page = client.get("/", headers={"Host": "localhost:8000"}).headers["Content-Security-Policy"]
    assert "frame-src localhost:8000/diagram" in page and "require-trusted-types-for 'script'" in page
    assert "frame-src 'self'" in client.get("/", headers={"Host": "[::1]:8000"}).headers["Content-Security-Policy"]


def test_the_library_of_diagrams_is_packed_when_it_is_asked_for(client: FlaskClient) -> None:
    response = client.get("/static/vendor/mermaid/mermaid.tiny.js", headers={"Accept-Encoding": "gzip"})
    assert response.content_encoding == "gzip" and (response.content_length or 0) < 800_000
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"  # the frame is of no origin
