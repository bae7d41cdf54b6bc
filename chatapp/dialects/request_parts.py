"""The parts that the requests of other protocols share: contents, calls and tools.

A refusal is an InvalidField. Its message names the field, what is wrong, and what would be right.
"""

import re
from collections.abc import Collection, Container, Sequence
from typing import Annotated, TypeVar

import msgspec

from chatapp.chat import Effort, Image, Message, Part, Sent, Text, ToolSpec
from chatapp.dialects.request_files import refuse_address, sent_file
from chatapp.errors import InvalidField, field_of
from chatapp.events import ToolCall

T = TypeVar("T")

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

MAX_PARTS = 2000
"""Of one message: texts, images and calls, all that is worked on before others have their turn."""

Few = msgspec.Meta(max_length=MAX_PARTS)

EMPTY_SCHEMA: dict[str, object] = {"type": "object", "properties": {}}
IMAGE_URLS = ("data:image/", "https://")
NO_THINKING: tuple[Effort, ...] = ("none", "minimal")

_tool_name = re.compile(r"[a-zA-Z0-9_-]{1,128}")  # the most generous of the vendors' rules
_arguments = msgspec.json.Decoder(dict[str, object])


class ImageURL(msgspec.Struct, frozen=True):
    url: str


class NamedFile(msgspec.Struct, frozen=True):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class ContentPart(NamedFile, frozen=True, kw_only=True):
    """In chat completions `image_url` and `file` are objects; in Responses `image_url` is the URL
    itself, and the fields of a file stand here."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageURL | str | None = None
    file: NamedFile | None = None
    file_url: str | None = None


def refuse(field: str, given: bool, hint: str = "") -> None:
    """Raise InvalidField if an unsupported field is given. `hint` says what would be right."""
    if given:
        raise InvalidField(f"{field}: not supported; {hint}" if hint else f"{field}: not supported")


def filled(field: str, content: str | list[Part]) -> str | list[Part]:
    if not content or (isinstance(content, str) and not content.strip()):
        raise InvalidField(f"{field}: must not be empty")
    return content


def given(field: str, value: str | None) -> str:
    if not value:
        raise InvalidField(f"{field}: must not be empty")
    return value


def content_of(field: str, content: str | list[ContentPart] | None) -> str | list[Part]:
    """The content of a message in OpenAI's protocols; no content is the empty text."""
    if content is None or isinstance(content, str):
        return content or ""
    return joined([_part(f"{field}[{index}]", part) for index, part in enumerate(content)])


def shown_with(content: str | list[Part], images: Sequence[ContentPart]) -> str | list[Part]:
    """The content of an answer, with the pictures that its model made. An address that only this
    server knows is left out: a provider cannot fetch it."""
    urls = [part.image_url.url for part in images if isinstance(part.image_url, ImageURL)]
    shown: list[Part] = [Image(url) for url in urls if url.startswith(IMAGE_URLS)]
    if not shown:
        return content
    said: list[Part] = [Text(content)] if isinstance(content, str) else content
    return [*(part for part in said if part != Text("")), *shown]


def joined(parts: list[Part]) -> str | list[Part]:
    """One text if all parts are texts, because not every provider takes parts; else the parts."""
    texts = [part.text for part in parts if isinstance(part, Text)]
    return "".join(texts) if len(texts) == len(parts) else parts


def call_of(field: str, id: str, name: str, arguments: str) -> ToolCall:
    given(f"{field}.name", name)
    try:
        return ToolCall(id, "function", name, _arguments.decode(arguments.strip() or "{}"))
    except (msgspec.DecodeError, RecursionError):
        raise InvalidField(f"{field}.arguments: expected a JSON object, as a string") from None


def tool_of(
    field: str, name: str, description: str | None, parameters: dict[str, object] | None, strict: bool | None = None
) -> ToolSpec:
    if not _tool_name.fullmatch(name):
        raise InvalidField(f"{field}.name: expected 1 to 128 letters, digits, underscores or hyphens")
    return ToolSpec(name, description or "", parameters or EMPTY_SCHEMA, bool(strict))


def distinct(tools: list[ToolSpec]) -> list[ToolSpec]:
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if tool.name in names:
            raise InvalidField(f"tools[{index}]: another tool is already named {tool.name!r}")
        names.add(tool.name)
    return tools


def refuse_orphans(field: str, messages: Sequence[Message]) -> None:
    """Raise InvalidField if a tool's result has no call before it: no provider takes that."""
    called: set[str] = set()
    for message in messages:
        called.update(call.id for call in message.tool_calls)
        if message.tool_call_id is not None and message.tool_call_id not in called:
            raise InvalidField(
                f"{field}: tool result for unknown call {message.tool_call_id!r}; a call must come before its result"
            )


def image_of(field: str, url: str) -> Image:
    if not url.startswith(IMAGE_URLS):
        raise InvalidField(f"{field}: expected an https: URL, or a data: URL of an image")
    return Image(url)


def choice_word(choice: str | None) -> str:
    if choice not in (None, "auto", "none", "required"):
        raise InvalidField("tool_choice: expected auto, none, required or a function")
    return choice or "auto"


def named_choice(field: str, name: str, tools: Container[str]) -> str:
    if name not in tools:
        raise InvalidField(f"{field}: unknown tool {name!r}; name one of those in tools")
    return name


def refuse_none_allowed(field: str, mode: str, allowed: Collection[str]) -> None:
    """Raise InvalidField if one of no tools must be called."""
    if mode == "required" and not allowed:
        raise InvalidField(f"{field}: must not be empty if mode is required; name a tool, or use auto")


def thinking_of(effort: Effort | None) -> bool | None:
    """Whether to think, for providers that take no more than a yes or no."""
    return None if effort is None else effort not in NO_THINKING


def _part(field: str, part: ContentPart) -> Part:
    match part.type:
        case "text" | "input_text" | "output_text":
            return Text(part.text or "")
        case "refusal":
            return Text(part.refusal or "")
        case "input_image" if part.file_id and not part.image_url:
            return sent_file(f"{field}.file_id", None, None, part.file_id)
        case "image_url" | "input_image":
            url = part.image_url.url if isinstance(part.image_url, ImageURL) else part.image_url
            return image_of(f"{field}.image_url", url or "")
        case "file":
            return _file(f"{field}.file", part.file or NamedFile())
        case "input_file":
            if part.file_url:
                raise refuse_address(f"{field}.file_url")
            return _file(field, part)
        case other:
            raise InvalidField(f"{field}.type: {other!r} is not supported; use text, image or file parts")


def _file(field: str, file: NamedFile) -> Sent:
    place = "file_id" if file.file_id else "file_data"
    return sent_file(f"{field}.{place}", file.filename, file.file_data, file.file_id)


def typed(field: str, values: list[dict[str, object]], type: type[T]) -> list[T]:
    """Values that are also passed on as they came. Raises InvalidField."""
    try:
        return msgspec.convert(values, list[type])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        place, wrong = field_of(error)
        raise InvalidField(f"{field}{place}: {wrong}") from None
