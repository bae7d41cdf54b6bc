"""Brings the catalogues up to date with the texts in templates, scripts and code: `make catalogues`.

New texts are added without a translation, texts that are gone are removed, and what has no
translation yet is listed. `--check` changes nothing; `--language fr` begins a new catalogue.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages import Message
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

HERE = Path(__file__).parent
ROOT = HERE.parent
FILE = "LC_MESSAGES/messages.po"
METHODS = [("templates/**.html", "jinja2"), ("static/js/**.js", "javascript"), ("chatapp/**.py", "python")]
# What marks a text, with the places of its forms: in templates and Python, in Python, in scripts.
UNKEPT = tuple(
    f'"{name}' for name in ("Project-Id", "Report-Msgid", "POT-", "PO-", "Last-T", "Language-T", "Generated-")
)
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None, "t": None, "tn": (1, 2)}


def main() -> int:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="only list what is not up to date")
    parser.add_argument("--language", help="begin the catalogue of this language, such as fr or pt_BR")
    chosen = parser.parse_args()
    if chosen.language:
        (HERE / chosen.language / FILE).parent.mkdir(parents=True)
        _write(Catalog(locale=chosen.language), HERE / chosen.language / FILE)
    texts = extracted()
    wrong = [line for file in catalogues() for line in _brought_up_to_date(file, texts, chosen.check)]
    print("\n".join(wrong) or "every text is translated")
    return 1 if wrong else 0


def catalogues() -> list[Path]:
    return sorted(HERE.glob(f"*/{FILE}"))


def extracted() -> Catalog:
    """Every text, with the files that have it."""
    found = Catalog()
    options = {"templates/**.html": {"silent": "false"}, "static/js/**.js": {"parse_template_string": "true"}}
    for file, _line, text, comments, context in extract_from_dir(ROOT, METHODS, options, KEYWORDS):
        found.add(text, locations=[(file, None)], auto_comments=comments, context=context)
    return found


def _brought_up_to_date(file: Path, texts: Catalog, check: bool) -> Iterator[str]:
    with file.open("rb") as source:
        catalog = read_po(source, locale=file.parents[1].name)
    before = {_key(message) for message in catalog if message.id}
    catalog.update(texts, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    if not check:
        _write(catalog, file)
    name = file.relative_to(ROOT)
    now = {_key(message): message for message in catalog if message.id}
    yield from (f"{name}: no longer used: {key!r}" for key in sorted(before - set(now)) if check)
    yield from (f"{name}: not translated: {key!r}" for key, message in sorted(now.items()) if is_open(message))


def is_open(message: Message) -> bool:
    """Whether a translation is missing, or one of its forms."""
    forms = message.string if isinstance(message.string, (list, tuple)) else [message.string]
    return message.fuzzy or not forms or not all(forms)


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _write(catalog: Catalog, file: Path) -> None:
    """Without line numbers and dates, and sorted: a change of the page then changes only its own
    texts, and two branches seldom the same lines."""
    catalog.header_comment = (
        f"# The texts of chatapp's page in {catalog.locale.english_name if catalog.locale else ''}."
    )
    catalog.fuzzy = False
    written = BytesIO()
    write_po(written, catalog, width=0, sort_output=True, include_lineno=False)
    lines = written.getvalue().decode().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith(UNKEPT)), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
