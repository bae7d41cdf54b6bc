"""What tokens cost."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.events import COST_DIGITS, Usage
from chatapp.prices import Price, PriceTable

PLAIN = Price(prompt=1.0, completion=10.0)
DETAILED = Price(prompt=3.0, completion=15.0, cached=0.3, cache_written=3.75, reasoning=20.0)
USED = Usage(1000, 500, 1500, 200, 400, cache_written=100)

COUNTS = st.integers(0, 10**9)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.booleans(), COUNTS)


def at(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("price", "usage", "cost"),
    [
        (PLAIN, Usage(), 0.0),
        (PLAIN, Usage(1_000_000, 1_000_000), 11.0),
        (PLAIN, USED, 0.006),
        (DETAILED, USED, (500 * 3 + 400 * 0.3 + 100 * 3.75 + 300 * 15 + 200 * 20) / 1e6),
        (Price(prompt=0.001, completion=0.0), Usage(1), 0.000000001),
        (PLAIN, Usage(10, 0, 10, 0, 30), 0.00003),  # a provider that counts its cache beside the prompt
    ],
)
def test_each_part_has_its_price(price: Price, usage: Usage, cost: float) -> None:
    priced = PriceTable({"p": {"m": price}}, "EUR").priced("p", "m", usage)
    assert priced.cost == pytest.approx(cost, abs=1e-9)
    assert priced.currency == "EUR"


def test_an_exact_name_goes_before_a_pattern_and_an_unknown_one_costs_nothing_that_is_known() -> None:
    other = Price(prompt=2.0, completion=2.0)
    table = PriceTable({"p": {"m-*": PLAIN, "m-1": other, "*": DETAILED}}, "USD")
    costs = [table.priced("p", model, Usage(1_000_000)).cost for model in ("m-1", "m-2", "x")]
    assert costs == [2.0, 1.0, 3.0]
    assert table.priced("q", "m-1", USED) == USED


def test_the_newest_price_that_is_valid_counts() -> None:
    old, new = (
        Price(date=date(2026, 1, 1), prompt=1, completion=1),
        Price(date=date(2026, 6, 1), prompt=2, completion=1),
    )
    table = PriceTable({"p": {"m": (new, old)}}, "USD")
    days = ("2025-12-31", "2026-01-01", "2026-05-31", "2026-06-01")
    assert [table.priced("p", "m", Usage(1_000_000), at(day)).cost for day in days] == [None, 1.0, 1.0, 2.0]


@given(st.lists(USAGES, min_size=1, max_size=20))
def test_the_cost_of_a_run_is_the_sum_of_its_requests(usages: list[Usage]) -> None:
    table = PriceTable({"p": {"m": DETAILED}}, "USD")
    priced = [table.priced("p", "m", usage) for usage in usages]
    total = sum(priced[1:], priced[0])
    nano = 10**COST_DIGITS
    assert round((total.cost or 0) * nano) == pytest.approx(sum(round((each.cost or 0) * nano) for each in priced))
    assert total.prompt == sum(usage.prompt for usage in usages) and total.currency == "USD"


def test_a_request_without_a_price_adds_its_tokens_only() -> None:
    priced = PriceTable({"p": {"m": PLAIN}}, "USD").priced("p", "m", Usage(1_000_000))
    assert priced + Usage(5) == Usage(1_000_005, cost=1.0, currency="USD") == Usage(5) + priced
    assert (Usage(1) + Usage(2)).cost is None
