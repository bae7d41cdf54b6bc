"""`chatapp probe`."""

import sys

import click

from chatapp.errors import ChatappError
from chatapp.ops.cli.common import examples, json_option, plain, print_json

HELD, FAILED = 1, 2


@click.command(
    epilog=examples(
        "chatapp probe https://chat.example.com",
        "chatapp probe https://chat.example.com http://127.0.0.1:8080 http://127.0.0.1:8000",
        "chatapp probe https://chat.example.com/other/stream --json",
    )
)
@click.argument("urls", metavar="URL...", nargs=-1, required=True)
@click.option("--count", type=click.IntRange(3, 100), default=6, show_default=True, help="How many ticks.")
@click.option(
    "--interval", type=click.FloatRange(0.1, 10), default=0.5, show_default=True, help="Seconds between two ticks."
)
@click.option("--key", envvar="CHATAPP_KEY", show_envvar=True, help="An API key of the server.")
@json_option
def probe(urls: tuple[str, ...], count: int, interval: float, key: str | None, as_json: bool) -> None:
    """Time the ticks of the server's probe, and find out what on the way holds them back.

    A URL without a path is a server; with one, it is any event stream. Name several to find the
    hop: the outermost address first, the server itself last.

    Exits 0 if the ticks come one by one; 1 with the line to change if they do not; 2 if there is
    nothing to measure.
    """
    from chatapp.ops.probe import SPARE_S, measure, probe_url
    from chatapp.probe.timeline import timeline
    from chatapp.probe.verdict import judge

    try:
        limit_s = count * interval + SPARE_S
        points = [measure(probe_url(url, count, interval), key, limit_s) for url in urls]
    except ChatappError as error:
        click.echo(f"Error: {plain(error.message)}", err=True)
        sys.exit(FAILED)
    verdict = judge(points)
    if as_json:
        print_json({**_json(verdict), "points": [[_json(one) for one in point] for point in points]})
    else:
        for point in points:
            click.echo(plain(point[0].url))
            for one in point:
                click.echo("  compression offered" if one.compressed else "  plain")
                click.echo("\n".join(timeline(one)))
        click.echo()
        _explain(verdict)
    sys.exit(0 if verdict.one_by_one else HELD)


def _explain(verdict: object) -> None:
    from chatapp.probe.verdict import Verdict

    assert isinstance(verdict, Verdict)
    click.echo(click.style(verdict.says, fg="green" if verdict.one_by_one else "red"))
    if verdict.hop:
        click.echo(f"Where: {plain(verdict.hop)}")
        click.echo("Write there:")
    for line in verdict.lines:
        click.echo(f"    {plain(line)}")
    for note in verdict.notes:
        click.echo(f"Note: {plain(note)}")


def _json(value: object) -> dict[str, object]:
    import msgspec

    built: dict[str, object] = msgspec.to_builtins(value)
    return built
