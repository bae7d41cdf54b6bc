"""Who is to answer an ask: the provider and its model, an agent, the tools. What can be refused of
an ask is refused here, before anything is stored."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from chatapp.agents import Agent
from chatapp.agents.catalog import AgentCatalog
from chatapp.agents.provider import AgentProvider
from chatapp.chat import Ask
from chatapp.errors import InvalidField, RequestError
from chatapp.generation.tool_loop import ToolLoop
from chatapp.providers import Checks, Provider
from chatapp.providers.catalog import ProviderCatalog
from chatapp.storage import ConversationSettings
from chatapp.tools.catalog import NamedTool, ToolCatalog
from chatapp.tools.toolbox import Toolbox
from chatapp.uploads import outlined, refuse_pictures


class Answering(NamedTuple):
    """`sees`: whether the model takes pictures, if that is known."""

    provider: Provider
    model: str
    sees: bool | None
    agent: Agent | None
    tools: Sequence[NamedTool]


@dataclass(frozen=True)
class Answerers:
    """`max_tools` of the client's."""

    providers: ProviderCatalog
    tools: ToolCatalog
    agents: AgentCatalog
    max_tools: int

    def choose(self, ask: Ask, settings: ConversationSettings) -> Answering:
        """For an ask that has its attachments, and what it left to the `settings` of its
        conversation. Raises RequestError, which names the field; Unreachable."""
        self._refuse_many_tools(ask)
        provider, model = self._resolve(ask, settings)
        sees = self.providers.facts(provider.name, model).pictures
        refuse_pictures(ask, sees, f"{model} of {provider.name}")
        if isinstance(provider, Checks):
            provider.check(ask.chat(model, outlined(ask.said)))
        agent = self.agents.find(ask.agent)
        if agent is not None and ask.options.tools:
            raise InvalidField(
                "tools: an agent can call only the server's tools; remove the client's tools or the agent"
            )
        return Answering(provider, model, sees, agent, self.tools.choose(ask.tools, agent=agent is not None))

    def _resolve(self, ask: Ask, settings: ConversationSettings) -> tuple[Provider, str]:
        """The provider and model that the ask names, else those of its conversation, unless these
        are gone, else the default."""
        if not (ask.provider or ask.model) and settings.provider:
            with suppress(RequestError):
                return self.providers.resolve(settings.provider, settings.model)
        return self.providers.resolve(ask.provider, ask.model or None)

    def _refuse_many_tools(self, ask: Ask) -> None:
        """Also those of namespaces, or that stand in the conversation."""
        count = len(ask.options.tools)
        if count > self.max_tools:
            raise InvalidField(f"tools: {count} are too many; the limit is {self.max_tools} (setting max_tools)")


def answerer(provider: Provider, toolbox: Toolbox, agent: Agent | None) -> Provider:
    """What makes the answer of a run: the provider itself, with tools, or an agent that uses
    both."""
    if agent is not None:
        return AgentProvider(agent, provider, ToolLoop(provider, toolbox))
    return ToolLoop(provider, toolbox) if toolbox.specs else provider
