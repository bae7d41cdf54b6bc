"""An answer as what people are shown of it: an ordered list of parts. Pure.

Text and thinking that came without a call, a plan or a file in between are one part. A source
stands behind the text that cites it, and does not cut it: the text goes on in the same part.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from chatapp.events import (
    CitedSource,
    Entry,
    File,
    PlanStep,
    ReasoningDelta,
    TextDelta,
    ToolApproval,
    ToolCall,
    ToolQuestion,
    ToolResult,
)


@dataclass
class Words:
    """Text, or thinking. `start` counts the characters of the same kind before it: the offsets of a
    source count from the start of the answer's whole text."""

    thought: bool
    text: str
    start: int


@dataclass
class CallPart:
    """A call with the newest state of its approval and with its outcome, None until they come.
    `questions` are what it asks its owner and nobody has answered, by their ids."""

    call: ToolCall
    approval: ToolApproval | None = None
    outcome: ToolResult | None = None
    questions: dict[str, ToolQuestion] = field(default_factory=dict)

    def tell(self, event: ToolApproval | ToolQuestion | ToolResult) -> None:
        match event:
            case ToolApproval():
                self.approval = event
            case ToolQuestion(state="asked"):
                self.questions[event.id] = event
            case ToolQuestion():
                self.questions.pop(event.id, None)
            case ToolResult():
                self.outcome = event


@dataclass
class PlanPart:
    """Steps that were announced together; `begun` are the indexes of those that were begun."""

    steps: list[PlanStep] = field(default_factory=list)
    begun: set[int] = field(default_factory=set)


AnswerPart: TypeAlias = Words | CallPart | PlanPart | CitedSource | File


def answer_parts(entries: Iterable[Entry]) -> list[AnswerPart]:
    """The parts of a transcript's entries, in order."""
    parts = _Parts()
    for entry in entries:
        event = entry.event
        match event:
            case TextDelta():
                parts.add_words(event.text, thought=False)
            case ReasoningDelta():
                parts.add_words(event.text, thought=True)
            case ToolCall():
                parts.add_call(event)
            case ToolApproval() | ToolQuestion() | ToolResult():
                parts.tell_call(event)
            case PlanStep():
                parts.add_step(event)
            case CitedSource():
                parts.all.append(event)
            case File():
                parts.add(event)
            case _:
                pass
    return parts.all


class _Parts:
    """`all` so far. Words go on in `_words`, steps in `_plan`, until something else cuts them."""

    def __init__(self) -> None:
        self.all: list[AnswerPart] = []
        self._words: Words | None = None
        self._plan: PlanPart | None = None
        self._latest_plan: PlanPart | None = None
        self._calls: dict[str, CallPart] = {}
        self._chars = {False: 0, True: 0}

    def add(self, part: AnswerPart) -> None:
        self.all.append(part)
        self._words = self._plan = None

    def add_words(self, text: str, thought: bool) -> None:
        if not text:
            return
        words = self._words
        if words is None or words.thought != thought:
            words = Words(thought, "", self._chars[thought])
            self.add(words)
            self._words = words
        words.text += text
        self._chars[thought] += len(text)

    def add_call(self, call: ToolCall) -> None:
        self._calls[call.id] = part = CallPart(call)  # a later round may use the id again
        self.add(part)

    def tell_call(self, event: ToolApproval | ToolQuestion | ToolResult) -> None:
        if (part := self._calls.get(event.tool_call_id)) is not None:
            part.tell(event)

    def add_step(self, step: PlanStep) -> None:
        """A step that is begun is marked in the plan that announced it; what follows is said in
        it."""
        if step.begun:
            self._words = self._plan = None
            if self._latest_plan is not None:
                self._latest_plan.begun.add(step.index)
            return
        plan = self._plan
        if plan is None:
            plan = PlanPart()
            self.add(plan)
            self._plan = self._latest_plan = plan
        plan.steps.append(step)
