"""Which agents there are: the one that comes along, and those of `[agents.NAME]` tables."""

import importlib
from collections.abc import Mapping

from chatapp.agents import Agent
from chatapp.agents.planner import planner
from chatapp.errors import ConfigError, NotFound
from chatapp.settings import AgentConfig, Settings


class AgentCatalog:
    """All agents by name. `default` is that of `/chat`; empty: a plain answer."""

    def __init__(self, settings: Settings) -> None:
        configured = {name: _load(name, config) for name, config in settings.agents.items()}
        self.by_name: Mapping[str, Agent] = {"planner": planner, **configured}
        self.default = settings.default_agent
        if self.default and self.default not in self.by_name:
            raise ConfigError(
                f"default_agent: there is none named {self.default!r}; there are {', '.join(self.by_name)}"
            )

    def find(self, name: str | None) -> Agent | None:
        """None for no name. Raises NotFound."""
        if not name:
            return None
        if name not in self.by_name:
            raise NotFound(f"agent: there is none named {name!r}; there are {', '.join(self.by_name)}")
        return self.by_name[name]


def _load(name: str, config: AgentConfig) -> Agent:
    module, _, attribute = config.factory.partition(":")
    try:
        agent: Agent = getattr(importlib.import_module(module), attribute)
    except (ImportError, SyntaxError, AttributeError) as error:
        raise ConfigError(f"agents.{name}.factory: cannot load {config.factory}: {error}") from None
    if not callable(agent):
        raise ConfigError(f"agents.{name}.factory: {config.factory} cannot be called")
    return agent
