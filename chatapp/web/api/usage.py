"""What was used, in tokens and money, as JSON or as CSV."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import get_args
from urllib.parse import urlencode

import msgspec
from flask import Blueprint, Response, jsonify, request

from chatapp.errors import InvalidField
from chatapp.service import USAGE_KEYS, UsageKey, UsageSum
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import number
from chatapp.web.endpoint import CSV, JSON, Parameter, endpoint

blueprint = Blueprint("usage", __name__)

MAX_ROWS = 1000  # of a page
MAX_OFFSET = 1_000_000
COLUMNS = UsageSum.__struct_fields__
KEYS: Sequence[UsageKey] = get_args(UsageKey)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

QUERY = (
    Parameter("group_by", {"type": "string"}, "Of owner, provider, model, day, by commas; all of them."),
    Parameter("from", {"type": "string", "format": "date"}, "The first day, in UTC; 30 days before the last."),
    Parameter("to", {"type": "string", "format": "date"}, "The last day, in UTC; today."),
    Parameter("owner", {"type": "string"}, "Only this owner. Anybody but an admin sees his own rows in any case."),
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_ROWS}, "Rows of a page; 1000."),
    Parameter("offset", {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET}, "Rows before this page; 0."),
    Parameter("format", {"enum": ["json", "csv"]}, "CSV also for `Accept: text/csv`."),
)


@endpoint(blueprint.get("/api/v1/usage"), answers={200: (JSON, CSV)}, parameters=QUERY)
def usage() -> Response:
    """What ended runs used, a row for each group. What is not grouped by is null; `next` is the
    offset of the next page."""
    as_csv = _as_csv()
    limit, offset = int(number("limit", MAX_ROWS, 1, MAX_ROWS)), int(number("offset", 0, 0, MAX_OFFSET))
    sums = current_service().usage.sums(
        current_caller(), _group_by(), _day("from"), _day("to"), request.args.get("owner") or None
    )
    rows, following = sums[offset : offset + limit], offset + limit if len(sums) > offset + limit else None
    response = _csv(rows) if as_csv else jsonify(rows=msgspec.to_builtins(rows), next=following)
    if following is not None:
        response.headers["Link"] = f'<{_page_at(following)}>; rel="next"'
    return response


def _group_by() -> Sequence[UsageKey]:
    asked = request.args.get("group_by")
    if asked is None:
        return USAGE_KEYS
    names = [name.strip() for name in asked.split(",", len(KEYS)) if name.strip()]
    if unknown := [name for name in names if name not in KEYS]:
        raise InvalidField(f"group_by: unknown {unknown[0][:40]!r}; available: {', '.join(KEYS)}")
    return [key for name in names for key in KEYS if key == name]


def _day(name: str) -> date | None:
    text = request.args.get(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidField(f"{name}: expected a day such as 2026-11-26") from None


def _as_csv() -> bool:
    asked = request.args.get("format")
    if asked is None:
        return request.accept_mimetypes.best_match([JSON, CSV]) == CSV
    if asked not in ("json", "csv"):
        raise InvalidField("format: expected 'json' or 'csv'")
    return asked == "csv"


def _csv(rows: Sequence[UsageSum]) -> Response:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    writer.writerows([_cell(getattr(row, name)) for name in COLUMNS] for row in rows)
    headers = {"Content-Disposition": "attachment; filename=usage.csv"}
    return Response(text.getvalue(), content_type=f"{CSV}; charset=utf-8", headers=headers)


def _cell(value: object) -> object:
    """A spreadsheet calculates what begins like a formula, and names are the clients'."""
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def _page_at(offset: int) -> str:
    return f"{request.path}?{urlencode({**request.args, 'offset': offset})}"
