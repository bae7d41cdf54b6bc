"""The agents of docs/guides/write-an-agent.md work, including the one around a LangGraph graph."""

import re
import runpy
from pathlib import Path
from typing import Any

import gevent
import pytest
from drivers import NoApprovals

from chatapp.cancel import CancelScope
from chatapp.chat import Chat, Message
from chatapp.events import PlanStep, TextDelta
from chatapp.providers.mock.provider import Mock
from chatapp.service.answering import answerer
from chatapp.tools.toolbox import Limits, Toolbox

GUIDE = Path(__file__).parents[2] / "docs/guides/write-an-agent.md"
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


def agent(name: str, folder: Path) -> Any:
    [code] = [block for block in BLOCKS if f"def {name}(" in block]
    file = folder / f"{name}.py"
    file.write_text(code)
    return runpy.run_path(str(file))[name]


def events(name: str, folder: Path, prompt: str) -> list[object]:
    toolbox = Toolbox("run", {}, Limits(8, 5.0, 1000, 60.0), NoApprovals())
    answering = answerer(Mock(delay=0), toolbox, agent(name, folder))
    with gevent.Timeout(20):
        items = list(answering.stream(Chat(model="words", messages=[Message("user", prompt)]), CancelScope()))
    return [item for item in items if isinstance(item, (PlanStep, TextDelta))]


def test_the_parrot(tmp_path: Path) -> None:
    assert events("parrot", tmp_path, "hello there") == [
        PlanStep(1, "Find out what was said"),
        PlanStep(2, "Say it again, slowly"),
        TextDelta("hello "),
        TextDelta("there "),
    ]


def test_the_one_that_asks_the_model(tmp_path: Path) -> None:
    draft, second, *rest = events("twice", tmp_path, "hello")
    assert (draft, second) == (PlanStep(1, "Draft"), PlanStep(2, "Make it shorter"))
    assert "Say this in one sentence" in "".join(event.text for event in rest if isinstance(event, TextDelta))


def test_the_one_around_a_graph(tmp_path: Path) -> None:
    pytest.importorskip("langgraph", reason="PyPI's langgraph is missing: `make test` installs it")
    step, *words = events("graph_agent", tmp_path, "why")
    assert step == PlanStep(1, "Look at the question")
    assert [word.text for word in words if isinstance(word, TextDelta)] == ["You ", "asked: ", "why "]


def test_the_shortest_agent_has_ten_lines_at_the_most() -> None:
    [code] = [block for block in BLOCKS if "def parrot(" in block]
    assert len([line for line in code.splitlines() if line and not line.startswith("#")]) <= 10
