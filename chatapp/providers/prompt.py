"""Makes the turns of a chat fit for a protocol. Pure.

No protocol carries everything. Anything that one cannot carry is refused under the name of the
chat's field before anything is sent: left out silently, it would yield another answer than was
asked for.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec

from chatapp.chat import Attachment, Chat, Image, Message, Part, Role, Sent, Text
from chatapp.errors import InvalidField
from chatapp.hub import with_pauses
from chatapp.providers.call_ids import IdRule, with_fitting_ids
from chatapp.providers.documents import Sendable, with_readable_documents
from chatapp.providers.moved_images import shown_by_user

MOVED: tuple[Role, ...] = ("tool", "assistant")
FAILED = "The tool failed without a message."  # for an error that came without words

_data_url = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w.+-]+=[\w.+-]*)*;base64,").match
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


class InlineFile(NamedTuple):
    """An image or a document in base64, as `data`."""

    media_type: str
    data: str


def refuse(chat: Chat, who: str, *fields: str) -> None:
    """Raise InvalidField if one of these fields of the chat is set and is no mere hint."""
    for field in fields:
        value = getattr(chat, field)
        if field not in chat.hints and value is not None and value is not False and value != []:
            raise InvalidField(f"{field}: {who} does not support this")


def refuse_json_mode(chat: Chat, who: str) -> None:
    """Raise InvalidField if the answer is to be JSON of any shape.

    A schema of any object is no substitute: a provider refuses it, or closes it to `{}`.
    """
    if chat.json_mode:
        raise InvalidField(f"json_mode: {who} has no json_object format; use a JSON schema")


def sendable_turns(
    chat: Chat, who: str, protocol: str = "", images_of: tuple[Role, ...] = ("user",), takes_documents: bool = False
) -> Iterator[Message]:
    """The turns without empty answers, such as one that was stopped before its first word, and
    without answers of nothing but blanks and line ends.

    Several providers refuse those. An answer that its provider sealed whole goes to that one, in a
    `protocol` that can say so. Documents are texts unless the protocol `takes_documents`. Raises
    InvalidField for one without text, and for an image or a document in a turn of a role that is
    not in `images_of`. If users may have them, those of a tool's result, or of an answer, go into a
    turn of the user behind it.
    """
    roles = [role for role in MOVED if role not in images_of] if "user" in images_of else []
    turns = with_readable_documents(chat.messages, who, takes_documents, chat.citations)
    for message in with_pauses(shown_by_user(turns, roles)):
        if message.role not in images_of and not all(isinstance(part, Text) for part in parts(message)):
            raise InvalidField(f"messages: {who} does not accept images or PDFs in messages of role {message.role!r}")
        if (
            message.role != "assistant"
            or parts(message)
            or message.tool_calls
            or native_content(message, protocol, who)
        ):
            yield message


def system_first(messages: Iterable[Message]) -> list[Message]:
    """The turns with all system messages as one in front, and neighbours of one role as one turn.

    The templates of many open models raise an error otherwise.
    """
    messages = list(messages)
    system = [message for message in messages if message.role == "system"]
    rest = [message for message in messages if message.role != "system"]
    neighbours = [list(same) for _, same in groupby(rest, key=lambda message: message.role)]
    turns = [turn for same in neighbours for turn in (same if same[0].role == "tool" else [_merged(same)])]
    return [_merged(system), *turns] if system else turns


def _merged(turns: Sequence[Message]) -> Message:
    """Turns of one role as one, with blank lines between their texts."""
    if len(turns) == 1:
        return turns[0]
    content: str | list[Part]
    texts = [turn.content for turn in turns if isinstance(turn.content, str)]
    if len(texts) == len(turns):
        content = "\n\n".join(text for text in texts if text.strip())
    else:
        content = [part for turn in turns for part in parts(turn)]
    reasoning = "\n\n".join(turn.reasoning for turn in turns if turn.reasoning)
    calls = [call for turn in turns for call in turn.tool_calls]
    name = turns[-1].name if len({turn.name for turn in turns}) == 1 else ""
    return msgspec.structs.replace(turns[-1], content=content, reasoning=reasoning, tool_calls=calls, name=name)


def parts(message: Message) -> list[Sendable]:
    """The content in parts, without texts that are empty or blank: Anthropic refuses those."""
    content: list[Part] = [Text(message.content)] if isinstance(message.content, str) else message.content
    sendable = [part for part in content if not isinstance(part, (Attachment, Sent))]
    return [part for part in sendable if not isinstance(part, Text) or part.text.strip()]


def words(message: Message) -> str:
    """The content's text; empty if it is blank."""
    return message.text if message.text.strip() else ""


def failure(message: Message) -> str:
    """The text of a result that is an error. It always says something: some refuse it otherwise."""
    return words(message) or FAILED


def inline_image(image: Image, who: str) -> InlineFile:
    """The image for a protocol that takes images only inside the request. Raises InvalidField."""
    found = split_data_url(image.url)
    if found is None:
        raise InvalidField(f"messages: {who} accepts images only as base64 data: URLs")
    return found


def inline_file(url: str) -> InlineFile:
    """A document's own `data:` URL, which is always whole."""
    found = split_data_url(url)
    assert found is not None
    return found


def split_data_url(url: str) -> InlineFile | None:
    match = _data_url(url)
    data = url[match.end() :] if match else ""
    # A pattern over megabytes of base64 would hold the process for longer than all the rest.
    if match is None or not data or not data.isascii() or data.encode().translate(None, _BASE64):
        return None
    return InlineFile(match[1], data)


def fitted(messages: Sequence[Message], protocol: str, who: str, rule: IdRule) -> list[Message]:
    """The messages with ids of calls that keep to the rule.

    A turn that goes back as it was written keeps its own.
    """
    own = (call.id for message in messages if native_content(message, protocol, who) for call in message.tool_calls)
    return with_fitting_ids(messages, rule, own)


def native_content(message: Message, protocol: str, who: str) -> object:
    """The turn as the provider `who` wrote it in this protocol; None if another wrote it."""
    native = message.native
    if native is None or native.protocol != protocol or native.provider not in ("", who):
        return None
    return native.content


def result_text(message: Message) -> str:
    """A tool's result for a protocol that cannot mark it as failed."""
    return f"Error: {failure(message)}" if message.failed else message.text


def with_tool_names(messages: Iterator[Message]) -> Iterator[tuple[Message, str]]:
    """Each turn, and the tool's name if it is a tool's result: some protocols want it there.

    If an id was used several times, the latest call counts: some providers use the same ids again
    in each reply.
    """
    names: dict[str | None, str] = {}
    for message in messages:
        names.update({call.id: call.name for call in message.tool_calls})
        yield message, names.get(message.tool_call_id, "") if message.role == "tool" else ""


def given(**fields: object) -> dict[str, object]:
    """The fields that are set."""
    return {name: value for name, value in fields.items() if value is not None and value != []}
