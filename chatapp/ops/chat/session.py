"""The talk at a prompt: lines that are questions, and `/commands`."""

from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.text import Text

from chatapp.errors import ChatappError
from chatapp.models.terminal import plain
from chatapp.ops.chat.conversation import CONVERSATIONS, Conversation
from chatapp.ops.chat.screens import TerminalScreen

LISTED = 20
HELP = """\
/new               begin a new conversation
/list              list your conversations
/open N            go on with one of them, by its number or its id
/model             list the models; /model NAME, PROVIDER or PROVIDER/NAME picks one
/think on|off      switch thinking; /think leaves it to the model
/tools NAME …      offer these tools; /tools lists them, /tools none offers none
/help              this list
/quit              leave (so does Ctrl-D)

Ctrl-C stops an answer. Alt-Enter begins a new line."""


class Quit(Exception):
    """The user leaves."""


class Session:
    """`read` reads the next line, given the prompt's status; it raises EOFError at the end."""

    def __init__(
        self, conversation: Conversation, console: Console, read: Callable[[str], str], yes: bool = False
    ) -> None:
        self._conversation = conversation
        self._console = console
        self._read = read
        self._yes = yes
        self._listed: list[str] = []
        self._commands: dict[str, Callable[[str], None]] = {
            "/new": self._new,
            "/list": self._list,
            "/open": self._open,
            "/model": self._model,
            "/think": self._think,
            "/tools": self._tools,
            "/help": self._help,
            "/quit": self._quit,
            "/exit": self._quit,
        }

    @property
    def commands(self) -> Sequence[str]:
        return list(self._commands)

    def run(self) -> None:
        """Until the user leaves."""
        while True:
            try:
                if line := self._read(self._status()).strip():
                    self._answer(line)
            except (Quit, EOFError):
                return
            except KeyboardInterrupt:
                self._say("Ctrl-D or /quit leaves.", "dim")
            except ChatappError as error:
                self._say(error.message, "red")

    def open(self, conversation_id: str) -> None:
        """Go on with it, and show what was said. Raises ChatappError."""
        found = self._conversation.site.get(f"{CONVERSATIONS}/{conversation_id}")
        self._conversation.id = found["id"]
        for message in found["messages"]:
            if message["role"] == "user":
                self._say(f"> {message['content']}", "bold")
            else:
                self._console.print(Markdown(plain(message["content"]), hyperlinks=False))
            self._console.print()

    def _answer(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if not word.startswith("/") or "/" in word[1:]:  # a path is no command
            self._conversation.ask(line, TerminalScreen(self._console, self._yes))
        elif word in self._commands:
            self._commands[word](rest.strip())
        else:
            self._say(f"{word}: no such command; /help lists them", "red")

    def _new(self, _: str) -> None:
        self._conversation.id = None
        self._say("A new conversation.", "dim")

    def _list(self, _: str) -> None:
        found = self._conversation.site.get(CONVERSATIONS)["conversations"][:LISTED]
        self._listed = [each["id"] for each in found]
        for number, each in enumerate(found, 1):
            here = "*" if each["id"] == self._conversation.id else " "
            self._say(f"{number:>3}{here} {' '.join(each['title'].split()) or 'untitled'}")
        if not found:
            self._say("There is none yet.", "dim")

    def _open(self, which: str) -> None:
        if which.isdecimal() and not 0 < int(which) <= len(self._listed):
            self._say("/open: expected a number of /list, or an id", "red")
        elif which:
            self.open(self._listed[int(which) - 1] if which.isdecimal() else which)
        else:
            self._list("")

    def _model(self, name: str) -> None:
        listings = self._conversation.site.get("/api/v1/providers")
        providers = {each["name"]: each["models"] for each in listings["providers"]}
        if name:
            self._pick(name, providers)
            return
        for provider, models in providers.items():
            self._say(f"{provider}: {', '.join(models) or 'lists no models now'}")

    def _pick(self, name: str, providers: dict[str, list[str]]) -> None:
        """What no provider lists is asked for all the same: the server knows more names."""
        provider, slash, model = name.partition("/")
        choice = self._conversation.choice
        if provider in providers:
            choice.provider, choice.model = provider, model if slash and model else None
        else:
            choice.provider = next((each for each, models in providers.items() if name in models), None)
            choice.model = name
        self._say(f"The next answer is by {self._status() or 'the default'}.", "dim")

    def _think(self, state: str) -> None:
        states = {"on": True, "off": False, "": None}
        if state not in states:
            self._say("/think: expected on, off or nothing", "red")
            return
        self._conversation.choice.thinking = states[state]

    def _tools(self, names: str) -> None:
        if names:
            self._conversation.choice.tools = [] if names == "none" else names.replace(",", " ").split()
            return
        offered: list[dict[str, Any]] = self._conversation.site.get("/api/v1/tools")["tools"]
        for tool in offered:
            asks = " (asks you before each call)" if tool["ask"] else ""
            self._say(f"{tool['name']}{asks}: {' '.join(tool['description'].split())}")

    def _help(self, _: str) -> None:
        self._say(HELP)

    def _quit(self, _: str) -> None:
        raise Quit

    def _status(self) -> str:
        choice = self._conversation.choice
        return "/".join(filter(None, (choice.provider, choice.model)))

    def _say(self, text: str, style: str = "") -> None:
        self._console.print(Text(plain(text), style=style))
