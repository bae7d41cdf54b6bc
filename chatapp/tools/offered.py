"""The tools as a client that chooses among them is shown them."""

import msgspec

from chatapp.tools.catalog import NamedTool, ToolCatalog


class OfferedTool(msgspec.Struct, frozen=True):
    """A tool that a request may name. `server` is its MCP server's name, None for a function.
    `ask`: each call needs its owner's approval. `default`, `agent_default`: a model, or an agent,
    gets it when the request names no tools."""

    name: str
    type: str
    server: str | None
    description: str
    parameters: dict[str, object]
    ask: bool
    default: bool
    agent_default: bool


def offered_tool(tool: NamedTool, catalog: ToolCatalog) -> OfferedTool:
    return OfferedTool(
        name=tool.spec.name,
        type=tool.type,
        server=tool.server or None,
        description=tool.spec.description,
        parameters=tool.spec.parameters,
        ask=tool.ask,
        default=catalog.is_default(tool),
        agent_default=catalog.is_default(tool, agent=True),
    )
