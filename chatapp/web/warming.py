"""What the first page would otherwise do in one go, while all streams of its process wait: compile
templates, read the data of languages, and put the statements of the list together."""

from contextlib import suppress

from flask import Flask

from chatapp.errors import DatabaseUnavailable
from chatapp.service import ChatService
from chatapp.web import EXTENSION
from chatapp.web.languages import LANGUAGES

NOBODY = ""


def warm_up(app: Flask) -> None:
    """Before the process serves."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)
    for locale in app.extensions[LANGUAGES].values():
        assert locale.text_direction
    service: ChatService = app.extensions[EXTENSION]
    with suppress(DatabaseUnavailable):  # then the first page says so
        service.listing.page_pinned_first(NOBODY, 1)
