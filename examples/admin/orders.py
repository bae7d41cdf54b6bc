"""The shop's orders in SQLite, and the tool by which a model may look at them.

A model writes the SQL, so the tool trusts none of it: the file is opened read-only, SQLite itself
refuses everything but reading this one table, and time, rows and characters are bounded.
"""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import msgspec

from chatapp import tool
from chatapp.tools import ToolFailed

FILE = Path(__file__).parent / "var" / "orders.sqlite3"
COLUMNS = "id, customer, city, product, quantity, price, status, ordered"
ROWS = 50  # more than a model needs, and few enough to read
CELL_CHARS = 200
BYTES = 10_000  # of any one value: a function such as randomblob() makes it in a single step
WIDTH = 32  # columns of a result
PATTERN_BYTES = 100  # of LIKE and GLOB, whose time grows with each % or *
STEPS = 500_000  # of SQLite's machine: some milliseconds, in which nobody else is served

_MAY = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}


@tool
def query_orders(
    sql: Annotated[
        str,
        msgspec.Meta(
            description=f"One SELECT over the table orders({COLUMNS}). A price is of one piece, in euros.",
            examples=["SELECT status, count(*) AS orders, sum(quantity * price) AS euros FROM orders GROUP BY status"],
        ),
    ],
) -> dict[str, object]:
    """Look at the shop's orders. Returns the names of the columns and at most 50 rows."""
    with opened(read_only=True) as database:
        database.set_authorizer(_authorize)
        database.set_progress_handler(lambda: 1, STEPS)
        database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, BYTES)
        database.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, WIDTH)
        database.setlimit(sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, PATTERN_BYTES)
        try:
            found = database.execute(sql)
            rows = found.fetchmany(ROWS + 1)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise ToolFailed(f"sql: {error}; expected one SELECT over orders({COLUMNS})") from None
    columns = [name for name, *_ in found.description or ()]
    return {"columns": columns, "rows": [[*map(_cell, row)] for row in rows[:ROWS]], "more": len(rows) > ROWS}


def all_orders() -> list[sqlite3.Row]:
    with opened() as database:
        database.row_factory = sqlite3.Row
        return database.execute(f"SELECT {COLUMNS} FROM orders ORDER BY id DESC").fetchall()


def fill() -> None:
    """Invent the orders, always the same ones, if there are none."""
    FILE.parent.mkdir(exist_ok=True)
    with opened() as database, database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, customer TEXT, city TEXT, product TEXT, "
            "quantity INTEGER, price REAL, status TEXT, ordered TEXT)"
        )
        if not database.execute("SELECT 1 FROM orders").fetchone():
            database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)", _invented(random.Random(1)))


@contextmanager
def opened(read_only: bool = False) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"file:{FILE}?mode={'ro' if read_only else 'rwc'}", uri=True)) as database:
        yield database


def _authorize(action: int, table: str | None, *_: object) -> int:
    may = action in _MAY and (action != sqlite3.SQLITE_READ or table == "orders")
    return sqlite3.SQLITE_OK if may else sqlite3.SQLITE_DENY


def _cell(value: object) -> object:
    return str(value)[:CELL_CHARS] if isinstance(value, str | bytes) else value


def _invented(chance: random.Random) -> Iterator[tuple[object, ...]]:
    customers = [
        ("Alvarez", "Sevilla"),
        ("Baumann", "Bern"),
        ("Chen", "Taipei"),
        ("Dubois", "Lyon"),
        ("Eriksen", "Oslo"),
    ]
    products = [("Desk lamp", 49.9), ("Office chair", 219.0), ("Notebook", 4.5), ("Monitor arm", 89.0)]
    for id in range(1, 61):
        (customer, city), (product, price) = chance.choice(customers), chance.choice(products)
        status = chance.choices(["shipped", "open", "returned"], [6, 3, 1])[0]
        ordered = f"2026-{chance.randint(1, 11):02}-{chance.randint(1, 28):02}"
        yield id, customer, city, product, chance.randint(1, 9), price, status, ordered
