"""An MCP server of the official SDK whose tools ask their user, and tell how far they are.

Its command line has the transport: `stdio`, or `http` and a port.
"""

import sys

from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel, Field

server = MCPServer("asking")


class Seat(BaseModel):
    row: int = Field(ge=1, le=30, title="Row")
    window: bool = False


@server.tool()
async def climb(ctx: Context, steps: int = 3) -> str:
    """Tell of each step."""
    for step in range(1, steps + 1):
        await ctx.report_progress(step, steps, f"step {step}")
    return "at the top"


@server.tool()
async def book(ctx: Context) -> str:
    """Ask for a seat."""
    said = await ctx.elicit("Which seat?", Seat)
    return f"{said.action} {said.data.model_dump() if said.action == 'accept' else ''}"


if __name__ == "__main__":
    if sys.argv[1] == "stdio":
        server.run("stdio")
    else:
        server.run("streamable-http", port=int(sys.argv[2]))
