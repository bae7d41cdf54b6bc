"""Which providers there are: the configured ones, then those that are found without configuration.

Found are the local model where its parts are installed, every provider whose usual key is in the environment, an
Ollama (whether it runs shows when it is asked), and the mock.
"""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import gevent
from msgspec.structs import replace

from chatapp.errors import ConfigError, NotFound, Unreachable
from chatapp.providers import Provider
from chatapp.providers.anthropic.adapter import Anthropic
from chatapp.providers.circuit_breaker import Circuit
from chatapp.providers.fallback import Resilient, Retries, Source
from chatapp.providers.gemini.adapter import Gemini
from chatapp.providers.http import ReadLimits
from chatapp.providers.local.server import LocalServer
from chatapp.providers.mock.provider import Mock
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai_chat.adapter import OpenAI
from chatapp.providers.openai_responses.adapter import OpenAIResponses
from chatapp.providers.replay import INTERVAL_S, RecordedTransport
from chatapp.secret import Secret
from chatapp.settings import ProtocolName, ProviderConfig, ProviderType, Settings, ThinkingStyle
from chatapp.wire.upstream import Transport, Upstream

logger = logging.getLogger(__name__)

OLLAMA_PORT = 11434

ADAPTERS: dict[ProtocolName, Callable[..., Provider]] = {
    "openai": OpenAI,
    "openai-responses": OpenAIResponses,
    "anthropic": Anthropic,
    "gemini": Gemini,
    "ollama": Ollama,
}


class Found(NamedTuple):
    """A provider that is offered where its usual key is in the environment."""

    name: str
    variable: str
    type: ProviderType = "openai"
    base_url: str | None = None
    thinking: ThinkingStyle | None = None
    models: tuple[str, ...] = ()


FOUND_BY_KEY = (
    Found("openai", "OPENAI_API_KEY", thinking="openai"),
    Found("anthropic", "ANTHROPIC_API_KEY", "anthropic"),
    Found("gemini", "GEMINI_API_KEY", "gemini"),
    Found("gemini", "GOOGLE_API_KEY", "gemini"),
    Found("deepseek", "DEEPSEEK_API_KEY", base_url="https://api.deepseek.com", thinking="deepseek"),
    Found(
        "qwen",
        "DASHSCOPE_API_KEY",
        base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        thinking="qwen",
    ),
    Found("moonshot", "MOONSHOT_API_KEY", base_url="https://api.moonshot.ai/v1", thinking="moonshot"),
    Found("glm", "ZAI_API_KEY", base_url="https://api.z.ai/api/paas/v4", thinking="glm"),
    Found("mistral", "MISTRAL_API_KEY", base_url="https://api.mistral.ai/v1", thinking="mistral"),
    Found("groq", "GROQ_API_KEY", base_url="https://api.groq.com/openai/v1", thinking="groq"),
    Found("cerebras", "CEREBRAS_API_KEY", base_url="https://api.cerebras.ai/v1", thinking="cerebras"),
    Found("xai", "XAI_API_KEY", base_url="https://api.x.ai/v1", thinking="xai"),
    Found("perplexity", "PERPLEXITY_API_KEY", base_url="https://api.perplexity.ai", models=("sonar", "sonar-pro")),
    Found("openrouter", "OPENROUTER_API_KEY", base_url="https://openrouter.ai/api/v1", thinking="openrouter"),
)


