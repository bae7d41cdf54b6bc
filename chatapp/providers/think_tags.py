"""Thinking that a server sends inside the text, between tags, moved to its own events. Pure.

Servers without a parser for their model's reasoning send `<think>…</think>` at the beginning of the
answer. Some templates put the opening tag into the prompt, so that only the closing one arrives. A
tag may be cut anywhere, and is never shown in part. Tags within an answer are left alone: somebody
may have asked for them. The work is linear in the text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from chatapp.events import AttemptReset, ReasoningDelta, TextDelta, ToolCall, ToolInputDelta
from chatapp.providers import Finished, ReplyItem
from chatapp.settings.tables import ThinkTags

PAIRS = {
    "<think>": "</think>",  # DeepSeek, Qwen, GLM, MiniMax and most others
    "<thought>": "</thought>",  # Gemini behind its OpenAI-like endpoint
    "<seed:think>": "</seed:think>",
    "[THINK]": "[/THINK]",  # Mistral
}
CLOSING = tuple(PAIRS.values())
TAGS = (*PAIRS, *CLOSING)
LONGEST = max(map(len, CLOSING)) - 1
BLANK_CHARS = 256  # held back for a tag that may follow; more are text

_closes = re.compile("|".join(map(re.escape, CLOSING)))
# In a sentence about the tag there is a blank or a quote before it.
_closes_thinking = re.compile(rf"(?:(?<![\s`'\"(])|(?<=\n))(?:{_closes.pattern})")


class TaggedThinking:
    """Gives the items of one reply with the thinking in their texts as `ReasoningDelta`.

    `implied`: the text begins within thinking, unless the server tells thinking apart before it. If
    it ends well there, nothing was thinking: then all of it is given as the answer too.
    """

    def __init__(self, tags: ThinkTags) -> None:
        self._tags = tags
        self._text = _Text(implied=tags == "implied")

    @property
    def is_over(self) -> bool:
        """No text that follows is looked at any more, unless the reply begins again."""
        return self._tags == "none" or self._text.is_answer

    def separated(self, items: Iterable[ReplyItem]) -> Iterator[ReplyItem]:
        """Some more of the items."""
        for item in items:
            if isinstance(item, TextDelta):
                if self.is_over:
                    yield item
                else:
                    yield from self._text.take(item.text)
                continue
            if isinstance(item, ReasoningDelta) and not self._text.has_begun:
                self._text = _Text(implied=False)
            elif isinstance(item, AttemptReset):
                self._text = _Text(implied=self._tags == "implied")
            elif isinstance(item, Finished):
                yield from self._text.end(item)
            elif isinstance(item, (ToolInputDelta, ToolCall)):
                yield from self._text.flush()
                self._text.is_whole = False
            yield item

    def rest(self) -> Sequence[ReplyItem]:
        """What was held back, when the reply broke off."""
        return self._text.flush()


class _Text:
    """The text so far: at a beginning, where a tag may come; in thinking; or in the answer.

    `is_whole`: it is all that the model has said; there was no call. `is_answer`: no tag is looked
    for any more.
    """

    def __init__(self, implied: bool) -> None:
        self.is_whole = True
        self.is_answer = False
        self.has_begun = False
        self._implied = implied
        self._unclosed: list[str] = []  # of implied thinking
        self._state: Callable[[_Text, str, list[ReplyItem]], str | None] = _Text._begin  # not bound: that is a circle
        self._held = ""
        self._closing: re.Pattern[str] = _closes
        self._has_thought = False
        self._thought_begun = False

    def take(self, text: str) -> list[ReplyItem]:
        self.has_begun = True
        shown: list[ReplyItem] = []
        rest: str | None = self._held + text
        self._held = ""
        while rest:
            rest = self._state(self, rest, shown)
        return shown

    def flush(self) -> list[ReplyItem]:
        """What was held back, which is no tag."""
        held, self._held = self._held, ""
        if not held or (held.isspace() and (self._has_thought or self._state is _Text._think)):
            return []
        if self._state is _Text._think:
            return [ReasoningDelta(held)]
        self._state = _Text._answer
        self.is_answer = True
        return [TextDelta(held)]

    def end(self, finished: Finished) -> list[ReplyItem]:
        shown = self.flush()
        if self._state is _Text._think and self._unclosed and self.is_whole and finished.reason == "stop":
            whole = "".join([*self._unclosed, *(item.text for item in shown if isinstance(item, ReasoningDelta))])
            shown += [TextDelta(whole)] if whole else []
        return shown

    def _begin(self, text: str, shown: list[ReplyItem]) -> str | None:
        """Blanks, then perhaps a tag. Returns what is left for the next state."""
        word = text.lstrip()
        tag = next((tag for tag in TAGS if word.startswith(tag)), None)
        if tag is not None:
            if tag in PAIRS:
                self._think_until(re.compile(re.escape(PAIRS[tag])))
            self._has_thought = True
            self._implied = False
            return word[len(tag) :]
        if len(text) - len(word) <= BLANK_CHARS and (not word or any(tag.startswith(word) for tag in TAGS)):
            self._held = text
            return None
        if self._implied:
            self._implied = False
            self._think_until(_closes)
            self._unclosed.append("")
            return text
        if not self._has_thought and (end := _closing_without_opening(text)) is not None:
            self._has_thought = True
            shown += _thoughts(text[: end.start()])
            return text[end.end() :]
        self._state = _Text._answer
        return _without_blank_lines(text) if self._has_thought else text

    def _think_until(self, closing: re.Pattern[str]) -> None:
        self._closing = closing
        self._thought_begun = False
        self._state = _Text._think

    def _think(self, text: str, shown: list[ReplyItem]) -> str | None:
        end = self._closing.search(text)
        thought = text[: end.start() if end else _start_of_tag(text)]
        cut = "" if end else text[len(thought) :]
        thought = thought if self._thought_begun else thought.lstrip()
        kept = thought.rstrip()
        if end is None and len(thought) - len(kept) > BLANK_CHARS:
            kept = thought
        if kept:
            self._thought_begun = True
            shown.append(ReasoningDelta(kept))
            if self._unclosed:
                self._unclosed.append(kept)
        if end is None:
            self._held = thought[len(kept) :] + cut
            return None
        self._unclosed = []
        self._has_thought = True
        self._state = _Text._begin
        return text[end.end() :]

    def _answer(self, text: str, shown: list[ReplyItem]) -> None:
        self.is_answer = True
        shown.append(TextDelta(text))


def _start_of_tag(text: str) -> int:
    """Where a closing tag may begin that is cut off at the end; the end if none does."""
    for start in range(max(0, len(text) - LONGEST), len(text)):
        if text[start] in "<[" and any(tag.startswith(text[start:]) for tag in CLOSING):
            return start
    return len(text)


def _closing_without_opening(text: str) -> re.Match[str] | None:
    """The end of thinking in the first piece of a text, or in a whole one; None if that only speaks
    of tags."""
    end = _closes_thinking.search(text)
    if end is None or any(tag in text[: end.start()] for tag in PAIRS) or text.count("```", 0, end.start()) % 2:
        return None
    return end


def _thoughts(text: str) -> list[ReplyItem]:
    return [ReasoningDelta(text.strip())] if text.strip() else []


def _without_blank_lines(text: str) -> str:
    """Without those at its beginning; the indentation of the first line stays."""
    blank = text[: len(text) - len(text.lstrip())]
    return text[blank.rfind("\n") + 1 :]
