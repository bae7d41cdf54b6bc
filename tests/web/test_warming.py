"""The first page of a process costs what every other one does."""

import babel.localedata
import pytest
from flask import Flask

from chatapp.web.warming import warm_up


def test_the_first_page_compiles_no_template_and_reads_no_language(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    warm_up(app)

    def refuse(*_args: object, **_more: object) -> None:
        raise AssertionError("this belongs to the start")

    monkeypatch.setattr(app.jinja_env, "compile", refuse)
    monkeypatch.setattr(babel.localedata.pickle, "load", refuse)
    for path in ("/", "/docs", "/probe"):
        for language in ("en", "zh-Hans"):
            page = app.test_client().get(path, headers={"Accept-Language": language, "Accept": "text/html"})
            assert page.status_code == 200 and page.content_language.as_set() == {language.lower()}
