"""`chatapp keys`: makes, lists and revokes keys, in the database that the settings name. A server
that runs takes notice at once.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from chatapp.ops.cli.common import examples, json_option, print_json, print_table, read_settings

if TYPE_CHECKING:
    from chatapp.storage import Key, Role
    from chatapp.storage.keys import StoredKeys

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


class Expiry(click.ParamType[float]):
    """`30d` from now, or a date or time, in UTC unless it names a zone; as seconds since 1970."""

    name = "WHEN"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        when = _expiry(str(value))
        if when is None:
            self.fail(f"{value!r}: expected a time from now such as 30d or 12h, or a date such as 2030-01-31")
        if when <= time.time():
            self.fail(f"{value!r} has passed already")
        return when


@click.group()
def keys() -> None:
    """Keys for CHATAPP_AUTH=keys: one or more for everybody who may come in."""


@keys.command(epilog=examples("chatapp keys create bob", "KEY=$(chatapp keys create bob --expires 30d --role admin)"))
@click.argument("name")
@click.option("--expires", type=Expiry(), help="When it ends: 30d, 12h, 2030-01-31. Without it, when it is revoked.")
@click.option("--role", type=click.Choice(["user", "admin"]), default="user", show_default=True)
def create(name: str, expires: float | None, role: "Role") -> None:
    """Make a key for NAME, who owns what is done with it, and print it.

    It is shown this once: only its hash is kept. A NAME may have several keys, so that a new one
    can be in use before the old one is revoked.
    """
    from chatapp.access.keys import create_key

    with _stored_keys() as stored:
        try:
            click.echo(create_key(stored, name, role, expires))
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="NAME") from None


@keys.command("list", epilog=examples("chatapp keys list", "chatapp keys list --json"))
@json_option
def list_keys(as_json: bool) -> None:
    """Print every key's id, name, role and times; never the key."""
    with _stored_keys() as stored:
        found = stored.all()
    if as_json:
        print_json([_described(key) for key in found])
        return
    print_table(
        ("ID", "NAME", "ROLE", "CREATED", "STATE"),
        [(key.id, key.name, key.role, _time(key.created), _state(key)) for key in found],
    )


@keys.command(epilog=examples("chatapp keys revoke bob", "chatapp keys revoke key_…"))
@click.argument("name")
def revoke(name: str) -> None:
    """End all keys and sessions of NAME, or the one key whose id it is.

    Their open streams end within seconds.
    """
    with _stored_keys() as stored:
        keys, sessions = stored.revoke(name)
    if not keys and not sessions:
        raise click.ClickException(f"NAME: {name!r} has nothing to revoke; `chatapp keys list` shows all keys")
    click.echo(f"revoked {_count(keys, 'key')} and {_count(sessions, 'session')} of {name}")


@contextmanager
def _stored_keys() -> "Iterator[StoredKeys]":
    from chatapp.storage.database import open_database
    from chatapp.storage.keys import StoredKeys

    settings = read_settings()
    database = open_database(settings.database_url, settings.data)
    try:
        yield StoredKeys(database.engine)
    finally:
        database.close()


def _expiry(text: str) -> float | None:
    if match := re.fullmatch(r"(\d{1,6})([smhdw])", text):
        return time.time() + int(match[1]) * UNITS_S[match[2]]
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _described(key: "Key") -> dict[str, object]:
    return {name: getattr(key, name) for name in ("id", "name", "role", "created", "expires", "revoked")}


def _state(key: "Key") -> str:
    if key.revoked is not None:
        return f"revoked {_time(key.revoked)}"
    if key.expires is None:
        return "live"
    return f"{'live until' if key.is_live(time.time()) else 'expired'} {_time(key.expires)}"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
