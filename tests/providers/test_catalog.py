"""The providers by name, the default one, and which one a request means."""

import logging
import socket
from pathlib import Path

import gevent
import pytest
from drivers import ScriptedProvider
from waiting import BOUND_S, soon

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.errors import ConfigError, NotFound, Unreachable
from chatapp.providers import AttemptFailed, Started
from chatapp.providers.catalog import ProviderCatalog
from chatapp.settings import Settings
from chatapp.settings.tables import ProviderConfig


@pytest.fixture
def catalog(tmp_path, closed_port):
    """Makes a catalog of these configurations beside `far`, which cannot be reached, and closes it."""
    made = []

    def catalog(default="", retries=0, **configs):
        far = ProviderConfig(type="openai", base_url=f"http://127.0.0.1:{closed_port}")
        settings = Settings(
            data=tmp_path, providers={"far": far, **configs}, default_provider=default, upstream_retries=retries
        )
        made.append(ProviderCatalog(settings, {}))
        return made[-1]

    yield catalog
    for each in made:
        each.close()


def near(*models: str, **more: object) -> ProviderConfig:
    return ProviderConfig(type="openai", base_url="http://127.0.0.1:9/v1", models=models, **more)


def test_configured_providers_come_before_those_that_are_found(catalog):
    names = list(catalog(mine=near("m"), mock=ProviderConfig(type="mock")).by_name)
    assert names[:3] == ["far", "mine", "mock"] and names[-1] == "ollama"


def test_the_default_is_the_first_one_unless_it_is_configured(catalog):
    assert catalog().default == "far"
    assert catalog(default="mock").default == "mock"


def test_a_default_that_is_not_there_stops_the_start(catalog):
    with pytest.raises(ConfigError, match=r"^default_provider: unknown provider 'nobody'; available: far, .*mock$"):
        catalog(default="nobody")


@pytest.mark.parametrize(
    ("name", "model", "resolved"),
    [
        ("mine", None, ("mine", "small")),
        ("mine", "large", ("mine", "large")),
        (None, "mine/large", ("mine", "large")),
        (None, "mine/", ("mine", "small")),
        (None, "large", ("mine", "large")),
        (None, "words", ("mock", "words")),
        ("far", "any", ("far", "any")),  # its models cannot be listed, so it may have this one
        ("mine", "new", ("mine", "new")),  # it is named, so its list is no gate
        (None, "mine/small:online", ("mine", "small:online")),
        (None, "mine/org/huge", ("mine", "org/huge")),
        ("mine", "mine/large", ("mine", "large")),  # as our own list calls it
        ("mine", "Large", ("mine", "Large")),
        (None, "Large", ("mine", "large")),
        (None, "large:latest", ("mine", "large")),
        (None, "large:nitro", ("mine", "large:nitro")),
        (None, "mine", ("mine", "small")),
        ("mock", "Words", ("mock", "words")),
        (None, None, ("mine", "small")),
    ],
)
def test_a_request_means_a_provider_and_a_model(catalog, name, model, resolved):
    provider, chosen = catalog(default="mine", mine=near("small", "large")).resolve(name, model)
    assert (provider.name, chosen) == resolved


@pytest.mark.parametrize(
    ("name", "model", "error", "message"),
    [
        ("nobody", None, NotFound, "provider: unknown provider 'nobody'; available: far, mine, "),
        (None, "huge", NotFound, "model: unknown model 'huge' of mine; available: small; another provider's is named"),
        ("strict", "huge", NotFound, "model: unknown model 'huge' of strict; available: small"),
        ("strict", "small:online", NotFound, "model: unknown model 'small:online' of strict"),
        ("mock", "huge", NotFound, "model: unknown model 'huge' of mock; available: words"),
        ("far", None, Unreachable, "model: far cannot list its models now"),
    ],
)
def test_what_cannot_be_meant_is_named_by_its_field(catalog, name, model, error, message):
    made = catalog(default="mine", mine=near("small"), strict=near("small", only_listed=True))
    with pytest.raises(error, match=f"^{message}"):
        made.resolve(name, model)


class Lists(ScriptedProvider):
    """A provider whose list is asked for."""

    def __init__(self, ask):
        super().__init__(name="other")
        self.times = 0
        self._ask = ask

    def models(self):
        self.times += 1
        return self._ask()


@pytest.fixture
def with_lists(catalog):
    """Makes a catalog with the provider `other`, whose list is asked for by `ask`."""

    def with_lists(ask):
        made = catalog(default="mine", mine=near("small"), other=ProviderConfig(type="openai"))
        made.by_name["other"] = Lists(ask)
        return made

    return with_lists


