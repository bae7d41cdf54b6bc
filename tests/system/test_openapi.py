"""The description says what is done: every endpoint stands in it, and no answer that it does not foresee is given."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatapp.app import create_app
from chatapp.settings import Settings
from chatapp.web.endpoint import endpoint_of

pytestmark = pytest.mark.slow

PAGES = {
    "static",
    "pages.new_chat",
    "pages.chat",
    "pages.embedded_chat",
    "probe.page",
    "diagram.frame",
    "languages.choose",
    "openapi.docs_page",
    "login.show",
    "login.sign_in",
    "login.sign_out",
    "login.come_back",
    "shared.page",
}
EXAMPLES = "15"  # for each operation; more of them found nothing more
NAMES = ("provider", "model", "agent", "tools", "conversation_id", "retry_of", "previous_response_id")
SLOW_BY_DESIGN = "/api/v1/base/sse_probe"  # a tick a minute is a right answer; test_bad_input.py holds it to its bounds
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_every_endpoint_is_described(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, log_url="memory:"), start=False)
    app.extensions["chatapp"].close()
    undescribed = {name for name, view in app.view_functions.items() if endpoint_of(view) is None}
    assert undescribed == PAGES


def test_the_document_refers_to_nothing_that_is_not_in_it(server: Any) -> None:
    text = server.client().get("/openapi.json").text
    document = json.loads(text)
    assert document["openapi"] == "3.1.0"
    for reference in {part.split('"')[0] for part in text.replace('": "', '":"').split('"$ref":"')[1:]}:
        assert reference.rpartition("/")[2] in document["components"]["schemas"], reference


def test_people_can_read_it_too(server: Any) -> None:
    page = server.client().get("/docs").text
    for path in server.client().json("/openapi.json")["paths"]:
        assert path.replace("{", "&#123;") in page or path in page


@pytest.mark.timeout(330)  # some hundred operations
@pytest.mark.parametrize(
    ("narrowed", "phase"), [(False, "coverage"), (True, "fuzzing")], ids=["any-names", "names-that-are-there"]
)
def test_nonsense_of_every_kind_gets_only_answers_that_are_described(
    own_server: Callable[..., Any], tmp_path: Path, narrowed: bool, phase: str
) -> None:
    """schemathesis makes requests from the document, right and wrong ones, and reads every stream to its end.

    It tries the edges of each field first. Names of things that are made up only ever give 404; random requests are
    narrowed to those that are there, so that what is behind is reached.
    """
    server = own_server(CHATAPP_CONFIG=str(quick_provider(tmp_path)))
    document = server.client().json("/openapi.json")
    if narrowed:
        narrow(document["components"]["schemas"])
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", str(path), "--url", server.url),
        *("--checks", CHECKS, "--max-examples", EXAMPLES, "--phases", phase),
        *("--request-timeout", "20", "--suppress-health-check", "all", "--generation-database", "none", "--no-color"),
        *("--exclude-path", SLOW_BY_DESIGN),
    ]
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def quick_provider(folder: Path) -> Path:
    """A configuration whose default provider answers at once."""
    reply, config = folder / "reply.sse", folder / "chatapp.toml"
    reply.write_text('data: {"choices": [{"delta": {"content": "hi"}, "finish_reason": "stop"}]}\n\n')
    config.write_text(
        f'default_provider = "quick"\n[providers.quick]\ntype = "replay"\n'
        f'protocol = "openai"\npath = "{reply}"\ninterval_s = 0\n'
    )
    return config


def narrow(schemas: dict[str, Any]) -> None:
    """To what has a chance: no made-up names, and one of several ways to say something."""
    for schema in schemas.values():
        fields = schema.get("properties", {})
        for name in NAMES:
            fields.pop(name, None)
        if "prompt" in fields:
            for other in ("messages", "question"):
                fields.pop(other, None)
            fields["prompt"] = {"type": "string", "pattern": "^[a-z]{1,20}$"}
            schema["required"] = ["prompt"]
