"""The terms by which a text is found: whatever stands in it in three characters, and in two if one
of them is not ASCII. So a part of a word is found, and a word of a language without spaces.

They are hex digits, which no index takes for syntax. An index that was made with other terms does
not know how to let go of a text: a change of them needs a migration that fills the queue anew.
"""

import hashlib
from collections.abc import Iterator, Sequence

from chatapp.hub import let_others_run

MAX_CHARS = 200_000  # of a text; what stands behind them is not found
MAX_TERMS = 20_000  # of a text: half of what fits into a tsvector of Postgres
MAX_WANTED = 16  # of a search: enough to leave few texts that have to be looked at
TURN_GRAMS = 4096  # about a millisecond

GRAM, PAIR = 3, 2


def terms_of(text: str, owner: str) -> list[str]:
    """Those of a text and, first, its owner's. Lets others run."""
    terms = {owner_term(owner): None}
    turns = 0
    for chunk in dict.fromkeys(text[:MAX_CHARS].lower().split()):
        for gram in _grams(chunk):
            terms[_term(gram)] = None
            if len(terms) >= MAX_TERMS:
                return [*terms]
            turns += 1
            if turns % TURN_GRAMS == 0:
                let_others_run()
    return [*terms]


def wanted_terms(words: Sequence[str]) -> list[str]:
    """Those that a text must have in which these words stand; none if the words are too short to
    tell."""
    found = dict.fromkeys(_term(gram) for word in words for gram in _grams(word.lower()))
    return [*found][:MAX_WANTED]


def owner_term(owner: str) -> str:
    return "o" + hashlib.blake2b(owner.encode("utf-8", "replace"), digest_size=12).hexdigest()


def digest(text: str) -> str:
    """Tells whether a text is the one that was indexed."""
    return hashlib.blake2b(text[:MAX_CHARS].encode("utf-8", "replace"), digest_size=16).hexdigest()


def _grams(chunk: str) -> Iterator[str]:
    for start in range(len(chunk) - GRAM + 1):
        yield chunk[start : start + GRAM]
    if not chunk.isascii():
        for start in range(len(chunk) - PAIR + 1):
            if not (pair := chunk[start : start + PAIR]).isascii():
                yield pair


def _term(gram: str) -> str:
    return gram.encode("utf-8", "replace").hex()
