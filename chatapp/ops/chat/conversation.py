"""What is asked of the server: a conversation, with the provider, model and tools of the next
question."""

import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from chatapp.ops.chat.following import Heard, StopOnInterrupt, follow
from chatapp.ops.http import Site

MESSAGES = "/api/v1/messages"
CONVERSATIONS = "/api/v1/conversations"


@dataclass
class Choice:
    """How the next question is to be answered. None: as the server likes."""

    provider: str | None = None
    model: str | None = None
    thinking: bool | None = None
    tools: list[str] | None = None

    def fields(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if value is not None}


class Screen(Protocol):
    """Shows what is heard."""

    def show(self, heard: Heard) -> None: ...
    def cut(self, problem: str) -> None:
        """The connection is lost, and will be tried again."""
        ...

    def approve(self, tool: str) -> bool:
        """Ask whether the call may be made. Raises ChatappError if nobody can be asked."""
        ...

    def close(self) -> None:
        """Nothing more comes of this answer."""
        ...


@dataclass
class Outcome:
    """How an answer ended: `ok`, or `failed`, or `stopped`."""

    failed: bool = False
    stopped: bool = False


@dataclass
class Conversation:
    """`id` is None before the first message."""

    site: Site
    choice: Choice = field(default_factory=Choice)
    id: str | None = None

    def ask(self, prompt: str, screen: Screen) -> Outcome:
        """Send it, and show the answer to its end. Ctrl-C stops the run. Raises ChatappError,
        KeyboardInterrupt at the second Ctrl-C."""
        body = {"prompt": prompt, **self.choice.fields()}
        if self.id is not None:
            body["conversation_id"] = self.id
        begun = self.site.send("POST", MESSAGES, body, {"Idempotency-Key": uuid.uuid4().hex})
        self.id = begun["conversation_id"]
        return self._show(begun["id"], screen)

    def stop(self, run_id: str) -> None:
        self.site.send("POST", f"{MESSAGES}/{run_id}/cancel")

    def _show(self, run_id: str, screen: Screen) -> Outcome:
        outcome, calls = Outcome(), dict[str, str]()
        with StopOnInterrupt(partial(self.stop, run_id)) as interrupt:
            try:
                for heard in follow(self.site, run_id, screen.cut):
                    screen.show(heard)
                    if heard.name == "tool_call":
                        calls[heard.data["id"]] = heard.data["name"]
                    elif heard.name == "tool_approval" and heard.data["state"] == "asked":
                        self._decide(run_id, heard.data["tool_call_id"], calls, screen)
                    elif heard.name == "error":
                        outcome.failed = True
                    elif heard.name == "completed":
                        outcome.stopped = heard.data["finish_reason"] == "cancelled"
            except BrokenPipeError:  # nobody reads on: `chatapp chat … | head -1`
                self.stop(run_id)
                raise
            finally:
                screen.close()
        outcome.stopped |= interrupt.stopped
        return outcome

    def _decide(self, run_id: str, call_id: str, calls: dict[str, str], screen: Screen) -> None:
        """Nobody to ask: the run is stopped, since it would wait in vain."""
        try:
            decision = "approved" if screen.approve(calls.get(call_id, "a tool")) else "denied"
        except BaseException:
            self.stop(run_id)
            raise
        self.site.send("POST", f"{MESSAGES}/{run_id}/tools/{call_id}", {"decision": decision})
