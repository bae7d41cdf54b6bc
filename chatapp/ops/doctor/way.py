"""The way from here to the server: does anything on it hold streams back?"""

from chatapp.errors import ChatappError
from chatapp.ops.doctor import Finding, ok, problem
from chatapp.ops.probe import SPARE_S, measure, probe_url
from chatapp.probe.verdict import judge

COUNT, INTERVAL_S = 5, 0.3


def look_at_way(url: str, key: str | None) -> Finding:
    try:
        verdict = judge([measure(probe_url(url, COUNT, INTERVAL_S), key, COUNT * INTERVAL_S + SPARE_S)])
    except ChatappError as error:
        return problem("way", error.message, "start the server, or correct the URL")
    if verdict.one_by_one:
        return ok("way", f"{url}: {verdict.says}")
    return problem("way", f"{url}: {verdict.says}", f"in {verdict.hop}: {' or '.join(verdict.lines)}")
