"""Tools that providers run themselves: told to the one whose protocol has them, else left out.

What is left out leaves a trace in the reply's `skipped`, and so in the log line of the run.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from chatapp.chat import Chat, HostedTool
from chatapp.providers import Finished, ReplyItem


class HostedTools:
    """Those of one provider: of this protocol, and if `allowed` is not None of these types.

    A type allows its versions, too: `web_search` also `web_search_preview`.
    """

    def __init__(self, protocol: str, allowed: Sequence[str] | None = None) -> None:
        self._protocol = protocol
        self._allowed = allowed

    def has(self, tool: HostedTool) -> bool:
        if tool.protocol != self._protocol:
            return False
        return self._allowed is None or any(
            tool.type == each or tool.type.startswith(f"{each}_") for each in self._allowed
        )

    def fitted(self, chat: Chat) -> Chat:
        """The chat with those of its hosted tools that the provider has."""
        if not chat.hosted:
            return chat
        return msgspec.structs.replace(chat, hosted=[tool for tool in chat.hosted if self.has(tool)])

    def told(self, items: Iterator[ReplyItem], chat: Chat) -> Iterator[ReplyItem]:
        """The items of the reply, whose end counts the tools that were left out."""
        left_out = Counter(f"hosted tool {tool.type}" for tool in chat.hosted if not self.has(tool))
        return _with_skipped(items, left_out) if left_out else items


def _with_skipped(items: Iterator[ReplyItem], left_out: Counter[str]) -> Iterator[ReplyItem]:
    for item in items:
        if isinstance(item, Finished):
            item = msgspec.structs.replace(item, skipped={**item.skipped, **left_out})
        yield item
