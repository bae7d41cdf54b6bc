"""The page's texts in other languages than English.

They stand in `translations/LANGUAGE/LC_MESSAGES/messages.po`; their keys are the English texts. The
files are read at the start, so nothing has to be compiled after a change. Templates get a catalogue
as gettext knows it, scripts get those of its texts that they use, as a module.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages import Message
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from chatapp.web.page_texts import FAILURES, FILE_ERRORS, PROBE, TOOLS

FILE = "LC_MESSAGES/messages.po"
SCRIPTS = "static/js/"
LANGUAGE_SCRIPT, NO_TAGS = "js/language.js", b"TRANSLATED = [];"
WORDS = "js/words/{}.js"
"""Where that script finds the texts of a language."""


@dataclass(frozen=True)
class Catalogue:
    """One language. `tag` is its name in HTML and HTTP, such as `zh-Hans`."""

    tag: str
    locale: Locale
    translations: Translations
    module: bytes
    """A JavaScript module; its default export has `texts`, `failures` (the sentences for codes) and
    `plural`, which tells for a number which of several forms to take."""


def read_catalogues(folder: Path) -> dict[str, Catalogue]:
    """All of them, by tag."""
    found = [_read(file) for file in sorted(folder.glob(f"*/{FILE}"))]
    return {catalogue.tag: catalogue for catalogue in found}


def scripts_with_words(static: Path, catalogues: Mapping[str, Catalogue]) -> dict[str, bytes]:
    """The scripts that hold what the catalogues say: a module for each, and the one that chooses
    among them."""
    script = (static / LANGUAGE_SCRIPT).read_bytes()
    assert script.count(NO_TAGS) == 1
    chooses = script.replace(NO_TAGS, f"TRANSLATED = {_json(list(catalogues))};".encode())
    return {LANGUAGE_SCRIPT: chooses} | {WORDS.format(tag): each.module for tag, each in catalogues.items()}


def _read(file: Path) -> Catalogue:
    name = file.parents[1].name
    with file.open("rb") as source:
        catalog = read_po(source, locale=name)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return Catalogue(name.replace("_", "-"), Locale.parse(name), Translations(compiled), _module(catalog))


def _module(catalog: Catalog) -> bytes:
    """The plural rule of a catalogue is an expression of C over `n`, which means the same in
    JavaScript."""
    texts = _json({_key(message): message.string for message in _told(catalog) if _is_for_scripts(message)})
    by_key = {_key(message): message.string for message in _told(catalog)}
    failures = _json({code: by_key[sentence] for code, sentence in FAILURES.items() if sentence in by_key})
    plural = f"(n)=>Number({catalog.plural_expr})"
    return f"export default{{plural:{plural},texts:{texts},failures:{failures}}};\n".encode()


def _told(catalog: Catalog) -> Iterator[Message]:
    """Without the header, and what has no translation yet."""
    return (message for message in catalog if message.id and message.string and not message.fuzzy)


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _is_for_scripts(message: Message) -> bool:
    return _key(message) in (*TOOLS, *PROBE, *FILE_ERRORS) or any(
        str(place).startswith(SCRIPTS) for place, _line in message.locations
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
