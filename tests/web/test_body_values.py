"""A body's values are counted outside of its texts, whatever stands in these."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.errors import InvalidRequest
from chatapp.web import body_values
from chatapp.web.body_values import PIECE_BYTES, refuse_many_values

JSON = st.recursive(
    st.none() | st.integers() | st.text('"\\[{,: a'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('"\\[{,'), inner),
    max_leaves=30,
)


def counted(body: bytes) -> int:
    for limit in range(1000):
        try:
            refuse_many_values(body, limit)
        except InvalidRequest:
            continue
        return limit
    raise AssertionError("more than 1000")


def values(value: object) -> tuple[int, int]:
    """How many objects and lists there are, and how many commas."""
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        return 0, 0
    below = [values(each) for each in inner]
    return 1 + sum(count for count, _ in below), max(len(inner) - 1, 0) + sum(commas for _, commas in below)


@given(JSON)
def test_texts_hide_nothing_and_add_nothing(value: object) -> None:
    lists, commas = values(value)
    for ascii in (True, False):
        assert counted(json.dumps(value, ensure_ascii=ascii).encode()) == lists + commas // 4


@given(value=JSON, size=st.integers(2, 9))
def test_the_place_of_a_cut_makes_no_difference(value: object, size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        body = json.dumps(value).encode()
        patch.setattr(body_values, "let_others_run", lambda: None)
        patch.setattr(body_values, "COMMAS_FOR_ONE", 1)
        whole = counted(body)
        patch.setattr(body_values, "PIECE_BYTES", size)
        assert counted(body) == whole


def test_a_file_full_of_brackets_is_one_text() -> None:
    refuse_many_values(json.dumps({"prompt": "[{" * PIECE_BYTES}).encode(), 1)


@pytest.mark.parametrize("value", [b'"a"', b"1", b'"\\\\"', b"[]", b"{}", b'"b","c"'])
def test_millions_are_refused(value: bytes) -> None:
    with pytest.raises(InvalidRequest, match="max_body_values"):
        refuse_many_values(b'{"stop":[' + b",".join([value] * 500_000) + b"]}", 100_000)
