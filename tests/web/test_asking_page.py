"""Which page a GET that begins or stops a run comes from. The vectors are what Chromium, Firefox and
Safari send; tests/system/attack/test_pages_elsewhere.py has a browser send them.
"""

from collections.abc import Mapping
from contextlib import suppress

import pytest
from werkzeug.datastructures import Headers

from chatapp.errors import Forbidden, InvalidRequest
from chatapp.web.asking_page import refuse_foreign, refuse_unlike_stream

BROWSER = {"Host": "chat.lan:8000", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Cookie": "chatapp_owner=x"}
PAGE, IMAGE = "text/html,application/xhtml+xml,*/*;q=0.8", "image/avif,image/webp,image/apng,*/*;q=0.8"
STREAM, ANY = "text/event-stream", "*/*"
OURS, THEIRS = "http://chat.lan:8000/", "http://chat.lan:9000/"


def passes(headers: Mapping[str, str]) -> bool:
    with suppress(Forbidden):
        refuse_foreign(Headers(headers))
        refuse_unlike_stream(Headers(headers))
        return True
    return False


@pytest.mark.parametrize(
    "vector",
    [
        pytest.param({"Accept": IMAGE}, id="an image, its page hidden"),
        pytest.param({"Accept": IMAGE, "Referer": THEIRS}, id="an image elsewhere"),
        pytest.param({"Accept": IMAGE, "Referer": OURS}, id="an image in an answer"),
        pytest.param({"Accept": PAGE}, id="a link, or a typed address"),
        pytest.param({"Accept": PAGE, "Referer": THEIRS}, id="a link elsewhere, a form, a frame"),
        pytest.param({"Accept": PAGE, "Referer": OURS}, id="a link of ours"),
        pytest.param({"Accept": ANY}, id="a script, a video, a fetch without CORS, its page hidden"),
        pytest.param({"Accept": ANY, "Referer": THEIRS}, id="the same, its page named"),
        pytest.param({"Accept": STREAM}, id="a fetch without CORS that looks like an EventSource"),
        pytest.param({"Accept": STREAM, "Origin": THEIRS[:-1]}, id="an EventSource elsewhere"),
        pytest.param({"Accept": STREAM, "Origin": "null"}, id="an EventSource in a sandbox"),
        pytest.param({"Accept": "text/css,*/*;q=0.1"}, id="a style sheet"),
        pytest.param({"Accept": IMAGE, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "image"}, id="ours: image"),
        pytest.param({"Accept": PAGE, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}, id="ours: link"),
        pytest.param({"Accept": PAGE, "Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}, id="typed"),
        pytest.param({"Accept": ANY, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "iframe"}, id="ours: frame"),
        pytest.param({"Accept": STREAM, "Sec-Fetch-Site": "same-site", "Sec-Fetch-Dest": "empty"}, id="other port"),
        pytest.param({"Accept": ANY, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "empty"}, id="elsewhere"),
    ],
)
def test_what_does_not_come_as_a_stream_of_our_page_is_refused(vector: dict[str, str]) -> None:
    assert not passes({**BROWSER, **vector})


@pytest.mark.parametrize(
    "vector",
    [
        pytest.param({**BROWSER, "Accept": STREAM, "Referer": OURS}, id="our EventSource"),
        pytest.param(
            {**BROWSER, "Accept": STREAM, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "empty"}, id="https"
        ),
        pytest.param({**BROWSER, "Accept": ANY, "Referer": OURS + "c/conv_1"}, id="our fetch"),
        pytest.param({"Host": "chat.lan:8000", "Accept": ANY, "User-Agent": "curl/8.5.0"}, id="curl"),
        pytest.param({"Host": "chat.lan:8000"}, id="a socket"),
        pytest.param(
            {"Host": "chat.lan:8000", "Accept": ANY, "Cookie": "chatapp_owner=x"}, id="a client with a cookie"
        ),
    ],
)
def test_our_pages_and_clients_that_are_no_browsers_may(vector: dict[str, str]) -> None:
    assert passes(vector)


@pytest.mark.parametrize("name", ["Origin", "Referer"])
@pytest.mark.parametrize("address", ["http://[::1", "http://[x]/"])
def test_an_address_that_is_none_is_refused_as_such(name: str, address: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{name}: not an address"):
        refuse_foreign(Headers({"Host": "localhost", name: address}))
