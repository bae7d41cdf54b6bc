"""`chatapp usage`: what ended runs used, from the database alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from chatapp.ops.cli.common import examples, json_option, print_json, print_table, read_settings

if TYPE_CHECKING:
    from chatapp.storage import UsageSum

GROUPS = ("owner", "provider", "model", "day")
NUMBERS = ("runs", "prompt", "completion", "cached", "reasoning")


@click.command(
    epilog=examples("chatapp usage", "chatapp usage --group-by owner,day --from 2026-11-01", "chatapp usage --json")
)
@click.option("--group-by", default="day,provider,model", show_default=True, help=f"Of {', '.join(GROUPS)}, by commas.")
@click.option(
    "--from", "since", type=click.DateTime(["%Y-%m-%d"]), help="The first day, in UTC; 30 days before the last."
)
@click.option("--to", "until", type=click.DateTime(["%Y-%m-%d"]), help="The last day, in UTC; today.")
@click.option("--owner", help="Only this owner's.")
@json_option
def usage(group_by: str, since: datetime | None, until: datetime | None, owner: str | None, as_json: bool) -> None:
    """Sum up the tokens and the cost of all owners' runs. No server is needed; one may run."""
    import msgspec

    from chatapp.storage.database import open_as_it_is
    from chatapp.storage.usage import UsageReport, usage_query

    groups = [name.strip() for name in group_by.split(",") if name.strip()]
    if unknown := [name for name in groups if name not in GROUPS]:
        raise click.BadParameter(f"unknown {unknown[0]!r}; available: {', '.join(GROUPS)}", param_hint="--group-by")
    days = (since and since.date(), until and until.date())
    query = usage_query(groups, *days, owner)  # type: ignore[arg-type]  # checked above
    settings = read_settings()
    engine = open_as_it_is(settings.database_url, settings.data)
    try:
        sums = UsageReport(engine).sums(query)
    finally:
        engine.dispose()
    if as_json:
        print_json(msgspec.to_builtins(sums))
        return
    print_table((*groups, *NUMBERS, "cost"), [_row(groups, each) for each in sums])


def _row(groups: Sequence[str], each: "UsageSum") -> Sequence[object]:
    cost = "" if each.cost is None else f"{each.cost:.4f} {each.currency}"
    return [*(getattr(each, name) for name in (*groups, *NUMBERS)), cost]
