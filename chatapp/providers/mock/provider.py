"""A provider without a network. The model's name chooses what happens, so every path can be tested.

The same chat gets the same reply. One word is one token; `max_tokens` includes the words of the
thinking, as it does with providers. The raw bytes are the words.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

import gevent

from chatapp.cancel import CancelScope
from chatapp.chat import Chat
from chatapp.errors import Rejected, Reported, Truncated
from chatapp.events import (
    FinishReason,
    Raw,
    ReasoningDelta,
    RunQueued,
    StreamEvent,
    TextDelta,
    ToolCall,
    ToolInputDelta,
    ToolResult,
    Usage,
)
from chatapp.hub import with_pauses
from chatapp.providers import Finished, ReplyItem, Started
from chatapp.providers.facts import ModelFacts
from chatapp.providers.mock.media import SAID, media
from chatapp.providers.mock.tool_calls import answer, call, called, chosen, results
from chatapp.providers.usage import CHARS_PER_TOKEN
from chatapp.wire.deadline import Deadline
from chatapp.wire.json_text import json_data

MODELS = (
    "words",
    "slow",
    "think",
    "tool",
    "client-tool",
    "parallel-tools",
    "tools",
    "agent",
    "media",
    "fail-first",
    "fail-late",
    "silent",
    "queued",
    "truncated",
)
CALLERS = ("client-tool", "parallel-tools", "tools", "agent")  # they call the tools that the chat offers
SLOWNESS = 15  # how many times longer `slow` takes for each word
WORDS_BEFORE_FAILURE = 5
QUOTED_WORDS = 40
READ_CHARS = 20_000  # of a question; the rest is there, and not looked at
A_WHILE_S = 3600.0
QUEUED_DELAYS = 150  # so many times the pause before a word, `queued` waits for its turn
DELAY_S = 0.02
TOTAL_S = 900.0

ASKS_FOR_PLAN = "a numbered list"
PLAN = """\
1. Read the question
2. Use the tools that there are
3. Put together what was found"""

THINKING = """\
The user asks something of the mock provider. I cannot know an answer, but I can quote the question, \
explain what I am for, and show a list and some code, so that every part of the page has something to do."""

ANSWER = """\
You asked:

> {quote}

I am the mock provider: no key, no network, one word at a time. The same question always gets this answer, \
so a test can rely on it. Choose another of my models to see

- `slow`: a word every now and then
- `think`: thinking before the answer
- `tool`: a tool that is called, and its result
- `client-tool` and `parallel-tools`: calls of the tools that you offer, and an answer from their results
- `tools` and `agent`: each tool that is offered once; one of them at each step of a plan
- `media`: sources, and a picture
- `fail-first` and `fail-late`: an error before the first word, and after some
- `silent`: nothing at all, until you stop it
- `queued`: it waits for its turn first
- `truncated`: an answer that breaks off

Every word counts as one token, and **max_tokens** is honoured:

```python
for word in answer.split():
    print(word, end=" ")
```

That is all I have to say."""


class Mock:
    """`delay` is the pause before each word, `total_s` the time limit for a reply, in seconds."""

    def __init__(self, name: str = "mock", delay: float = DELAY_S, total_s: float = TOTAL_S) -> None:
        self.name = name
        self._delay = delay
        self._total_s = total_s

    def models(self) -> Sequence[str]:
        return MODELS

    def facts(self, model: str) -> ModelFacts:
        """It looks at no picture, and minds none."""
        return ModelFacts(pictures=True, tools=model in CALLERS, thinking="switch")

    def stream(self, chat: Chat, scope: CancelScope) -> Generator[ReplyItem, None, None]:
        with closing(Deadline(scope, self.name, self._total_s, self._total_s)) as deadline:
            yield from self._stream(chat, deadline)

    def _stream(self, chat: Chat, deadline: Deadline) -> Iterator[ReplyItem]:
        yield from self._before_headers(chat.model, deadline)
        yield Started()
        spoken = reasoned = 0
        reason: FinishReason = "stop"
        for event in self._reply(chat):
            if isinstance(event, (TextDelta, ReasoningDelta)):
                if spoken == chat.max_tokens:
                    reason = "length"
                    break
                deadline.run(gevent.sleep, self._delay * (SLOWNESS if chat.model == "slow" else 1))
                if chat.raw:
                    yield Raw(event.text.encode(), "" if spoken else "text/plain; charset=utf-8")
                spoken += 1
                reasoned += isinstance(event, ReasoningDelta)
            yield event
            self._after(chat.model, spoken)
        yield Finished(reason, _usage(chat, spoken, reasoned))

    def _before_headers(self, model: str, deadline: Deadline) -> Iterator[RunQueued]:
        if model == "fail-first":
            raise Rejected(f"{self.name} failed before its first word, as this model always does", 503)
        while model == "silent":
            deadline.run(gevent.sleep, A_WHILE_S)
        if model == "queued":
            yield RunQueued()
            deadline.run(gevent.sleep, self._delay * QUEUED_DELAYS)
            yield RunQueued(waiting=False)

    def _after(self, model: str, spoken: int) -> None:
        if spoken < WORDS_BEFORE_FAILURE:
            return
        if model == "fail-late":
            raise Reported(f"{self.name} failed after {spoken} words, as this model always does")
        if model == "truncated":
            raise Truncated(f"{self.name} broke off after {spoken} words, as this model always does")

    def _reply(self, chat: Chat) -> Iterator[StreamEvent]:
        thinks = chat.model == "think" if chat.thinking is None else chat.thinking
        question = next((m.text for m in reversed(chat.messages) if m.role == "user"), "")[:READ_CHARS]
        if thinks:
            yield from map(ReasoningDelta, words(THINKING))
        if chat.model == "tool":
            yield from _tool(question)
        if chat.model == "media":
            yield from media(words(SAID))
        elif chat.model in CALLERS and (found := results(chat)):
            yield from map(TextDelta, words(answer(found)))
        elif chat.model in CALLERS and (tools := chosen(chat)) and (wanted := called(chat.model, tools, question)):
            for number, tool in enumerate(wanted):
                yield from call(tool, number, question)
        else:
            text = PLAN if ASKS_FOR_PLAN in question else ANSWER.format(quote=_quote(question))
            yield from map(TextDelta, words(text))


def words(text: str) -> list[str]:
    """The text, cut before the white space in front of each word."""
    return re.findall(r"\s*\S+(?:\s+$)?", text)


def _tool(question: str) -> Iterator[StreamEvent]:
    """A tool that the provider runs itself: its arguments in pieces, the call, the result."""
    arguments: dict[str, object] = {"text": question}
    for piece in words(json_data(arguments)):
        yield ToolInputDelta("call_1", "count_words", piece)
    yield ToolCall("call_1", "function", "count_words", arguments)
    yield ToolResult("call_1", {"words": len(question.split())})


def _quote(question: str) -> str:
    said = words(question.strip())
    return "".join(said[:QUOTED_WORDS]).replace("\n", "\n> ") + (" …" if len(said) > QUOTED_WORDS else "")


def _usage(chat: Chat, spoken: int, reasoned: int) -> Usage:
    prompt = sum(_count(message.text) for message in with_pauses(chat.messages))
    return Usage(prompt, spoken, prompt + spoken, reasoned)


def _count(text: str) -> int:
    """Its words; of a very long text by length, as counting would hold all streams up."""
    return len(text.split()) if len(text) <= READ_CHARS else len(text) // CHARS_PER_TOKEN
