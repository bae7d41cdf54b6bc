"""Which message an ask makes another version of, or continues; and why it may not."""

from chatapp.chat import Ask, Message
from chatapp.errors import InvalidField, NotFound
from chatapp.storage import decode_entries
from chatapp.storage.tables import MessageRow
from chatapp.transcript import transcript_of

FIELDS = ("retry_of", "edit_of", "continue_of")

GO_ON = Message(
    "user",
    "Your last answer was cut off. Go on exactly where it ends, in the middle of a word if need be. "
    "Repeat nothing of it, and say nothing about this request.",
)
"""Said to the model behind the answer that it continues, and not stored: few providers can be given
the beginning of a turn."""


def names_message(ask: Ask) -> str | None:
    """The field of the ask that names a message, if there is one."""
    return next((field for field in FIELDS if getattr(ask, field) is not None), None)


def refuse_version(message: MessageRow, field: str) -> None:
    """Raise InvalidField or NotFound if `field` may not name this message."""
    if field == "edit_of":
        if message.role != "user":
            raise InvalidField("edit_of: expected the id of a question; an answer is made again by retry_of")
        return
    if not message.is_answer:
        raise NotFound(f"{field}: no such answer in this conversation")
    if message.status == "running":
        raise InvalidField(f"{field}: this answer is still running; wait for its end or cancel it")
    if field == "retry_of" and message.superseded:
        raise InvalidField("retry_of: already replaced by a newer answer; retry that one, or choose this one first")
    if field == "continue_of":
        _refuse_whole(message)


def _refuse_whole(message: MessageRow) -> None:
    end = transcript_of(decode_entries(message.entries)).end
    if end is not None and end.reason == "stop":
        raise InvalidField("continue_of: this answer is whole; ask for more with a prompt")
    if not message.content.strip():
        raise InvalidField("continue_of: there is no text in this answer; make it again with retry_of")
