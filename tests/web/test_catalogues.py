"""Every text of the page is in every catalogue, translated, with the same values in it."""

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages import Message
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from flask import Flask, render_template_string

from chatapp.errors import ChatappError
from chatapp.exchange import NOT_THERE
from chatapp.tools.builtin.tools import TOOLS as BUILTIN
from chatapp.web import languages
from chatapp.web.assets import lean_script
from chatapp.web.catalogues import FILE, read_catalogues, scripts_with_words
from chatapp.web.page_texts import FAILURES, FILE_ERRORS, PROBE, TOOLS

ROOT = Path(__file__).parents[2]
TRANSLATIONS = ROOT / "translations"
VALUES = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")


def _load_update() -> ModuleType:
    spec = importlib.util.spec_from_file_location("update", TRANSLATIONS / "update.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


update = _load_update()
FILES = update.catalogues()


@pytest.fixture(scope="module")
def texts() -> Catalog:
    found: Catalog = update.extracted()
    return found


@pytest.fixture(params=FILES, ids=lambda file: file.parents[1].name)
def catalog(request: pytest.FixtureRequest) -> Catalog:
    with request.param.open("rb") as source:
        return read_po(source, locale=request.param.parents[1].name)


def ids(message: Message) -> list[str]:
    return [message.id] if isinstance(message.id, str) else list(message.id)


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def by_id(catalog: Catalog) -> dict[str, Message]:
    return {ids(message)[0]: message for message in catalog if message.id}


def test_every_text_is_translated(catalog: Catalog, texts: Catalog) -> None:
    known = by_id(catalog)
    assert set(by_id(texts)) == set(known), "run `make catalogues`"
    assert not [text for text, message in known.items() if update.is_open(message)]


def test_a_text_is_for_scripts_if_a_script_has_it(catalog: Catalog, texts: Catalog) -> None:
    known = by_id(catalog)
    for text, message in by_id(texts).items():
        assert {file for file, _ in known[text].locations} == {file for file, _ in message.locations}, text


def test_translations_have_the_values_of_their_texts(catalog: Catalog) -> None:
    for message in by_id(catalog).values():
        wanted = {frozenset(VALUES.findall(text)) for text in ids(message)}
        for form in forms(message):
            found = frozenset(VALUES.findall(form))
            assert found in wanted or any(found <= values for values in wanted if message.pluralizable), message.id


def test_a_new_language_needs_its_catalogue_and_nothing_else(tmp_path: Path) -> None:
    texts: Catalog = update.extracted()
    french = tmp_path / "fr" / FILE
    french.parent.mkdir(parents=True)
    texts["Copy"].string = "Copier"
    with french.open("wb") as file:
        write_po(file, texts)
    shutil.copytree(TRANSLATIONS / "zh_Hans", tmp_path / "zh_Hans")
    catalogues = read_catalogues(tmp_path)
    made = scripts_with_words(ROOT / "static", catalogues)
    assert set(made) == {"js/language.js", "js/words/fr.js", "js/words/zh-Hans.js"}
    assert b'const TRANSLATED = ["fr","zh-Hans"];' in made["js/language.js"]
    assert b'"Copy":"Copier"' in made["js/words/fr.js"]
    app = Flask("app", template_folder=str(ROOT / "templates"))
    languages.install(app, catalogues)
    with app.test_request_context(headers={"Accept-Language": "fr-CA"}):
        assert languages.page_language() == "fr"
        assert render_template_string("{{ _('Copy') }}") == "Copier"


def test_every_call_in_a_script_is_extracted(texts: Catalog) -> None:
    known = by_id(texts)
    for file in (ROOT / "static/js").rglob("*.js"):
        for call in re.findall(r"(?<![\w.])tn?\(\s*(\"(?:[^\"\\]|\\.)*\")", file.read_text("utf-8")):
            assert json.loads(call) in known, f"{file}: {call}"


# What a call marks, then a text in one line.
LITERAL = re.compile(r'(\bt\(\s*|\btn\(\s*(?:"(?:[^"\\]|\\.)*",\s*)?)?(?:"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\\n]|\\.)*)`)')
SENTENCE = re.compile(r"[A-Z][a-z]+(?: .*)?|.*[a-z]{2,}[.,]? [a-z]{2,}.*")
NO_WORDS = {
    *("Bearer ${key}", "Accept", "Content-Type", "Idempotency-Key", "BroadcastChannel"),
    *(
        "Ctrl",
        "Shift",
        "Esc",
        "Escape",
        "Enter",
        "Tab",
        "Home",
        "End",
        "PageUp",
        "PageDown",
        "ArrowUp",
        "ArrowDown",
        "Files",
    ),
    *("noopener noreferrer", "noopener noreferrer nofollow", "math math-display", "a, code, pre, .math"),
    *("button go", "button danger", "page embedded", "system-ui, sans-serif"),
    *("ul, li", "input, textarea, select, [contenteditable]"),
    # Said where no script could be had, and so no catalogue.
    "The chat cannot be loaded. Check the connection, and load this page again.",
}


@pytest.mark.parametrize("script", sorted((ROOT / "static/js").rglob("*.js")), ids=lambda file: file.name)
def test_scripts_have_no_literal_text(script: Path) -> None:
    """A sentence that is neither marked nor thrown."""
    code = lean_script(script.read_bytes()).decode()
    lines = [line for line in code.split("\n") if not re.search(r"\bthrow new (Type)?Error\(", line)]
    found = [quoted or made for mark, quoted, made in LITERAL.findall("\n".join(lines)) if not mark]
    shown = {text for text in found if "</" not in text and "(/" not in text} - NO_WORDS
    assert not {text for text in shown if SENTENCE.fullmatch(re.sub(r"\$\{.*?\}", "", text))}


class _Literals(HTMLParser):
    """What a template shows as it stands, without its tags."""

    SHOWN = ("aria-label", "placeholder", "title", "alt")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "code", "kbd")
        self.found += [value for name, value in attrs if name in self.SHOWN and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "code", "kbd")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)


