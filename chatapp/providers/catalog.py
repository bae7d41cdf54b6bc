"""The providers: those of the configuration, then those that are found without it."""

from collections.abc import Mapping, Sequence

import gevent

from chatapp.errors import ConfigError, NotFound, Unreachable
from chatapp.providers import Provider
from chatapp.providers.discovery import discover
from chatapp.providers.factory import ProviderFactory
from chatapp.providers.fallback import Candidate, FallbackProvider
from chatapp.settings import ProviderConfig, Settings


class ProviderCatalog:
    """All providers by name, in the order in which they are offered. `default` is a name."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self._factory = ProviderFactory(settings)
        configs = settings.providers | {
            name: config
            for name, config in discover(environ, self._factory.local_missing()).items()
            if name not in settings.providers
        }
        candidates = {name: self._factory.candidate(name, config, environ) for name, config in configs.items()}
        self.by_name = {name: _with_fallbacks(name, config, candidates) for name, config in configs.items()}
        self.default = settings.default_provider or next(iter(configs))
        if self.default not in self.by_name:
            raise ConfigError(f"default_provider: unknown provider {self.default!r}; available: {', '.join(configs)}")

    def resolve(self, name: str | None, model: str | None) -> tuple[Provider, str]:
        """The provider and model to use.

        Without a provider's name, `model` may be `provider/model`, or a model that one of them
        lists. Raises NotFound, naming the field; Unreachable if the provider's default model cannot
        be found now.
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
        """The provider's name and the model's, for a model that came without a provider."""
        prefix, _, rest = model.partition("/")
        if prefix in self.by_name:
            return prefix, rest or None
        return next((name for name, models in self.listings().items() if model in models), None), model

    def listings(self) -> dict[str, Sequence[str]]:
        """The models of each provider; none if it cannot list them now.

        The providers are asked side by side, each for a second or two at most.
        """
        asking = {name: gevent.spawn(provider.models) for name, provider in self.by_name.items()}
        gevent.joinall(list(asking.values()))
        return {name: asked.value or () for name, asked in asking.items()}

    def close(self) -> None:
        self._factory.close()


def _with_fallbacks(name: str, config: ProviderConfig, candidates: Mapping[str, Candidate]) -> FallbackProvider:
    for fallback in config.fallback:
        if fallback not in candidates or fallback == name:
            others = ", ".join(other for other in candidates if other != name)
            problem = "a provider cannot be its own fallback" if fallback == name else f"unknown provider {fallback!r}"
            raise ConfigError(f"providers.{name}.fallback: {problem}; available: {others}")
    fallbacks = [candidates[fallback] for fallback in config.fallback]
    return FallbackProvider(candidates[name], fallbacks, midway=config.fallback_midway)
