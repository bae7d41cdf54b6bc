"""The docs cannot drift from what they describe."""

import ast
import json
import logging
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import click
import pytest
from drivers import an_answer
from gunicorn.config import Config
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.metrics import MetricWrapperBase

from chatapp.app import create_app
from chatapp.events import StreamEvent
from chatapp.metrics.figures import Figures
from chatapp.metrics.processes import Processes
from chatapp.ops.cli.main import main
from chatapp.ops.gunicorn_logger import GunicornLogger
from chatapp.ops.log_lines import formatter
from chatapp.ops.run_log import RunLog
from chatapp.providers.discovery import FOUND_BY_KEY
from chatapp.providers.mock.provider import Mock
from chatapp.settings import HELP, Settings
from chatapp.settings.loading import OTHERS, PREFIX, TABLES
from chatapp.settings.tables import ProviderType, ThinkingStyle
from chatapp.trace import current_trace, trace_of
from chatapp.tracing import conventions

ROOT = Path(__file__).parent.parent
COMMAND_LINE = (ROOT / "docs/guides/command-line.md").read_text("utf-8")
CONFIGURATION = (ROOT / "docs/configuration.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ALL = "\n".join(page.read_text("utf-8") for page in PAGES)
OPERATE = (ROOT / "docs/operate.md").read_text("utf-8")
WIDTH = 100
TARGET = re.compile(r"\]\([^)]*\)|https?://\S+")  # of a link, which cannot be wrapped
EXAMPLES = ("NAME", "cohere")
"""Names in the paths of files that a guide tells its reader to write."""


def test_every_setting_stands_in_the_docs_with_its_default_and_meaning() -> None:
    defaults = Settings()
    for name, meaning in HELP.items():
        if name in TABLES:
            continue
        value = getattr(defaults, name)
        text = ", ".join(value) if isinstance(value, tuple) else str(value)
        shown = f"`{text}`" if text else ""
        assert f"| `{PREFIX}{name.upper()}` | {shown} | {meaning} |" in CONFIGURATION


def test_every_page_stands_in_the_index() -> None:
    index = ROOT / "docs/README.md"
    linked = {(index.parent / target).resolve() for target in re.findall(r"\]\(([^)#]+)\)", index.read_text("utf-8"))}
    pages = {page for page in PAGES if page.parent.name != "decisions" and page != index}
    assert pages <= linked


def test_the_docs_name_no_setting_that_is_not_there() -> None:
    known = {f"{PREFIX}{name.upper()}" for name in (*HELP, *OTHERS)}
    for page in PAGES:
        named = set(re.findall(r"\bCHATAPP_[A-Z_]+\b", page.read_text("utf-8")))
        assert named <= known, f"{page.name}: {named - known}"


def test_every_provider_that_is_found_and_every_behaviour_of_the_mock_is_named() -> None:
    for found in FOUND_BY_KEY:
        assert f"`{found.name}`" in CONFIGURATION and f"`{found.variable}`" in CONFIGURATION
    for model in Mock().models():
        assert f"`{model}`" in CONFIGURATION
    for name in (*get_args(ProviderType), *get_args(ThinkingStyle)):
        assert f"`{name}`" in CONFIGURATION


def figures() -> Iterator[tuple[str, set[str]]]:
    """The name and the labels of each, as Prometheus has them."""
    registry = CollectorRegistry()
    instruments = vars(Figures(registry)).values()
    for each in instruments:
        if isinstance(each, MetricWrapperBase):
            total = "_total" if isinstance(each, Counter) else ""
            yield each._name + total, set(each._labelnames)
    for family in Processes(lambda: [os.getpid()]).collect():
        yield family.name, set(family.samples[0].labels)


def test_every_figure_is_explained_with_its_labels_and_no_other() -> None:
    rows = re.findall(r"^\| `(chatapp_\w+)` \|([\w, ]*)\|", OPERATE, re.MULTILINE)
    explained = {name: {label.strip() for label in labels.split(",") if label.strip()} for name, labels in rows}
    assert explained == dict(figures())
    assert set(re.findall(r"\bchatapp_[a-z_]+", OPERATE)) <= set(explained)


def test_every_alert_is_explained() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", (ROOT / "deploy/alerts.yml").read_text("utf-8")))
    assert alerts == set(re.findall(r"^\| `(Chatapp\w+)` \|", OPERATE, re.MULTILINE))


def test_every_field_of_a_log_line_is_explained(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "chatapp")
    RunLog().ended(an_answer("text"), (), None)
    GunicornLogger(Config()).access(SimpleNamespace(status="200 OK", sent=0), None, {}, timedelta())
    current_trace.set(trace_of("", "", ""))
    lines = [json.loads(formatter("json", "INFO", {}).format(record)) for record in caplog.records]
    current_trace.set(None)
    assert len(lines) == 2
    for field in {field for line in lines for field in line} | {"traceback"}:
        assert f"`{field}`" in OPERATE, field


def test_every_span_attribute_is_explained() -> None:
    for constant, name in vars(conventions).items():
        if constant.isupper() and "." in name:
            family = re.sub(r"(gen_ai\.(?:usage|request))\..*", r"\1.*", name)
            assert f"`{name}`" in OPERATE or f"`{family}`" in OPERATE, name


def test_every_endpoint_has_its_place(tmp_path: Path) -> None:
    app = create_app(Settings(data=tmp_path, log_url="memory:"), start=False)
    app.extensions["chatapp"].close()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?\w+>", "NAME", rule.rule)
        shown = re.escape(path).replace("NAME", r"(?:\{\w+\}|[A-Z]+)")
        assert rule.endpoint == "static" or re.search(rf"{shown}(?![\w/-])", ALL), rule.rule


def test_every_event_has_its_place() -> None:
    for event in get_args(StreamEvent):
        assert f"`{event.__struct_config__.tag}`" in ALL


def commands(command: click.Command = main, name: str = "chatapp") -> Iterator[tuple[str, click.Command]]:
    """Every command by its whole name."""
    if isinstance(command, click.Group):
        for word, below in command.commands.items():
            yield from commands(below, f"{name} {word}")
    else:
        yield name, command


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_and_its_options_stand_in_the_guide(name: str, command: click.Command) -> None:
    group = re.escape(" ".join(name.split()[:2]))
    section = re.search(rf"(?ms)^## {group}$.*?(?=^## |\Z)", COMMAND_LINE)
    text = section[0] if section else COMMAND_LINE
    assert name in text
    for option in (parameter for parameter in command.params if isinstance(parameter, click.Option)):
        for spelling in (*option.opts, *option.secondary_opts):
            assert f"{spelling}" in text, f"{name} {spelling}"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> Iterator[str]:
    """The lines of a page, without its tables and code."""
    in_code = False
    for line in page.read_text("utf-8").splitlines():
        if line.lstrip().startswith("```"):
            in_code = not in_code
        elif not in_code and not line.startswith("|"):
            yield line


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_the_docs_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"a link to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_the_docs_name_exists(page: Path) -> None:
    for path in re.findall(r"`((?:chatapp|tests|bench|deploy|docs)/[\w./-]*)`", page.read_text("utf-8")):
        example = any(name in path for name in EXAMPLES)
        assert example or (ROOT / path).exists(), f"{path} does not exist"


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=name_of)
def test_prose_is_wrapped(page: Path) -> None:
    for line in prose(page):
        shown = TARGET.sub("", line) if len(line) > WIDTH else line
        assert len(shown) <= WIDTH, f"{len(line)} columns: {line}"


def comments(module: Path) -> Iterator[str]:
    """The lines of a module's docstrings, and of its comments that have a line of their own."""
    lines = module.read_text("utf-8").splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        match node:
            case ast.Expr(ast.Constant(str())) if node.end_lineno:
                yield from lines[node.lineno - 1 : node.end_lineno]
    yield from (line for line in lines if line.lstrip().startswith("# "))


def test_docstrings_and_comments_are_wrapped() -> None:
    wide = [
        f"{module.name}: {line.strip()}"
        for module in sorted((ROOT / "chatapp").rglob("*.py"))
        for line in comments(module)
        if len(line) > WIDTH
    ]
    assert not wide