JINJA = re.compile(r"\{% block body_attributes %\}.*?\{% endblock %\}|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
NAMES = {"chatapp"}


@pytest.mark.parametrize("template", sorted((ROOT / "templates").glob("*.html")), ids=lambda file: file.name)
def test_templates_have_no_literal_text(template: Path) -> None:
    literals = _Literals()
    literals.feed(JINJA.sub(" ", template.read_text("utf-8")))
    words = {word for text in literals.found for word in re.findall(r"[A-Za-z]{2,}", text)}
    assert words <= NAMES


def test_the_list_of_open_texts_is_empty() -> None:
    sys_argv, sys.argv = sys.argv, ["update.py", "--check"]
    try:
        assert update.main() == 0
    finally:
        sys.argv = sys_argv


def test_the_built_in_tools_say_what_they_do_in_every_language() -> None:
    assert {tool.spec.description for tool in BUILTIN} == set(TOOLS)


def codes(error: type[ChatappError]) -> Iterator[str]:
    if not error.__module__.startswith("chatapp.ops."):  # those of the command line, if others have imported it
        yield error.code
    for child in error.__subclasses__():
        yield from codes(child)


def test_every_code_of_an_error_that_a_page_can_see_has_a_sentence() -> None:
    assert set(codes(ChatappError)) - {"bad_configuration"} <= set(FAILURES)


def test_what_the_probe_finds_is_said_in_every_language() -> None:
    source = (ROOT / "chatapp/probe/verdict.py").read_text("utf-8")
    assert [text for text in PROBE if text not in source] == []


def test_that_a_file_was_not_kept_is_said_in_every_language() -> None:
    assert NOT_THERE in FILE_ERRORS
    assert all(NOT_THERE.encode() in each.module for each in read_catalogues(TRANSLATIONS).values())
