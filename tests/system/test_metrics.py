"""The figures of a loaded server with two workers: true, well formed, and all that the dashboard and
the alerts ask for."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import pytest
from waiting import soon

from chatapp.errors import UpstreamError

pytestmark = pytest.mark.slow

DEPLOY = Path(__file__).parents[2] / "deploy"
DASHBOARD, ALERTS = DEPLOY / "grafana-dashboard.json", DEPLOY / "alerts.yml"
PROMTOOL = shutil.which("promtool")
RUNS = 12

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed: apt-get install prometheus")


def used_in(text: str) -> set[str]:
    """The names of samples in an expression, as they stand in the output of a server."""
    return set(re.findall(r"\bchatapp_[a-z_]+", text))


def expressions() -> str:
    panels = json.loads(DASHBOARD.read_text("utf-8"))["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return "\n".join([*asked, *re.findall(r"expr:(?: >)?((?:.|\n)*?)\n +for:", ALERTS.read_text("utf-8"))])


def names(text: str) -> set[str]:
    """Of all samples."""
    return {re.split(r"[{ ]", line)[0] for line in text.splitlines() if line and not line.startswith("#")}


def total(text: str, name: str, **labels: str) -> float:
    """Of the samples with these labels."""
    found = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    wanted = {f'{label}="{value}"' for label, value in labels.items()}
    return sum(float(value) for given, value in found if wanted <= set(given.split(",")))


def promtool(*arguments: str, text: str = "") -> None:
    assert PROMTOOL is not None
    run = subprocess.run([PROMTOOL, "check", *arguments], input=text, capture_output=True, text=True, check=False)
    assert run.returncode == 0 and not run.stderr.strip(), run.stdout + run.stderr


@pytest.fixture(scope="module")
def loaded(module_server: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A server that has seen every path: answers, failures, fallbacks, tools, cancels, resumes."""
    config = tmp_path_factory.mktemp("config") / "chatapp.toml"
    config.write_text(
        '[providers.down]\ntype = "openai"\nbase_url = "http://127.0.0.1:1"\nmodels = ["none"]\nfallback = ["mock"]\n'
    )
    server = module_server(WEB_CONCURRENCY="2", CHATAPP_CONFIG=str(config), CHATAPP_UPSTREAM_RETRIES="1")
    send(server, *({"provider": "mock", "max_tokens": 5} for _ in range(RUNS)))
    send(server, {"provider": "down", "max_tokens": 3}, {"provider": "mock", "model": "a client's own name"})
    send(server, {"provider": "mock", "model": "tool"}, {"provider": "mock", "model": "fail-first"})
    stopped = server.client().send("go on", model="slow")["id"]
    assert server.client().post(f"/api/v1/messages/{stopped}/cancel", {}).ok
    server.client().follow(stopped).to_end()
    server.client().follow(stopped, after=1).to_end()
    server.client().follow(stopped, after=999_999).to_end()
    return server


def send(server: Any, *bodies: dict[str, Any]) -> None:
    """All at the same time, on a connection each, so that both workers get some."""

    def one(body: dict[str, Any]) -> None:
        server.client().stream("POST", "/chat/stream", json={"prompt": "a word that was said", **body}).to_end()

    gevent.joinall([gevent.spawn(one, body) for body in bodies], raise_error=True)


def test_both_workers_count_and_any_of_them_answers_for_both(loaded: Any) -> None:
    def settled() -> str:
        text: str = loaded.client().get("/metrics").text
        over = total(text, "chatapp_cancels_total") == 1 and not total(text, "chatapp_live_runs")
        return text if over and not total(text, "chatapp_readers") else ""

    text = soon(settled)
    assert total(text, "chatapp_runs_total", provider="mock", outcome="length") == RUNS
    assert total(text, "chatapp_runs_total", provider="down", model="none", outcome="length") == 1
    assert total(text, "chatapp_first_token_seconds_count", provider="mock") >= RUNS
    assert total(text, "chatapp_tokens_total", provider="down", kind="completion") == 3
    assert total(text, "chatapp_upstream_errors_total", provider="down", kind="upstream_unreachable") == 2
    assert total(text, "chatapp_retries_total", provider="down") == 1
    assert total(text, "chatapp_fallbacks_total", provider="down", answered_by="mock") == 1
    assert total(text, "chatapp_cancel_seconds_count") == 1
    assert total(text, "chatapp_resumes_total") == 2 and total(text, "chatapp_resets_total") == 1
    assert total(text, "chatapp_readers_closed_total", end="complete") >= RUNS
    assert total(text, "chatapp_log_append_seconds_count") > 0
    assert text.count("chatapp_resident_memory_bytes{") == 2


def test_nobody_and_nothing_that_was_said_is_in_it(loaded: Any) -> None:
    text = loaded.client().get("/metrics").text
    assert not re.search(r"a word that was said|own name|(?:run|msg|conv)_[0-9a-f]{8}|owner=", text)


@needs_promtool
def test_promtool_finds_nothing_wrong(loaded: Any) -> None:
    promtool("metrics", text=loaded.client().get("/metrics").text)
    promtool("rules", str(ALERTS))


def test_every_figure_of_the_dashboard_and_the_alerts_is_there(loaded: Any) -> None:
    there = names(loaded.client().get("/metrics").text)
    used = used_in(expressions())
    assert len(used) > 20 and used <= there, used - there


def test_a_killed_worker_takes_its_gauges_along_and_leaves_its_counters(loaded: Any) -> None:
    text = loaded.client().get("/metrics").text
    before = total(text, "chatapp_runs_total")
    pids = set(re.findall(r'chatapp_open_fds{pid="(\d+)"}', text))
    subprocess.run(["kill", "-9", min(pids)], check=True)

    def replaced() -> bool:
        text = loaded.client().get("/metrics").text
        now = set(re.findall(r'chatapp_open_fds{pid="(\d+)"}', text))
        return len(now) == 2 and now != pids and total(text, "chatapp_runs_total") == before

    soon(replaced)


def test_every_kind_of_upstream_error_is_there_as_zero(loaded: Any) -> None:
    text = loaded.client().get("/metrics").text
    for kind in (UpstreamError.code, *(each.code for each in UpstreamError.__subclasses__())):
        assert f'kind="{kind}",provider="down"' in text
