"""Parts that other protocols' requests have in common: contents, calls, tools, as ours. Every refusal names the field."""

from typing import Annotated

import msgspec

from chatapp.chat import Effort, Image, Part, Text, Tool
from chatapp.errors import InvalidField
from chatapp.events import ToolCall

PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Temperature = Annotated[float, msgspec.Meta(ge=0, le=2)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

EMPTY_SCHEMA: dict[str, object] = {"type": "object", "properties": {}}
NO_THINKING: tuple[Effort, ...] = ("none", "minimal")

_arguments = msgspec.json.Decoder(dict[str, object])


class ImageURL(msgspec.Struct, frozen=True):
    url: str


class ContentPart(msgspec.Struct, frozen=True):
    """`image_url` is an object in chat completions, the URL itself in Responses."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageURL | str | None = None


def refuse(field: str, asked: bool, instead: str) -> None:
    if asked:
        raise InvalidField(f"{field}: cannot be carried here: there is {instead}")


def filled(field: str, content: str | list[Part]) -> str | list[Part]:
    if not content or (isinstance(content, str) and not content.strip()):
        raise InvalidField(f"{field}: must not be empty")
    return content


def content_of(field: str, content: str | list[ContentPart] | None) -> str | list[Part]:
    """A list of nothing but texts becomes one text: not every provider takes parts."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = [_part(f"{field}[{index}]", part) for index, part in enumerate(content)]
    if any(isinstance(part, Image) for part in parts):
        return parts
    return "".join(part.text for part in parts if isinstance(part, Text))


def call_of(field: str, id: str, name: str, arguments: str) -> ToolCall:
    try:
        return ToolCall(id, "function", name, _arguments.decode(arguments.strip() or "{}"))
    except (msgspec.DecodeError, RecursionError):
        raise InvalidField(f"{field}.arguments: expected a JSON object, as text") from None


def tool_of(
    name: str, description: str | None, parameters: dict[str, object] | None, strict: bool | None = None
) -> Tool:
    return Tool(name, description or "", parameters or EMPTY_SCHEMA, bool(strict))


def image_of(field: str, url: str) -> Image:
    if not url.startswith(("data:image/", "https://")):
        raise InvalidField(f"{field}: expected a data: URL with an image in it, or an https: one")
    return Image(url)


def choice_word(choice: str | None) -> str:
    if choice not in (None, "auto", "none", "required"):
        raise InvalidField("tool_choice: expected auto, none, required or a function")
    return choice or "auto"


def named_choice(name: str, tools: list[Tool]) -> str:
    if name not in [tool.name for tool in tools]:
        raise InvalidField(f"tool_choice: there is no tool named {name!r}")
    return name


def thinking_of(effort: Effort | None) -> bool | None:
    """On or off, for providers that take no more than that."""
    return None if effort is None else effort not in NO_THINKING


def _part(field: str, part: ContentPart) -> Part:
    match part.type:
        case "text" | "input_text" | "output_text":
            return Text(part.text or "")
        case "refusal":
            return Text(part.refusal or "")
        case "image_url" | "input_image":
            url = part.image_url.url if isinstance(part.image_url, ImageURL) else part.image_url
            return image_of(f"{field}.image_url", url or "")
        case other:
            raise InvalidField(f"{field}.type: {other!r} cannot be carried here: there are texts and images")
