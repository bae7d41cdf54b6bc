"""The language of a page: the one that its reader has chosen on it, else the first of the browser's
that there is, else English. Messages of the API are English in all of them; pages translate their
codes.
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

from babel import Locale
from babel.support import NullTranslations, Translations
from flask import Blueprint, Flask, Response, current_app, redirect, request
from flask_babel import Babel, Domain, get_locale, gettext
from werkzeug import Response as AnyResponse

from chatapp.errors import InvalidField
from chatapp.web.addresses import here
from chatapp.web.authentication import local_path
from chatapp.web.catalogues import Catalogue
from chatapp.web.endpoint import open_to_all
from chatapp.web.page_texts import FAILURES

blueprint = Blueprint("languages", __name__)

COOKIE = "chatapp_language"  # one for all ports of a host: it is no secret, and says nothing of whom
MAX_FORM_BYTES = 1024  # the tag of a language
COOKIE_AGE_S = 400 * 24 * 3600  # the longest that browsers keep one
ENGLISH = "en"
LANGUAGES = "chatapp.languages"


def install(app: Flask, catalogues: Mapping[str, Catalogue]) -> None:
    """Templates get `_` and `ngettext`, and `page_language()` and `languages` for the frame."""
    locales = {ENGLISH: Locale(ENGLISH)} | {tag: catalogue.locale for tag, catalogue in catalogues.items()}
    app.extensions[LANGUAGES] = locales
    babel = Babel()
    babel.domain_instance = _Catalogues(catalogues)
    babel.init_app(app, default_locale=ENGLISH, locale_selector=lambda: str(locales[chosen_language(locales)]))
    app.jinja_env.globals.update(page_language=page_language, languages=locales)
    app.after_request(_name_language)


@blueprint.post("/language")
@open_to_all
def choose() -> AnyResponse:
    """Keeps what a reader has chosen, and goes back to the page that asked. Raises InvalidField."""
    request.max_content_length = MAX_FORM_BYTES
    tag = request.form.get("language", "")
    locales = current_app.extensions[LANGUAGES]
    if tag not in locales:
        raise InvalidField(f"language: unknown language {tag!r}; available: {', '.join(locales)}")
    response = redirect(_page_that_asked(), 303)
    response.set_cookie(
        COOKIE, tag, max_age=COOKIE_AGE_S, path=here("/"), httponly=True, samesite="Lax", secure=request.is_secure
    )
    return response


def page_language() -> str:
    """The tag of the language of this request's page."""
    return str(get_locale()).replace("_", "-")


def chosen_language(offered: Mapping[str, object]) -> str:
    """The tag of one of those, for this request: what the address says, which an element
    in another page sends, else what the reader has chosen, else the browser's. A language in
    another script or of another country is better than English: who reads Traditional Chinese is
    given Simplified."""
    for chosen in (request.args.get("language", ""), request.cookies.get(COOKIE, "")):
        if chosen in offered:
            return chosen
    by_name = {tag.partition("-")[0]: tag for tag in offered}
    wanted = (tag.partition("-")[0].lower() for tag, quality in request.accept_languages if quality > 0)
    return next((by_name[name] for name in wanted if name in by_name), ENGLISH)


def sentence_of(code: str) -> str:
    """What went wrong, in the page's language; "" in English, where an error's own message says
    more, and for a code that has no sentence."""
    return "" if page_language() == ENGLISH or code not in FAILURES else gettext(FAILURES[code])


class _Catalogues(Domain):  # type: ignore[misc]  # Flask-Babel has no types
    """Flask-Babel's texts, from catalogues that are read already."""

    def __init__(self, catalogues: Mapping[str, Catalogue]) -> None:
        super().__init__()
        self._translations = {str(each.locale): each.translations for each in catalogues.values()}

    def get_translations(self) -> Translations | NullTranslations:
        return self._translations.get(str(get_locale()), NullTranslations())


def _page_that_asked() -> str:
    """By its Referer, since the page may have moved on without its server."""
    try:
        there = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return here("/")
    return local_path(f"{there.path}?{there.query}" if there.query else there.path, here("/"))


def _name_language(response: Response) -> Response:
    if response.mimetype == "text/html":
        response.content_language.add(page_language())
        response.vary.update(("Accept-Language", "Cookie"))
    return response
