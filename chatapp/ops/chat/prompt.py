"""Reads lines at a terminal, with editing, completion and a history that stays."""

from collections.abc import Callable, Sequence
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

from chatapp.errors import ConfigError
from chatapp.storage.folder import DataFolder

HISTORY = "chat_history"


def line_reader(history: History, commands: Callable[[], Sequence[str]]) -> Callable[[str], str]:
    """A function that reads the next line after a prompt with the status that it is given. It
    raises EOFError, KeyboardInterrupt."""
    keys = KeyBindings()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    completer = WordCompleter(commands, sentence=True)  # of a line's beginning only
    session: PromptSession[str] = PromptSession(
        history=history, key_bindings=keys, completer=completer, complete_while_typing=False
    )
    return lambda status: session.prompt(f"{status}> ")


def history_in(data: Path) -> History:
    """The history in the data folder, for its owner's eyes only; of this talk alone if the folder
    cannot be written to."""
    path = data / HISTORY
    try:
        DataFolder(data).make()
        path.touch(mode=0o600)
        path.chmod(0o600)
    except (ConfigError, OSError):
        return InMemoryHistory()
    return FileHistory(str(path))