def test_a_bare_name_is_found_in_the_lists_that_were_asked_for_at_the_start(with_lists):
    made = with_lists(lambda: ("org/new", "other/auto"))
    made.start()
    resolved = [made.resolve(None, model) for model in ("org/new", "org/new:nitro", "other/auto", "other/x")]
    assert [(provider.name, model) for provider, model in resolved] == [
        ("other", "org/new"),
        ("other", "org/new:nitro"),
        ("other", "other/auto"),
        ("other", "x"),
    ]
    assert made.by_name["other"].times == 1


def test_a_bare_name_does_not_wait_for_providers_once_the_first_lists_are_over(with_lists, monkeypatch):
    monkeypatch.setattr("chatapp.providers.catalog.FIRST_LISTS_S", 0.1)
    made = with_lists(lambda: gevent.sleep(BOUND_S) or ("huge",))
    made.start()
    with gevent.Timeout(BOUND_S / 2):
        assert made.resolve(None, "small")[1] == "small"
        for _ in range(5):
            with pytest.raises(NotFound):
                made.resolve(None, "huge")
    assert made.by_name["other"].times == 1


def test_an_unknown_name_has_the_lists_asked_for_again_in_time(with_lists, monkeypatch):
    models = ["old"]
    made = with_lists(lambda: tuple(models))
    assert made.resolve(None, "old")[0].name == "other"
    models.append("pulled")
    monkeypatch.setattr("chatapp.providers.catalog.LISTS_KEPT_S", 0)
    assert soon(lambda: made.resolve(None, "pulled"), NotFound)[0].name == "other"


def test_a_list_that_is_away_for_a_moment_is_still_known(with_lists):
    answers = [("new",), ()]
    made = with_lists(lambda: answers.pop(0))
    assert made.listings()["other"] == ("new",)
    assert made.listings()["other"] == ()
    assert made.resolve(None, "new")[0].name == "other"


def test_close_ends_the_lists_that_are_waited_for(catalog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(BOUND_S)
        made = catalog(silent=ProviderConfig(type="openai", base_url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        made.start()
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(BOUND_S)
            assert connection.recv(10).startswith(b"GET")
            made.close()
            while connection.recv(1000):
                pass


def test_a_list_that_is_asked_for_as_all_is_closed_is_not_waited_for(catalog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = catalog(silent=ProviderConfig(type="openai", base_url=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        made.start()
        made.close()
        silent.settimeout(0)
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_a_long_list_is_not_told_whole(catalog):
    with pytest.raises(NotFound) as told:
        catalog(default="mine", mine=near(*map(str, range(300)))).resolve(None, "huge")
    assert "19 …" in told.value.message and "20" not in told.value.message


def test_a_provider_that_cannot_list_its_models_does_not_hide_the_others(catalog):
    listings = catalog(mine=near("small")).listings()
    assert (listings["far"], listings["mine"]) == ((), ("small",))
    assert "words" in listings["mock"]


@pytest.mark.parametrize(
    ("fallback", "problem"),
    [("nobody", "unknown provider 'nobody'"), ("mine", "a provider cannot be its own fallback")],
)
def test_a_fallback_that_is_not_there_stops_the_start(catalog, fallback, problem):
    with pytest.raises(ConfigError, match=rf"^providers\.mine\.fallback: {problem}; available: far, (local, )?ollama"):
        catalog(mine=near("m", fallback=("mock", fallback)))


def test_configured_fallbacks_answer(catalog):
    mine = ProviderConfig(type="openai", base_url="http://127.0.0.1:1", models=("x",), fallback=("mock",))
    provider = catalog(retries=1, mine=mine).by_name["mine"]
    items = list(provider.stream(Chat(model="x", messages=[Message("user", "hi")]), CancelScope()))
    failed = [AttemptFailed("mine", "upstream_unreachable", again=again) for again in (True, False)]
    assert items[:3] == [*failed, Started("mock", "words")]


def test_a_local_model_that_is_missing_is_named_in_the_log(tmp_path: Path, caplog):
    settings = Settings(data=tmp_path, local_model=str(tmp_path / "missing.gguf"))
    with caplog.at_level(logging.WARNING, "chatapp.providers"):
        catalog = ProviderCatalog(settings, {})
    assert "local" not in catalog.by_name
    assert "The local model" in caplog.text
    catalog.close()
