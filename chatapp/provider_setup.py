"""Which providers there are: the configured ones, then those that are found without configuration.

Found are the local model where its parts are installed, every provider whose usual key is in the environment, an
Ollama (whether it runs shows when it is asked), and the mock.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from chatapp.errors import ConfigError
from chatapp.local_server import LocalServer
from chatapp.providers import Provider
from chatapp.providers.circuit import Circuit
from chatapp.providers.mock import Mock
from chatapp.providers.ollama import Ollama
from chatapp.providers.openai import OpenAI
from chatapp.providers.resilient import Resilient, Retries, Source
from chatapp.settings import ProviderConfig, Settings
from chatapp.upstream import Upstream

logger = logging.getLogger(__name__)

OLLAMA_PORT = 11434

# (name, base URL, variable of the key, thinking switch): all speak OpenAI's chat completions
FOUND_BY_KEY = (
    ("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", "openai"),
    ("deepseek", "https://api.deepseek.com", "DEEPSEEK_API_KEY", "deepseek"),
    ("qwen", "https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", "qwen"),
    ("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", "none"),
    ("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY", "none"),
    ("xai", "https://api.x.ai/v1", "XAI_API_KEY", "none"),
    ("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", "none"),
)


class Providers:
    """All providers by name, in the order in which they are offered; and what they share, which `close` ends."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._upstream = Upstream(
            connect_timeout=settings.upstream_connect_timeout_s,
            silence_timeout=settings.upstream_silence_timeout_s,
            total_timeout=settings.upstream_total_timeout_s,
            max_reply_bytes=settings.max_reply_bytes,
            max_line_bytes=settings.max_line_bytes,
            max_event_bytes=settings.max_event_bytes,
        )
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

    def close(self) -> None:
        self._local.close()
        self._upstream.close()

    def _found(self) -> dict[str, ProviderConfig]:
        found = {}
        if reason := self._local.missing():
            logger.warning("%s Going on without it.", reason)
        else:
            found["local"] = ProviderConfig(type="local")
        for name, base_url, variable, thinking in FOUND_BY_KEY:
            if self._environ.get(variable):
                found[name] = ProviderConfig(
                    type="openai",
                    base_url=base_url,
                    api_key_env=variable,
                    thinking=thinking,  # type: ignore[arg-type]
                )
        found["ollama"] = ProviderConfig(type="ollama")
        found["mock"] = ProviderConfig(type="mock")
        return found

    def _source(self, name: str, config: ProviderConfig, settings: Settings) -> Source:
        if config.type == "mock":  # it fails because it was asked to: that is to be seen
            return Source(self._build(name, config), Circuit(sys.maxsize, 0), Retries(0, 0))
        circuit = Circuit(settings.circuit_failures, settings.circuit_open_s)
        retries = Retries(settings.upstream_retries, settings.upstream_retry_wait_s)
        return Source(self._build(name, config), circuit, retries)

    def _build(self, name: str, config: ProviderConfig) -> Provider:
        build: dict[str, Callable[[str, ProviderConfig], Provider]] = {
            "openai": self._openai,
            "ollama": self._ollama,
            "local": self._local_model,
            "mock": lambda name, config: Mock(name),
        }
        return build[config.type](name, config)

    def _openai(self, name: str, config: ProviderConfig) -> Provider:
        return OpenAI(
            name,
            self._upstream,
            config.base_url or "https://api.openai.com/v1",
            api_key=self._key(name, config),
            models=config.models,
            thinking=config.thinking,
        )

    def _ollama(self, name: str, config: ProviderConfig) -> Provider:
        base_url = config.base_url or ollama_url(self._environ.get("OLLAMA_HOST", ""))
        return Ollama(name, self._upstream, base_url, api_key=self._key(name, config), models=config.models)

    def _local_model(self, name: str, config: ProviderConfig) -> Provider:
        return OpenAI(name, self._upstream, self._local.base_url, models=self._local.models())

    def _key(self, name: str, config: ProviderConfig) -> str | None:
        if config.api_key_env is None:
            return None
        key = self._environ.get(config.api_key_env)
        if not key:
            raise ConfigError(f"providers.{name}.api_key_env: the variable {config.api_key_env} is not set")
        return key


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
