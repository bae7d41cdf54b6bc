"""All agents by name: the built-in one, and those of `[agents.NAME]` tables."""

import importlib
from collections.abc import Mapping

from chatapp.agents import Agent
from chatapp.agents.planner import planner
from chatapp.errors import ConfigError, NotFound
from chatapp.settings import Settings
from chatapp.settings.tables import AgentConfig


class AgentCatalog:
    """`default` answers `/chat`; if it is empty, the model answers directly.

    Building it imports the configured agents. Raises ConfigError.
    """

    def __init__(self, settings: Settings) -> None:
        configured = {name: _load(name, config) for name, config in settings.agents.items()}
        self.by_name: Mapping[str, Agent] = {"planner": planner, **configured}
        self.default = settings.default_agent
        if self.default and self.default not in self.by_name:
            raise ConfigError(f"default_agent: unknown agent {self.default!r}; available: {', '.join(self.by_name)}")

    def find(self, name: str | None) -> Agent | None:
        """The agent of this name, or None if there is no name. Raises NotFound."""
        if not name:
            return None
        if name not in self.by_name:
            raise NotFound(f"agent: unknown agent {name!r}; available: {', '.join(self.by_name)}")
        return self.by_name[name]


def _load(name: str, config: AgentConfig) -> Agent:
    module, _, attribute = config.factory.partition(":")
    try:
        agent: Agent = getattr(importlib.import_module(module), attribute)
    except (ImportError, SyntaxError, AttributeError) as error:
        raise ConfigError(f"agents.{name}.factory: cannot load {config.factory}: {error}") from None
    if not callable(agent):
        raise ConfigError(f"agents.{name}.factory: {config.factory} is not callable")
    return agent