class ProviderCatalog:
    """All providers by name, in the order in which they are offered; and what they share, which `close` ends."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._upstream = Upstream(
            connect_timeout=settings.upstream_connect_timeout_s,
            silence_timeout=settings.upstream_silence_timeout_s,
            total_timeout=settings.upstream_total_timeout_s,
            max_reply_bytes=settings.max_reply_bytes,
        )
        self._limits = ReadLimits(settings.max_line_bytes, settings.max_event_bytes, settings.pace_s)
        self._local = LocalServer(
            settings.data,
            Path(settings.local_model) if settings.local_model else None,
            settings.local_threads or None,
            settings.local_start_timeout_s,
        )
        configs = {**self._found(), **settings.providers}
        ordered = [*settings.providers, *(name for name in configs if name not in settings.providers)]
        sources = {name: self._source(name, configs[name], settings) for name in ordered}
        self.by_name = {name: _resilient(name, configs[name], sources) for name in ordered}
        self.default = settings.default_provider or ordered[0]
        if self.default not in self.by_name:
            raise ConfigError(f"default_provider: there is none named {self.default!r}; there are {', '.join(ordered)}")

    def resolve(self, name: str | None, model: str | None) -> tuple[Provider, str]:
        """The provider and model to use. Without a provider's name, `model` may be `provider/model`, or be known to one.

        Raises NotFound, naming the field; Unreachable when the provider's default model cannot be found.
        """
        if name is None and model is not None:
            name, model = self._provider_of(model)
        name = name or self.default
        if name not in self.by_name:
            raise NotFound(f"provider: unknown provider {name!r}; available: {', '.join(self.by_name)}")
        provider = self.by_name[name]
        models = provider.models()
        if model is None and not models:
            raise Unreachable(f"model: {name} cannot list its models now; name one, or check that it is running")
        if model is not None and models and model not in models:
            raise NotFound(f"model: unknown model {model!r} of {name}; available: {', '.join(models)}")
        return provider, model or models[0]

    def _provider_of(self, model: str) -> tuple[str | None, str | None]:
        """Who is meant by a model's name alone."""
        prefix, _, rest = model.partition("/")
        if prefix in self.by_name:
            return prefix, rest or None
        return next((name for name, models in self.listings().items() if model in models), None), model

    def listings(self) -> dict[str, Sequence[str]]:
        """Each one's models; none where they cannot be listed now. Each list is bounded in time, and they are asked for
        side by side."""
        asking = {name: gevent.spawn(provider.models) for name, provider in self.by_name.items()}
        gevent.joinall(list(asking.values()))
        return {name: asked.value or () for name, asked in asking.items()}

    def close(self) -> None:
        self._local.close()
        self._upstream.close()

    def _found(self) -> dict[str, ProviderConfig]:
        found = {}
        if reason := self._local.missing():
            logger.warning("%s Going on without it.", reason)
        else:
            found["local"] = ProviderConfig(type="local")
        for row in FOUND_BY_KEY:
            if row.name not in found and self._environ.get(row.variable):
                found[row.name] = ProviderConfig(
                    type=row.type,
                    base_url=row.base_url,
                    api_key_env=row.variable,
                    thinking=row.thinking,
                    models=row.models,
                )
        found["ollama"] = ProviderConfig(type="ollama")
        found["mock"] = ProviderConfig(type="mock")
        return found

    def _source(self, name: str, config: ProviderConfig, settings: Settings) -> Source:
        if config.type == "mock":  # it fails because it was asked to: that is to be seen
            return Source(self._build(name, config), Circuit(sys.maxsize, 0), Retries(0, 0))
        circuit = Circuit(settings.circuit_failures, settings.circuit_open_s)
        times = 0 if config.type == "local" else settings.upstream_retries  # its start was waited for, and is long
        retries = Retries(times, settings.upstream_retry_wait_s)
        return Source(self._build(name, config), circuit, retries)

    def _build(self, name: str, config: ProviderConfig) -> Provider:
        if config.type != "replay" and (config.path or config.protocol):
            raise ConfigError(f"providers.{name}: path and protocol are for type replay")
        if config.type not in ("replay", "mock") and config.interval_s is not None:
            raise ConfigError(f"providers.{name}: interval_s is for the types replay and mock")
        match config.type:
            case "mock":
                return Mock(name) if config.interval_s is None else Mock(name, config.interval_s)
            case "local":
                address, models = self._local.base_url, self._local.models()
                return OpenAI(name, self._upstream, address, models=models, thinking="llamacpp", limits=self._limits)
            case "replay":
                return self._replay(name, config)
            case _:
                return self._adapter(name, config, config.type, self._upstream)

    def _adapter(self, name: str, config: ProviderConfig, protocol: ProtocolName, transport: Transport) -> Provider:
        given = {"base_url": config.base_url, "thinking": config.thinking}
        if protocol == "ollama" and config.base_url is None:
            given["base_url"] = ollama_url(self._environ.get("OLLAMA_HOST", ""))
        known = {key: value for key, value in given.items() if value is not None}
        adapter = ADAPTERS[protocol]
        return adapter(
            name, transport, api_key=self._key(name, config), models=config.models, limits=self._limits, **known
        )

    def _replay(self, name: str, config: ProviderConfig) -> Provider:
        if config.path is None or config.protocol is None:
            raise ConfigError(f"providers.{name}: type replay needs path and protocol")
        if not config.path.is_file():
            raise ConfigError(f"providers.{name}.path: there is no file {config.path}")
        interval = INTERVAL_S if config.interval_s is None else config.interval_s
        lines = config.protocol == "ollama"
        transport = RecordedTransport(config.path, interval, lines=lines)
        shown = config if config.models else replace(config, models=(config.path.stem,))
        return self._adapter(name, shown, config.protocol, transport)

    def _key(self, name: str, config: ProviderConfig) -> Secret | None:
        if config.api_key_env is None:
            return None
        key = self._environ.get(config.api_key_env)
        if not key:
            raise ConfigError(f"providers.{name}.api_key_env: the variable {config.api_key_env} is not set")
        return Secret(key)


def _resilient(name: str, config: ProviderConfig, sources: Mapping[str, Source]) -> Resilient:
    for fallback in config.fallback:
        if fallback not in sources or fallback == name:
            others = ", ".join(other for other in sources if other != name)
            raise ConfigError(f"providers.{name}.fallback: there is no other named {fallback!r}; there are {others}")
    fallbacks = [sources[fallback] for fallback in config.fallback]
    return Resilient(sources[name], fallbacks, midway=config.fallback_midway)


def ollama_url(host: str) -> str:
    """From OLLAMA_HOST as Ollama itself reads it: a host, a port or both, with or without a scheme."""
    parts = urlsplit(host if "://" in host else f"//{host.strip()}", scheme="http")
    name = parts.hostname or "127.0.0.1"
    if name in ("0.0.0.0", "::"):
        name = "127.0.0.1"  # what it listens on is not where it is reached
    name = f"[{name}]" if ":" in name else name
    return f"{parts.scheme}://{name}:{parts.port or OLLAMA_PORT}"
