"""Builds providers from their configuration; owns what they share, which `close` ends."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from chatapp.errors import ConfigError
from chatapp.providers import Provider
from chatapp.providers.addresses import address_problem, ollama_url
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.circuit_breaker import CircuitBreaker
from chatapp.providers.fallback import Candidate, Retries
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.http import HTTPProvider
from chatapp.providers.local.server import LocalServer
from chatapp.providers.local.slots import all_at_work
from chatapp.providers.mock.provider import DELAY_S, Mock
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAIChat
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.providers.read_limits import ReadLimits
from chatapp.providers.replay import INTERVAL_S, RecordedTransport
from chatapp.secret import Secret, shown_variable
from chatapp.settings import Settings
from chatapp.settings.tables import ProtocolName, ProviderConfig
from chatapp.wire.upstream import Transport, Upstream

ADAPTERS: dict[ProtocolName, type[HTTPProvider]] = {
    "openai": OpenAIChat,
    "openai-responses": OpenAIResponses,
    "anthropic": Anthropic,
    "gemini": Gemini,
    "ollama": Ollama,
}

USED_BY = {"path": ("replay",), "protocol": ("replay",), "interval_s": ("replay", "mock")}
"""The fields of a configuration that only some types use."""


class ProviderFactory:
    """Builds providers that share one pool of connections and one local model.

    It does not keep the environment: that holds every key.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._limits = ReadLimits(settings.max_line_bytes, settings.max_event_bytes, settings.max_reply_bytes)
        self._upstream = Upstream(
            connect_timeout=settings.upstream_connect_timeout_s,
            silence_timeout=settings.upstream_silence_timeout_s,
            total_timeout=settings.upstream_total_timeout_s,
            max_stream_bytes=settings.max_stream_bytes,
        )
        self._local = LocalServer(
            settings.data,
            Path(settings.local_model) if settings.local_model else None,
            settings.local_threads or None,
            settings.local_start_timeout_s,
        )

    def local_missing(self) -> str | None:
        """Why there is no local model; None if there is one."""
        return self._local.missing()

    def candidate(self, name: str, config: ProviderConfig, environ: Mapping[str, str]) -> Candidate:
        """The provider with its own circuit breaker. Raises ConfigError, which names the field."""
        provider = self._provider(name, config, environ)
        if config.type == "mock":  # its failures are asked for, to be seen
            return Candidate(provider, CircuitBreaker(sys.maxsize, 0), Retries(0, 0))
        # The local model's start is long, and was waited for already.
        times = 0 if config.type == "local" else self._settings.upstream_retries
        breaker = CircuitBreaker(self._settings.circuit_failures, self._settings.circuit_open_s)
        return Candidate(provider, breaker, Retries(times, self._settings.upstream_retry_wait_s))

    def close(self) -> None:
        self._local.close()
        self._upstream.close()

    def _provider(self, name: str, config: ProviderConfig, environ: Mapping[str, str]) -> Provider:
        _check_fields(name, config)
        match config.type:
            case "mock":
                total_s = self._settings.upstream_total_timeout_s
                return Mock(name, DELAY_S if config.interval_s is None else config.interval_s, total_s)
            case "local":
                address, models = self._local.base_url, self._local.models()
                return OpenAIChat(
                    name,
                    self._upstream,
                    address,
                    models=models,
                    thinking="llamacpp",
                    limits=self._limits,
                    is_busy=partial(all_at_work, self._upstream),
                )
            case "replay":
                return self._replay(name, config, environ)
            case _:
                return self._adapter(name, config, environ, config.type, self._upstream)

    def _adapter(
        self,
        name: str,
        config: ProviderConfig,
        environ: Mapping[str, str],
        protocol: ProtocolName,
        transport: Transport,
    ) -> Provider:
        base_url = config.base_url
        if protocol == "ollama" and base_url is None:
            base_url = ollama_url(environ.get("OLLAMA_HOST", ""))
            if problem := address_problem(base_url, protocol, with_key=False):
                raise ConfigError(f"OLLAMA_HOST: {problem}")
        return ADAPTERS[protocol](
            name,
            transport,
            base_url,
            api_key=_key(name, config, environ),
            models=config.models,
            thinking=config.thinking,
            think_tags=config.think_tags,
            hosted_tools=config.hosted_tools,
            limits=self._limits,
        )

    def _replay(self, name: str, config: ProviderConfig, environ: Mapping[str, str]) -> Provider:
        if config.path is None:
            raise ConfigError(f"providers.{name}.path: missing; type 'replay' needs the file of a recorded body")
        if config.protocol is None:
            raise ConfigError(f"providers.{name}.protocol: missing; available: {', '.join(ADAPTERS)}")
        if not config.path.is_file():
            raise ConfigError(f"providers.{name}.path: no such file: {config.path}")
        interval = INTERVAL_S if config.interval_s is None else config.interval_s
        total_s = self._settings.upstream_total_timeout_s
        transport = RecordedTransport(config.path, interval, lines=config.protocol == "ollama", total_s=total_s)
        shown = config if config.models else replace(config, models=(config.path.stem,))
        return self._adapter(name, shown, environ, config.protocol, transport)


def _check_fields(name: str, config: ProviderConfig) -> None:
    for field, types in USED_BY.items():
        if getattr(config, field) is not None and config.type not in types:
            others = " and ".join(map(repr, types))
            raise ConfigError(f"providers.{name}.{field}: not used by type {config.type!r}, only by {others}")
    with_key = config.api_key_env is not None
    if config.base_url is not None and (problem := address_problem(config.base_url, config.type, with_key)):
        raise ConfigError(f"providers.{name}.base_url: {problem}")


def _key(name: str, config: ProviderConfig, environ: Mapping[str, str]) -> Secret | None:
    if config.api_key_env is None:
        return None
    key = environ.get(config.api_key_env)
    if not key:
        raise ConfigError(
            f"providers.{name}.api_key_env: the environment variable {shown_variable(config.api_key_env)} is not set"
        )
    return Secret(key)
