"""Which proxy of the environment leads to a provider, and which variable names it.

The rules are those of `requests`: `https_proxy` or `http_proxy` by the provider's scheme, else
`all_proxy`, in small letters or capitals; `no_proxy` lists hosts that need none.
"""

import os
import re
from typing import NamedTuple
from urllib.parse import urlsplit

import requests.utils

from chatapp.errors import Unreachable

LOOPBACK = re.compile(r"localhost|.+\.localhost|127(\.\d+){3}|::1").fullmatch


class Proxies(NamedTuple):
    """`by_scheme` is in the form of `requests`. `variable` is empty if no proxy is used."""

    by_scheme: dict[str, str]
    variable: str = ""


def proxies_for(url: str, who: str) -> Proxies:
    """The way to the provider `who`. There is none to this machine, which a proxy elsewhere cannot
    reach. Raises Unreachable, naming the variable, if the proxy cannot be used."""
    if LOOPBACK(urlsplit(url).hostname or ""):
        return Proxies({})
    by_scheme = dict(requests.utils.get_environ_proxies(url))
    proxy = requests.utils.select_proxy(url, by_scheme)
    if not proxy:
        return Proxies({})
    variable = _variable(urlsplit(url).scheme)
    if problem := _problem(proxy):
        raise Unreachable(
            f"{variable} {problem}; to reach {who}, name an HTTP proxy (http://host:port) "
            "or add the provider's host to NO_PROXY"
        )
    return Proxies(by_scheme, variable)


def _variable(scheme: str) -> str:
    names = [form for name in (f"{scheme}_proxy", "all_proxy") for form in (name, name.upper())]
    return next((name for name in names if os.environ.get(name)), "the system's proxy setting")


def _problem(proxy: str) -> str | None:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        is_complete = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_complete = False
    if not is_complete:
        return "is not a valid URL"
    if parts.scheme.lower().startswith("socks"):
        return "names a SOCKS proxy, which chatapp cannot use"
    return None if parts.scheme.lower() in ("http", "https") else "names a proxy of an unknown kind"
