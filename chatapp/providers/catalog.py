"""The providers: those of the configuration, then those that are found without it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic

import gevent
import msgspec

from chatapp.errors import ConfigError, NotFound, Unreachable
from chatapp.prices import PriceTable
from chatapp.providers import Provider
from chatapp.providers.discovery import discover
from chatapp.providers.factory import ProviderFactory
from chatapp.providers.facts import KnowsModels, ModelFacts, ModelPrice
from chatapp.providers.fallback import Candidate, FallbackProvider
from chatapp.providers.model_list import is_variant, same_model
from chatapp.settings import Settings
from chatapp.settings.tables import ProviderConfig

WHOLE_LISTS = ("mock", "local", "replay")
"""Types whose list is complete: they have no other model, and need not be asked for the list."""

FIRST_LISTS_S = 2.5  # the longest wait for the lists that are asked for at the start
LISTS_KEPT_S = 60.0  # after that an unknown name causes the lists to be asked for again
NAMED_MODELS = 20  # in an error message; a router lists hundreds


class ProviderCatalog:
    """All providers by name, in the order in which they are offered. `default` is a name. `around`
    puts something around each, which sees each request to it."""

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], around: Callable[[Provider], Provider] | None = None
    ) -> None:
        self._factory = ProviderFactory(settings)
        configs = settings.providers | {
            name: config
            for name, config in discover(environ, self._factory.local_missing(), settings.mock).items()
            if name not in settings.providers
        }
        candidates = {name: self._factory.candidate(name, config, environ) for name, config in configs.items()}
        self._bare = {name: each.provider for name, each in candidates.items()}
        self._prices = PriceTable(settings.prices, settings.currency)
        self._candidates = {
            name: replace(each, provider=around(each.provider)) if around else each for name, each in candidates.items()
        }
        self.by_name = {name: _with_fallbacks(name, config, self._candidates) for name, config in configs.items()}
        self.default = settings.default_provider or next(iter(configs))
        if self.default not in self.by_name:
            raise ConfigError(f"default_provider: unknown provider {self.default!r}; available: {', '.join(configs)}")
        self._only_listed = {
            name for name, config in configs.items() if config.type in WHOLE_LISTS or config.only_listed
        }
        self._known: dict[str, Sequence[str]] = {
            name: self.by_name[name].models() if config.type in WHOLE_LISTS else config.models
            for name, config in configs.items()
        }
        self._to_ask = [name for name, models in self._known.items() if not models]
        self._asked_at: float | None = None
        self._has_asked = False
        self._asking: Mapping[str, gevent.Greenlet[..., Sequence[str]]] = {}

    def start(self) -> None:
        """Begin to ask for the lists of models, so that no request needs to wait for them."""
        self._learn()

    def resolve(self, name: str | None, model: str | None) -> tuple[Provider, str]:
        """The provider and model to use.

        Without a provider's name, `model` may be `provider/model`, or a model that one of them
        lists. A provider that is named may have models that it does not list: it is asked. Raises
        NotFound, naming the field; Unreachable if the provider's default model cannot be found now.
        """
        if name is not None or model is None:
            return self._named(name or self.default, model)
        prefix, _, rest = model.partition("/")
        if prefix in self.by_name:
            # OpenRouter has models of its own name: `openrouter/auto`.
            is_own = model in self._known[prefix] and rest not in self._known[prefix]
            return self._named(prefix, model if is_own else rest or None)
        return self._listed(model) or self._learned(model) or self._of_default(model)

    def listings(self) -> dict[str, Sequence[str]]:
        """The models of each provider; none if it cannot list them now.

        The providers are asked side by side, each for a second or two at most.
        """
        asking = self._ask()
        gevent.joinall(list(asking.values()))
        listed = {name: asked.value or () for name, asked in asking.items()}
        return {name: listed.get(name, self._known[name]) for name in self.by_name}

    def facts(self, name: str, model: str) -> ModelFacts:
        """What is known of the model of this provider. It is not asked."""
        provider = self._bare.get(name)
        facts = provider.facts(model) if isinstance(provider, KnowsModels) else ModelFacts()
        price = self._prices.price(name, model)
        if price is None:
            return facts
        priced = ModelPrice(price.prompt, price.completion, self._prices.currency)
        return msgspec.structs.replace(facts, price=priced)

    def is_listed(self, name: str, model: str) -> bool:
        """Whether the provider is known to list the model. It is not asked."""
        return model in self._known.get(name, ())

    def circuits(self) -> dict[str, int]:
        """Of how many models of each provider the circuit is open in this process."""
        return {name: candidate.breaker.open_models for name, candidate in self._candidates.items()}

    def close(self) -> None:
        self._factory.close()  # which ends what still waits for a list
        gevent.joinall(list(self._asking.values()), timeout=FIRST_LISTS_S)

    def _named(self, name: str, model: str | None) -> tuple[Provider, str]:
        if name not in self.by_name:
            raise NotFound(f"provider: unknown provider {name!r}; available: {', '.join(self.by_name)}")
        provider = self.by_name[name]
        if model is None:
            models = provider.models()
            if not models:
                raise Unreachable(f"model: {name} cannot list its models now; name one, or check that it is running")
            return provider, models[0]
        if name in self._only_listed:
            return provider, _checked(name, provider.models(), model)
        own = model.removeprefix(f"{name}/")  # as our own list of models calls it
        is_ours = same_model(self._known[name], model) is None and same_model(self._known[name], own) is not None
        return provider, own if is_ours else model

    def _listed(self, model: str) -> tuple[Provider, str] | None:
        """The provider whose known list has the model. It is not asked."""
        for name, models in self._known.items():
            if model in models:
                return self.by_name[name], model
        for name, models in self._known.items():
            if (listed := same_model(models, model)) is not None:
                return self.by_name[name], listed
        for name, models in self._known.items():
            if is_variant(models, model) and name not in self._only_listed:
                return self.by_name[name], model
        return None

    def _learned(self, model: str) -> tuple[Provider, str] | None:
        """The same, once the first lists have come. Later ones are not waited for: until a new
        model's provider has listed it again, it must be named as `provider/model`."""
        self._learn()
        if not self._has_asked:
            for _ in gevent.iwait(list(self._asking.values()), timeout=FIRST_LISTS_S):
                if (found := self._listed(model)) is not None:
                    return found
            self._has_asked = True
        return None

    def _of_default(self, model: str) -> tuple[Provider, str]:
        provider = self.by_name[self.default]
        models = provider.models()
        # Any name is taken while there is no list.
        return provider, _checked(self.default, models, model) if models else model

    def _learn(self) -> None:
        if self._asked_at is None or monotonic() - self._asked_at > LISTS_KEPT_S:
            self._asked_at = monotonic()
            self._asking = self._ask()

    def _ask(self) -> "dict[str, gevent.Greenlet[..., Sequence[str]]]":
        return {name: gevent.spawn(self._models_of, name) for name in self._to_ask}

    def _models_of(self, name: str) -> Sequence[str]:
        models = self.by_name[name].models()
        self._known[name] = models or self._known[name]
        return models


def _checked(name: str, models: Sequence[str], model: str) -> str:
    """The model's name as it is listed."""
    listed = same_model(models, model)
    if listed is None:
        named = ", ".join(models[:NAMED_MODELS]) + (" …" if len(models) > NAMED_MODELS else "")
        raise NotFound(
            f"model: unknown model {model!r} of {name}; available: {named}; another provider's is named 'provider/model'"
        )
    return listed


def _with_fallbacks(name: str, config: ProviderConfig, candidates: Mapping[str, Candidate]) -> FallbackProvider:
    for fallback in config.fallback:
        if fallback not in candidates or fallback == name:
            others = ", ".join(other for other in candidates if other != name)
            problem = "a provider cannot be its own fallback" if fallback == name else f"unknown provider {fallback!r}"
            raise ConfigError(f"providers.{name}.fallback: {problem}; available: {others}")
    fallbacks = [candidates[fallback] for fallback in config.fallback]
    return FallbackProvider(candidates[name], fallbacks, midway=config.fallback_midway)
