"""Asks each provider for its models, all at once, and one for the time."""

import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import gevent
from msgspec.structs import replace

from chatapp.errors import ConfigError, Rejected, UpstreamError
from chatapp.ops.doctor import Finding, has_problem, ok, problem, warning
from chatapp.ops.http import date_of
from chatapp.providers import Provider
from chatapp.providers.catalog import WHOLE_LISTS, ProviderCatalog
from chatapp.providers.discovery import discover
from chatapp.providers.factory import ProviderFactory
from chatapp.providers.http import HTTPProvider
from chatapp.settings import Settings
from chatapp.settings.tables import ProviderConfig
from chatapp.wire.proxies import LOOPBACK

CONNECT_S = 3.0
ANSWER_S = 5.0  # for a list of models: hundreds at a router
CLOCK_S = 60.0  # off by more, certificates and signed requests begin to fail
NO_LIST = (400, 404, 405, 501)  # a server without a list of models, which answers all the same
SHOWN_MODELS = 3


def look_at_providers(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    hurried = replace(settings, upstream_connect_timeout_s=CONNECT_S, upstream_silence_timeout_s=ANSWER_S)
    try:
        factory = ProviderFactory(hurried)
    except ConfigError as error:
        return [problem("providers", error.message, "correct the variable, or leave it out")]
    missing = factory.local_missing()
    found = discover(environ, missing)
    configs = settings.providers | {name: found[name] for name in found if name not in settings.providers}
    try:
        asked = [
            gevent.spawn(_look_at, name, config, name in settings.providers, factory, environ)
            for name, config in configs.items()
        ]
        gevent.joinall(asked, raise_error=True)
    finally:
        factory.close()
    findings = [finding for greenlet in asked if (finding := greenlet.value)]
    if missing and "local" not in configs:
        findings.append(ok("providers", f"local: not there. {missing}"))
    absent = any(config.api_key_env and not environ.get(config.api_key_env) for config in configs.values())
    return findings if absent or has_problem(findings) else [*findings, *_whole(settings, environ)]


def look_at_clock(settings: Settings, environ: Mapping[str, str], findings: Sequence[Finding]) -> Finding:
    """Against the first provider elsewhere that answered."""
    answered = {finding.says.partition(":")[0] for finding in findings if finding.state == "ok"}
    configs = settings.providers | discover(environ, "no local model")
    for name, config in configs.items():
        if name not in answered or not (url := _elsewhere(config)):
            continue
        if (date := date_of(url, CONNECT_S)) is not None and (told := _seconds(date)) is not None:
            off = time.time() - told
            if abs(off) > CLOCK_S:
                says = f"this machine's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} that of {name}"
                return problem("clock", says, "set it: timedatectl set-ntp true")
            return ok("clock", f"agrees with that of {name}")
    return ok("clock", "not compared: no provider elsewhere answered")


def _look_at(
    name: str, config: ProviderConfig, configured: bool, factory: ProviderFactory, environ: Mapping[str, str]
) -> Finding | None:
    """None if another finding says it: an absent key."""
    if config.api_key_env and not environ.get(config.api_key_env):
        return None
    try:
        provider = factory.candidate(name, config, environ).provider
    except ConfigError as error:
        return problem("providers", error.message, "correct it in the configuration")
    try:
        return _listed(name, config, provider)
    except Rejected as error:
        if error.upstream_status in NO_LIST:
            return _without_list(name, config)
        return problem("providers", _named(name, error), "check the key, and that it belongs to this base URL")
    except UpstreamError as error:
        if not configured and config.api_key_env is None:  # an Ollama that may be there
            return ok("providers", f"{name}: not there")
        fix = "check its base URL, the network and the proxies; or start it, if it is yours"
        return problem("providers", _named(name, error), fix)


def _listed(name: str, config: ProviderConfig, provider: Provider) -> Finding:
    if config.type in WHOLE_LISTS:
        return ok("providers", f"{name}: there; {_some(provider.models())}")
    models = provider.list_models(ANSWER_S) if isinstance(provider, HTTPProvider) else ()
    unknown = [model for model in config.models if model not in models] if config.only_listed else []
    if unknown:
        return warning("providers", f"{name}: does not list {', '.join(unknown)}", "check their names")
    if not models:
        return _without_list(name, config)
    return ok("providers", f"{name}: answers; {_some(models)}")


def _some(models: Sequence[str]) -> str:
    more = f" and {len(models) - SHOWN_MODELS} more" if len(models) > SHOWN_MODELS else ""
    return ", ".join(models[:SHOWN_MODELS]) + more


def _without_list(name: str, config: ProviderConfig) -> Finding:
    if config.models:
        return ok("providers", f"{name}: answers; lists no models, but the configuration does")
    fix = f'name some: models = ["…"] in [providers.{name}]'
    return warning("providers", f"{name}: answers, but lists no models: each request must name one", fix)


def _whole(settings: Settings, environ: Mapping[str, str]) -> list[Finding]:
    """Whether they fit together: the default, and each one's fallbacks."""
    try:
        ProviderCatalog(settings, environ).close()
    except ConfigError as error:
        return [problem("providers", error.message, "correct it in the configuration")]
    return []


def _named(name: str, error: UpstreamError) -> str:
    return error.message if error.message.startswith(name) else f"{name}: {error.message}"


def _elsewhere(config: ProviderConfig) -> str:
    url = config.base_url or ""
    host = urlsplit(url).hostname or ""
    return url if host and not LOOPBACK(host) else ""


def _seconds(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return None
