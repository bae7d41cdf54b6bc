"""Keys, and what else the configuration names: each must be there."""

import shutil
from collections.abc import Callable, Iterator, Mapping

from chatapp.agents.catalog import AgentCatalog
from chatapp.errors import ConfigError
from chatapp.ops.address import address, workers
from chatapp.ops.doctor import Finding, ok, problem
from chatapp.providers.discovery import FOUND_BY_KEY
from chatapp.settings import Settings
from chatapp.tools.catalog import offered_functions
from chatapp.tools.mcp.config import server_config


def look_at_parts(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    yield from _keys(settings, environ)
    yield from _mcp_servers(settings, environ)
    yield from _built("address", lambda: address(environ), "set HOST and PORT, or leave them out")
    yield from _built("address", lambda: workers(environ), "set WEB_CONCURRENCY to the number of workers")
    yield from _built("agents", lambda: AgentCatalog(settings), "correct the table, or install the module")
    yield from _built("tools", lambda: offered_functions(settings.tool_modules), "correct it, or install the module")
    if settings.log_url == "memory:" and _workers(environ) > 1:
        yield problem("log", "memory: works for one process, and WEB_CONCURRENCY asks for more", "use sqlite:")


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
