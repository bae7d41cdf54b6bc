"""The whole examination, in an order in which a finding explains those behind it."""

from collections.abc import Iterator, Mapping

from chatapp.errors import ConfigError
from chatapp.ops.doctor import Finding, ok, problem
from chatapp.ops.doctor.machine import look_at_machine
from chatapp.ops.doctor.parts import look_at_parts
from chatapp.ops.doctor.providers import look_at_clock, look_at_providers
from chatapp.ops.doctor.stores import look_at_stores
from chatapp.settings.loading import load


def examine(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Every finding as it is made. In a process that gevent has patched: providers are asked side
    by side."""
    try:
        settings = load(environ)
    except ConfigError as error:
        yield problem("config", error.message, "correct it; `chatapp settings` lists every setting")
        yield from look_at_machine(None, environ)
        return
    yield ok("config", f"read from {environ.get('CHATAPP_CONFIG') or 'chatapp.toml and the environment'}")
    yield from look_at_parts(settings, environ)
    providers = look_at_providers(settings, environ)
    yield from providers
    yield look_at_clock(settings, environ, providers)
    yield from look_at_stores(settings, environ)
    yield from look_at_machine(settings, environ)
