"""A client of a running server, for the command line: `Site`.

It is apart from `chatapp.wire.upstream`, whose errors speak of providers and hide what they say:
here the server's own message is what the user needs. No redirect is followed, since it could carry
the key elsewhere. Proxies and CA bundles of the environment are used.
"""

import os
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.auth import AuthBase

from chatapp import __version__
from chatapp.errors import ChatappError
from chatapp.wire.proxies import proxies_for

CONNECT_S = 5.0
SILENCE_S = 60.0  # four heartbeats
PIECE_BYTES = 65_536
ERROR_CHARS = 500  # of a message that is not ours
CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")


class BadURL(ChatappError):
    code = "bad_url"


class NoConnection(ChatappError):
    """Nobody answered, or the connection broke off. Another attempt may work."""

    code = "no_connection"
    retryable = True


class Refused(ChatappError):
    """The server answered with the HTTP error `status`."""

    code = "refused"

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        self.retryable = status in (502, 503, 504)  # a proxy whose server restarts, or the server itself


class Stream:
    """A response whose body comes piece by piece. A context manager."""

    def __init__(self, response: requests.Response) -> None:
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self._response = response

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._response.close()

    def pieces(self) -> Iterator[bytes]:
        """The body as it arrives, decompressed. Raises NoConnection if it breaks off."""
        try:
            while piece := self._response.raw.read1(PIECE_BYTES, decode_content=True):
                yield piece
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise NoConnection(f"the connection broke off: {_reason(error)}") from None


class Site:
    """The server at `url`; `key` is sent as a bearer token. Times are in seconds."""

    def __init__(self, url: str, key: str | None = None, silence_s: float = SILENCE_S) -> None:
        self.url = checked_url(url).rstrip("/")
        self._silence_s = silence_s
        self._key = key
        self._session = requests.Session()
        self._session.trust_env = False  # a netrc file would replace the key
        self._session.headers["User-Agent"] = f"chatapp/{__version__}"
        self._session.verify = next((os.environ[name] for name in CA_VARIABLES if os.environ.get(name)), True)

    def get(self, path: str) -> Any:
        """The JSON there. Raises NoConnection, Refused, as every method does."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON of the answer."""
        response = self._request(method, path, headers or {}, json=body)
        with response:
            self._check(response)
            try:
                return response.json()
            except requests.RequestException:
                raise Refused(f"{self.url} answers, but not as chatapp does; check the URL", 200) from None

    def stream(self, path: str = "", headers: Mapping[str, str] | None = None) -> Stream:
        """The response whose status is good, once its headers have arrived."""
        response = self._request("GET", path, headers or {}, stream=True)
        try:
            self._check(response)
        except BaseException:
            response.close()
            raise
        return Stream(response)

    def _request(self, method: str, path: str, headers: Mapping[str, str], **more: Any) -> requests.Response:
        url = self.url + path
        try:
            return self._session.request(
                method,
                url,
                headers=dict(headers),
                auth=_Bearer(self._key),
                proxies=proxies_for(url, self.url).by_scheme,
                timeout=(CONNECT_S, self._silence_s),
                allow_redirects=False,
                **more,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise NoConnection(f"cannot reach {self.url}: {_reason(error)}") from None
        except ValueError as error:  # a URL that cannot be sent
            raise BadURL(f"URL: {error}") from None

    def _check(self, response: requests.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise Refused(f"{self.url} has moved to {response.headers.get('Location', 'elsewhere')}; use that", status)
        raise Refused(_message(response) or f"{self.url} answers {status} {_phrase(status)}", status)


class _Bearer(AuthBase):
    def __init__(self, key: str | None) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def checked_url(url: str) -> str:
    """The URL, with `http://` if it names no scheme. Raises BadURL."""
    full = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(full)
        fits = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or any(char.isspace() for char in full):
        raise BadURL(f"URL: {url!r} is not valid; it should look like http://127.0.0.1:8000")
    return full


def answers_as_chatapp(url: str, timeout_s: float) -> bool:
    """Whether a server of ours listens there: whatever it answers, it names a trace."""
    try:
        with requests.head(url, timeout=timeout_s, allow_redirects=False) as response:
            return "X-Trace-Id" in response.headers
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError):
        return False


def date_of(url: str, timeout_s: float) -> str | None:
    """The header `Date` of whatever answers there, whatever it answers."""
    try:
        proxies = proxies_for(url, url).by_scheme
        with requests.head(url, timeout=timeout_s, proxies=proxies, allow_redirects=False) as response:
            return response.headers.get("Date")
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError, ChatappError):
        return None


def _message(response: requests.Response) -> str:
    """That of our own error, in any of its shapes."""
    try:
        error = response.json()["error"]
        return str(error["message"] if isinstance(error, dict) else error)[:ERROR_CHARS]
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, KeyError, TypeError):
        return ""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _reason(error: Exception) -> str:
    text = str(error).lower()
    for words, reason in (
        ("refused", "nothing listens there"),
        ("resolve", "its host is not found"),
        ("name or service", "its host is not found"),
        ("certificate", "its certificate is not trusted here; name its authority in SSL_CERT_FILE"),
        ("wrong version number", "it does not speak TLS; use http://"),
        ("ssl", "TLS failed"),
        ("timed out", "it did not answer in time"),
        ("unreachable", "there is no way to its network"),
    ):
        if words in text:
            return reason
    return "it closed the connection"
