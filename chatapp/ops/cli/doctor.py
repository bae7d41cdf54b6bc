"""`chatapp doctor`."""

import os
import sys
from typing import TYPE_CHECKING

import click

from chatapp.ops.cli.common import examples, json_option, plain, print_json

if TYPE_CHECKING:
    from chatapp.ops.doctor import Finding

COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


@click.command(
    epilog=examples(
        "chatapp doctor",
        "chatapp doctor --url https://chat.example.com",
        "chatapp doctor --json | jq '.findings[] | select(.state == \"problem\")'",
    )
)
@click.option("--url", help="Also probe the server there: does anything on the way hold streams back?")
@click.option("--key", envvar="CHATAPP_KEY", show_envvar=True, help="An API key of that server.")
@json_option
def doctor(url: str | None, key: str | None, as_json: bool) -> None:
    """Look at all that a server needs: config, keys, providers, tools, data folder, database, log,
    clock, gevent's patches, disk, limits, proxies. Each finding comes with its fix.

    Nothing is changed. Exits 0 if there is no problem, else 1; a warning is none.
    """
    from gevent import monkey

    monkey.patch_all()  # as in the server: providers are asked side by side, within their time limits

    from itertools import chain

    from msgspec import to_builtins

    from chatapp.ops.doctor import has_problem
    from chatapp.ops.doctor.examine import examine
    from chatapp.ops.doctor.way import look_at_way

    findings = []
    for finding in chain(examine(os.environ), [look_at_way(url, key)] if url else []):
        findings.append(finding)
        if not as_json:
            _print(finding)
    ill = has_problem(findings)
    if as_json:
        print_json({"well": not ill, "findings": to_builtins(findings)})
    else:
        click.echo("\nThere are problems; see above." if ill else "\nAll is well.")
    sys.exit(1 if ill else 0)


def _print(finding: "Finding") -> None:
    state = click.style(f"{finding.state:<8}", fg=COLOURS[finding.state])
    click.echo(f"{state} {finding.part:<10} {plain(finding.says)}")
    if finding.fix:
        click.echo(f"{'':<19} → {plain(finding.fix)}")
