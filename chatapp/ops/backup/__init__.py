"""A backup: one file with all that a server keeps, taken while it runs, and its way back.

It is a tar with `backup.json` (what it is), the SQLite files, and the key that signs cookies,
without which browsers would lose their conversations. Who has it has everything: its mode is 0600.
`copy` knows SQLite, `archive` the tar, `take` and `restore` the data folder.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from chatapp.errors import ChatappError

CONVERSATIONS: Final = "conversations.sqlite3"
LOG: Final = "log.sqlite3"
SECRET_KEY: Final = "secret_key"
FORMAT = 1

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that are done, and all of them."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`backup.json`. `made` is in seconds since the epoch; `revision` is the newest migration of
    the conversations, `log_version` the log's schema, None without a log."""

    format: int
    chatapp: str
    made: float
    revision: str
    log_version: int | None = None
    conversations: int
    messages: int


class BackupError(ChatappError):
    """The backup cannot be taken, or not be used."""

    code = "backup_failed"


class InUse(BackupError):
    """Another process uses the data folder."""

    code = "in_use"
