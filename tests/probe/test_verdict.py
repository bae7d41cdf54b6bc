import pytest

from chatapp.probe import Measured, Tick
from chatapp.probe.timeline import COLUMNS, timeline
from chatapp.probe.verdict import PROXIES, is_held, judge

INTERVAL = 0.5
EVEN = [0.0, 0.5, 1.0, 1.5, 2.0]
AT_THE_END = [2.0] * 5
IN_PAIRS = [0.5, 0.5, 1.5, 1.5, 2.0]
CLOCK = 1e9
"""By which the server's clock is ahead of ours."""


def measured(arrived: list[float], compressed: bool = False, url: str = "http://a", **headers: str) -> Measured:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    ticks = [Tick(0.01 + at, CLOCK + INTERVAL * number) for number, at in enumerate(arrived)]
    return Measured(url, compressed, 0.005, named, ticks)


def point(plain: list[float], compressed: list[float] | None = None, url: str = "http://a", **headers: str):
    return measured(plain, url=url, **headers), measured(compressed or plain, True, url, **headers)


def test_ticks_that_come_one_by_one_are_fine() -> None:
    verdict = judge([point(EVEN)])
    assert verdict.one_by_one and not verdict.lines and not verdict.notes


def test_one_late_tick_is_an_accident() -> None:
    assert not is_held(measured([0.0, 0.9, 1.0, 1.5, 2.0]))


@pytest.mark.parametrize("arrived", [AT_THE_END, IN_PAIRS, [9.0] * 5])
def test_ticks_that_come_together_were_held_back(arrived: list[float]) -> None:
    verdict = judge([point(arrived, Server="nginx/1.22.1")])
    assert not verdict.one_by_one
    assert verdict.lines == ["proxy_buffering off;"] and verdict.hop.startswith("nginx")


def test_a_stream_that_tells_no_times_is_judged_by_its_arrivals() -> None:
    together = Measured("http://a", False, 0.0, {}, [Tick(2.0) for _ in range(5)])
    assert is_held(together)
    assert not is_held(Measured("http://a", False, 0.0, {}, [Tick(at) for at in EVEN]))


def test_ticks_held_back_only_with_compression_are_the_compressor_s() -> None:
    verdict = judge([point(EVEN, AT_THE_END, Server="nginx", Content_Encoding="gzip")])
    assert not verdict.one_by_one and verdict.lines == ["gzip off;"]


def test_both_are_named_if_both_are_there() -> None:
    verdict = judge([point(AT_THE_END, Server="nginx", Content_Encoding="gzip")])
    assert verdict.lines == ["proxy_buffering off;", "gzip off;"]


def test_compression_that_holds_nothing_back_is_noted() -> None:
    verdict = judge([point(EVEN, Server="nginx", Content_Encoding="gzip")])
    assert verdict.one_by_one and "gzip off;" in verdict.notes[0]


@pytest.mark.parametrize(
    ("header", "value", "name", "line"),
    [
        ("Server", "nginx/1.22.1", "nginx", "proxy_buffering off;"),
        ("Server", "openresty", "nginx", "proxy_buffering off;"),
        ("Server", "Caddy", "Caddy", "flush_interval -1"),
        ("Via", "1.1 Caddy", "Caddy", "flush_interval -1"),
        ("Server", "Apache/2.4.57 (Debian)", "Apache", "flushpackets=on"),
        ("CF-RAY", "8", "Cloudflare", "response_body_buffering"),
        ("Server", "HAProxy", "HAProxy", "option http-no-delay"),
    ],
)
def test_a_proxy_is_known_by_its_headers(header: str, value: str, name: str, line: str) -> None:
    verdict = judge([point(AT_THE_END, **{header.replace("-", "_"): value})])
    assert name in verdict.hop and line in verdict.lines[0] and len(verdict.lines) == 1


def test_of_an_unknown_proxy_every_line_is_printed() -> None:
    verdict = judge([point(AT_THE_END, Server="gunicorn")])
    assert verdict.lines[0].startswith("proxy_buffering off;") and len(verdict.lines) == len(PROXIES)


def test_several_points_tell_between_which_two_the_stream_is_held_back() -> None:
    names = {"Server": "nginx"}
    outer, middle = (point(AT_THE_END, url=f"http://{name}", **names) for name in ("outer", "middle"))
    verdict = judge([outer, middle, point(EVEN, url="http://server")])
    assert "between http://middle and http://server" in verdict.hop
    verdict = judge([outer, point(EVEN, url="http://middle"), point(EVEN, url="http://server")])
    assert "between http://outer and http://middle" in verdict.hop


def test_the_timeline_shows_a_dot_for_each_tick_and_a_digit_for_several() -> None:
    sent, arrived, scale = timeline(measured(EVEN))
    assert sent.count("•") == arrived.count("•") == 5
    sent, arrived, _ = timeline(measured(AT_THE_END))
    assert sent.count("•") == 5 and arrived.endswith("5")
    assert len(scale) <= COLUMNS + 11
