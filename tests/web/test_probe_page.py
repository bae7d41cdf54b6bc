"""What the probe page asks for: the verdict on the ticks that a browser saw."""

from typing import Any

import pytest
from flask.testing import FlaskClient

VERDICT = "/api/v1/base/sse_probe/verdict"


def seen(arrived: list[float], headers: dict[str, str] | None = None) -> dict[str, Any]:
    ticks = [{"arrived": at, "sent_ms": 1_700_000_000_000 + 500 * n} for n, at in enumerate(arrived)]
    return {"ticks": ticks, "head_s": 0.01, "headers": headers or {}}


def test_ticks_that_come_one_by_one_are_well(client: FlaskClient) -> None:
    verdict = client.post(VERDICT, json=seen([0.01, 0.51, 1.01, 1.51])).get_json()
    assert verdict["one_by_one"] and verdict["lines"] == []


def test_ticks_that_come_together_name_the_line_to_change(client: FlaskClient) -> None:
    headers = {"server": "nginx/1.22.1", "content-encoding": "gzip"}
    verdict = client.post(VERDICT, json=seen([2.0, 2.0, 2.01, 2.01], headers)).get_json()
    assert not verdict["one_by_one"] and "nginx" in verdict["hop"]
    assert verdict["lines"] == ["proxy_buffering off;", "gzip off;"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"ticks": []}, "ticks"),
        (seen([float(at) for at in range(601)]), "ticks"),
        (seen([1.0], {f"x-{n}": "" for n in range(101)}), "headers"),
        ({"ticks": [{"arrived": -1, "sent_ms": 1}]}, "ticks"),
        ({"ticks": [{"arrived": 1}]}, "ticks"),
        ({}, "ticks"),
    ],
)
def test_what_no_browser_saw_is_refused_by_name(client: FlaskClient, body: dict[str, Any], field: str) -> None:
    response = client.post(VERDICT, json=body)
    assert response.status_code == 422
    assert field in response.get_json()["error"]["message"]
