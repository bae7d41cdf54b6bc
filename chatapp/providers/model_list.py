"""A provider's list of models: asked for once, then kept for a while. Which name means which."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from time import monotonic

DEFAULT_TAG = ":latest"  # Ollama's: it lists `llama3.2:latest` and is asked for `llama3.2`


@dataclass(frozen=True)
class ListingTimes:
    """How long to wait for a list, and how long to keep it, or the lack of one. In seconds."""

    timeout: float = 2.0  # a page waits for it
    kept: float = 60.0
    failure_kept: float = 10.0


class ModelList:
    """Calls `ask` when a list is needed.

    `ask` gets the timeout and returns an empty list if it fails.
    """

    def __init__(self, ask: Callable[[float], tuple[str, ...]], times: ListingTimes) -> None:
        self._ask = ask
        self._times = times
        self._models: tuple[str, ...] = ()
        self._until = 0.0
        self._lock = Lock()

    def get(self) -> tuple[str, ...]:
        with self._lock:  # others that need it meanwhile wait for the same answer
            if monotonic() >= self._until:
                self._models = self._ask(self._times.timeout)
                self._until = monotonic() + (self._times.kept if self._models else self._times.failure_kept)
            return self._models


def same_model(models: Sequence[str], asked: str) -> str | None:
    """The listed name of the model that `asked` means: itself, with or without the default tag, or
    in other capitals."""
    if asked in models:
        return asked
    plain = _plain(asked)
    return next((model for model in models if _plain(model) == plain), None)


def is_variant(models: Sequence[str], asked: str) -> bool:
    """Whether `asked` is a listed model with a routing suffix (`:online`, `:nitro`, `:fastest` …).

    OpenRouter and Hugging Face's router accept these after any model, and list none of them.
    """
    model, colon, _ = asked.rpartition(":")
    return bool(colon) and model in models


def _plain(model: str) -> str:
    return model.casefold().removesuffix(DEFAULT_TAG)
