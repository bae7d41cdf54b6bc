"""Agents made with other people's Python libraries, unchanged: each runs a tool in two turns, streamed and not."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

OPENAI_AGENTS = """
import asyncio
from agents import Agent, RunConfig, Runner, function_tool, set_tracing_disabled
from agents.models.openai_provider import OpenAIProvider

set_tracing_disabled(True)

@function_tool
def weather(city: str) -> str:
    "The weather of a city."
    return f"{city}: 7 degrees"

async def turns(responses):
    config = RunConfig(model_provider=OpenAIProvider(use_responses=responses))
    agent = Agent(name="Guide", instructions="Be brief.", model="mock/client-tool", tools=[weather])
    first = await Runner.run(agent, "Paris", run_config=config)
    print(first.final_output)
    told = [*first.to_input_list(), {"role": "user", "content": "Rome"}]
    second = Runner.run_streamed(agent, told, run_config=config)
    events = [event async for event in second.stream_events()]
    assert "tool_output" in {event.name for event in events if event.type == "run_item_stream_event"}
    print(second.final_output)
    if responses:  # the server keeps what was said
        third = await Runner.run(agent, "Oslo", previous_response_id=second.last_response_id, run_config=config)
        print(third.final_output)

async def main():
    for responses in (False, True):
        await turns(responses)

asyncio.run(main())
"""

PYDANTIC_AI = """
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel

for Model in (OpenAIChatModel, OpenAIResponsesModel, AnthropicModel):
    agent = Agent(Model("mock/client-tool"), instructions="Be brief.")

    @agent.tool_plain
    def weather(city: str) -> str:
        "The weather of a city."
        return f"{city}: 7 degrees"

    first = agent.run_sync("Paris")
    print(first.output)
    assert first.response.model_name == "mock/client-tool" and first.usage.output_tokens > 0
    second = agent.run_stream_sync("Rome", message_history=first.all_messages())
    print("".join(second.stream_text(delta=True)))
"""

LANGCHAIN_ANTHROPIC = """
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

@tool
def weather(city: str) -> str:
    "The weather of a city."
    return f"{city}: 7 degrees"

bound = ChatAnthropic(model="mock/client-tool", max_retries=0).bind_tools([weather])
told = []
for city in ("Paris", "Rome"):
    told.append(HumanMessage(city))
    calling = None
    for piece in bound.stream(told):
        calling = piece if calling is None else calling + piece
    assert calling.response_metadata["model_name"] == "mock/client-tool"
    told += [calling, *(weather.invoke(call) for call in calling.tool_calls)]
    told.append(bound.invoke(told))
    print(told[-1].text)

switch = {"type": "enabled", "budget_tokens": 2000}
thinking = ChatAnthropic(model="mock/words", thinking=switch, max_tokens=60, max_retries=0)
whole = thinking.invoke("hi")
assert [block["type"] for block in whole.content] == ["thinking", "text"]
assert whole.usage_metadata["output_tokens"] == 60
assert len(list(thinking.stream([HumanMessage("hi"), whole, HumanMessage("again")]))) > 60
"""


@pytest.mark.parametrize(
    ("library", "script", "cities"),
    [
        ("agents", OPENAI_AGENTS, ["Paris", "Rome", "Paris", "Rome", "Oslo"]),
        ("pydantic_ai", PYDANTIC_AI, ["Paris", "Rome"] * 3),
        ("langchain_anthropic", LANGCHAIN_ANTHROPIC, ["Paris", "Rome"]),
    ],
)
def test_an_agent_runs_its_tool_in_two_turns(
    server: Any, tmp_path: Path, library: str, script: str, cities: list[str]
) -> None:
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed: `make test` installs it with pip")
    assert run(server, tmp_path, script).splitlines() == [f"The tool said: {city}: 7 degrees" for city in cities]


def run(server: Any, home: Path, script: str) -> str:
    """In a program of its own, with nothing of this machine's in its environment, and no way to the world."""
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "OPENAI_API_KEY": "anything",
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "ANTHROPIC_API_KEY": "anything",
        "ANTHROPIC_BASE_URL": server.url,
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=env, cwd=home, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
