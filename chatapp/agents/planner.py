"""The built-in agent: it plans, works through the steps with tools, and answers from the findings.

It announces each step as soon as its line is complete. Its text during a step is shown as thinking.
"""

import re
from collections.abc import Generator, Iterator

import msgspec

from chatapp.agents import Task
from chatapp.chat import Message
from chatapp.events import AttemptReset, CitedSource, PlanStep, ReasoningDelta, StreamEvent, TextDelta

MAX_STEPS = 4
PLAN_TOKENS, STEP_TOKENS = 200, 250  # keeps a small model that is lost from rambling for minutes

PLAN = """{prompt}

Do not answer yet. First plan how to find the answer: a numbered list of two to four short steps, one step a line, \
nothing else, such as
1. Find out what is asked
2. Look up what is missing"""
STEP = (
    "Do step {index} of your plan now: {text}. Use a tool where one helps, and say in a sentence or two what you found."
)
ANSWER = "Now answer, from what you found: {prompt}"

_step = re.compile(r"\W*\d+[.):]\W*(\w.*)").fullmatch


def planner(task: Task) -> Iterator[StreamEvent]:
    *history, _ = task.chat.messages
    steps = yield from _plan(task, history)
    if not steps:  # a model that cannot plan can still answer
        yield PlanStep(1, "Answer")
        yield from task.ask(task.chat.messages)
        return
    plan = "\n".join(f"{index}. {text}" for index, text in enumerate(steps, 1))
    said = [*history, Message("user", PLAN.format(prompt=task.prompt)), Message("assistant", plan)]
    for index, text in enumerate(steps, 1):
        yield PlanStep(index, text, begun=True)
        said.append(Message("user", STEP.format(index=index, text=text)))
        found = yield from _work(task, said)
        if task.ended == "tool_limit":
            return
        said.append(Message("assistant", found or "I found nothing."))
    yield from task.ask([*said, Message("user", ANSWER.format(prompt=task.prompt))], tools=False)


def _plan(task: Task, history: list[Message]) -> Generator[StreamEvent, None, list[str]]:
    """Returns the steps; announces each as soon as its line is complete."""
    steps: list[str] = []
    line = ""
    asked = [*history, Message("user", PLAN.format(prompt=task.prompt))]
    for event in task.ask(asked, tools=False, max_tokens=_bound(task, PLAN_TOKENS)):
        if isinstance(event, ReasoningDelta):
            yield event
        elif isinstance(event, TextDelta):
            *complete, line = (line + event.text).split("\n")
            yield from _announced(complete, steps)
        elif isinstance(event, AttemptReset):
            steps.clear()
            line = ""
    yield from _announced([line], steps)
    return steps


def _announced(lines: list[str], steps: list[str]) -> Iterator[PlanStep]:
    for line in lines:
        if (found := _step(line.strip())) and len(steps) < MAX_STEPS:
            steps.append(found[1].rstrip(" .*"))
            yield PlanStep(len(steps), steps[-1])


def _work(task: Task, said: list[Message]) -> Generator[StreamEvent, None, str]:
    """Returns the model's findings in a step."""
    found = ""
    for event in task.ask(said, max_tokens=_bound(task, STEP_TOKENS)):
        if isinstance(event, TextDelta):
            found += event.text
            event = ReasoningDelta(event.text)
        elif isinstance(event, CitedSource):
            event = msgspec.structs.replace(event, start=None, end=None)  # of a text that is no answer
        elif isinstance(event, AttemptReset):
            found = ""
        yield event
    if found:
        yield ReasoningDelta("\n\n")
    return found


def _bound(task: Task, tokens: int) -> int | None:
    """A limit in tokens; None for a model that thinks, because its thinking would count too."""
    return None if task.chat.thinking else min(tokens, task.chat.max_tokens or tokens)
