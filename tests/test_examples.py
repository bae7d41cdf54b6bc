"""What the tool of the example makes of the SQL that a model writes."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from chatapp.tools import ToolFailed

FILE = Path(__file__).parents[1] / "examples" / "admin" / "orders.py"


@pytest.fixture
def orders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("orders", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FILE", tmp_path / "var" / "orders.sqlite3")
    module.fill()
    return module


def test_a_select_is_answered(orders: ModuleType) -> None:
    found = orders.query_orders("SELECT count(*) AS orders FROM orders")
    assert found == {"columns": ["orders"], "rows": [[60]], "more": False}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT length(hex(zeroblob(400000000)))",
        "DELETE FROM orders",
        "ATTACH '/tmp/x' AS x",
        "SELECT * FROM sqlite_master",
        "PRAGMA table_info(orders)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "SELECT 1; SELECT 2",
    ],
)
def test_anything_else_is_refused(orders: ModuleType, sql: str) -> None:
    with pytest.raises(ToolFailed, match="^sql: .*; expected one SELECT over orders"):
        orders.query_orders(sql)
