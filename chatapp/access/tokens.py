"""Secrets that are shown once: keys, sessions, links. What is kept of one is its hash.

SHA-256 is enough: 256 random bits cannot be guessed however fast the hash is, and a slow hash would
hold all streams of the process.
"""

import hashlib
import hmac
import secrets

RANDOM_BYTES = 32


def new_token(prefix: str = "") -> str:
    """URL-safe; the prefix lets scanners for leaked secrets know it."""
    return prefix + secrets.token_urlsafe(RANDOM_BYTES)


def hash_of(token: str) -> str:
    """By which it is looked up, so that no comparison's time tells how much of a guess is right."""
    return hashlib.sha256(token.encode()).hexdigest()


def is_hash_of(token: str, kept: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(hash_of(token), kept)
