"""Keys, and what else the configuration names: each must be there."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from chatapp.agents.catalog import AgentCatalog
from chatapp.app.check import check_settings
from chatapp.errors import ChatappError, ConfigError
from chatapp.ops.address import check_free, places, refuse_public, workers
from chatapp.ops.doctor import Finding, ok, problem
from chatapp.ops.http import Site, answers_as_chatapp
from chatapp.providers.discovery import FOUND_BY_KEY
from chatapp.settings import Settings
from chatapp.tools.catalog import offered_functions
from chatapp.tools.mcp.config import server_config

ANSWER_S = 2.0  # on this machine


def look_at_parts(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    yield from _keys(settings, environ)
    yield from _mcp_servers(settings, environ)
    yield from _built("config", lambda: check_settings(settings), "correct it; `chatapp settings` says what it is for")
    yield from _address(settings, environ)
    yield from _login(settings)
    yield from _built("address", lambda: workers(environ), "set WEB_CONCURRENCY to the number of workers")
    yield from _built("agents", lambda: AgentCatalog(settings), "correct the table, or install the module")
    yield from _built("tools", lambda: offered_functions(settings.tool_modules), "correct it, or install the module")
    if settings.log_url == "memory:" and _workers(environ) > 1:
        yield problem("log", "memory: works for one process, and WEB_CONCURRENCY asks for more", "use sqlite:")


def _address(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    try:
        wanted = places(environ, settings)
    except ConfigError as error:
        yield problem("address", error.message, "set HOST and PORT, or leave them out")
        return
    yield from _built(
        "address",
        lambda: refuse_public([wanted[0].host], settings.auth),
        "set CHATAPP_AUTH, and CHATAPP_TRUSTED_HOSTS to the names of this server",
    )
    if answers_as_chatapp(f"http://{wanted[0]}", ANSWER_S):
        yield ok("address", f"a server of chatapp's listens on {wanted[0]}")
        return
    for place in wanted:
        yield from _built("address", partial(check_free, place), "see what listens there: ss -ltnp")


def _login(settings: Settings) -> Iterator[Finding]:
    """Whether the provider of the login describes itself, and under the name that is configured."""
    if settings.auth != "oidc" or not settings.oidc_issuer:
        return
    issuer, fix = settings.oidc_issuer, "check CHATAPP_OIDC_ISSUER, the network and the proxies"
    try:
        described = Site(issuer, silence_s=settings.oidc_timeout_s).get("/.well-known/openid-configuration")
    except ChatappError as error:
        yield problem("login", error.message, fix)
        return
    named = described.get("issuer") if isinstance(described, dict) else None
    if named != issuer:
        yield problem("login", f"oidc_issuer: the provider at {issuer} calls itself {named!r}", fix)
    else:
        yield ok("login", f"{issuer} describes itself")


def _keys(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    named = {name: config.api_key_env for name, config in settings.providers.items() if config.api_key_env}
    for name, variable in named.items():
        if environ.get(variable):
            yield ok("keys", f"{name}: {variable} is set")
        else:
            yield problem(
                "keys",
                f"{name}: the variable {variable} is not set",
                f"set {variable} to the provider's API key, or remove [providers.{name}]",
            )
    found = [row.variable for row in FOUND_BY_KEY if environ.get(row.variable) and row.variable not in named.values()]
    if found:
        yield ok("keys", f"found in the environment: {', '.join(found)}")


def _mcp_servers(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    for name, config in settings.mcp_servers.items():
        try:
            server_config(name, config, environ)
        except ConfigError as error:
            yield problem("tools", error.message, "set the variable, or remove the server")
        if config.command and shutil.which(config.command) is None:
            yield problem(
                "tools",
                f"mcp_servers.{name}: there is no command {config.command!r}",
                "install it, or write its whole path",
            )


def _built(part: str, build: Callable[[], object], fix: str) -> Iterator[Finding]:
    try:
        build()
    except ConfigError as error:
        yield problem(part, error.message, fix)


def _workers(environ: Mapping[str, str]) -> int:
    try:
        return workers(environ)
    except ConfigError:
        return 1
