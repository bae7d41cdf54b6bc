"""The files of OpenAI's and Anthropic's clients, at the addresses that both have: uploaded once,
then named by id in any request. A client that sends `anthropic-version` is answered as Anthropic
answers.
"""

import time
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from chatapp.errors import InvalidField
from chatapp.service import KeptFile
from chatapp.web import current_caller, current_service, trace_id
from chatapp.web.bodies import number
from chatapp.web.endpoint import CHANGING, FILE, JSON, WITH_BODY, Parameter, endpoint
from chatapp.web.errors import Shape
from chatapp.web.file_response import file_response
from chatapp.web.multipart import read_form
from chatapp.web.stored_items import as_json

blueprint = Blueprint("compat_files", __name__, url_prefix="/v1/files")

ERROR = "OpenAIError"
VERSION = "anthropic-version"
PURPOSES = ("user_data", "assistants", "vision")
LEAST_S, MOST_S = 3600, 2_592_000  # of a file that expires, as OpenAI has it
MOST_FILES = 1000  # of one page
PAGE = "page_"  # before the id with which a page of Anthropic's ends

PAGING = (
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST_FILES}, "How many files at most."),
    Parameter("order", {"enum": ["asc", "desc"]}, "`desc`, the default: the newest first."),
    Parameter("after", {"type": "string"}, "The id of the last file received."),
    Parameter("page", {"type": "string"}, "Of Anthropic's clients: `next_page` of the page before."),
    Parameter("after_id", {"type": "string"}, "Of its older clients: the id of the last file received."),
    Parameter("before_id", {"type": "string"}, "Of its older clients: the id of the first file received."),
    Parameter("purpose", {"type": "string"}, "Only files with this purpose."),
)


@endpoint(blueprint.post(""), answers={200: (JSON,)}, errors=WITH_BODY, error_schema=ERROR)
def upload() -> Response:
    """Keep a file: the field `file` of a form, with `purpose` and, if it is to expire,
    `expires_after[seconds]`."""
    form = read_form()
    purpose = form.fields.get("purpose", PURPOSES[0] if _of_anthropic() else "")
    if purpose not in PURPOSES:
        raise InvalidField(f"purpose: {purpose[:40]!r} is not supported; use {', '.join(PURPOSES)}")
    service = current_service()
    kept = service.attachments.keep(current_caller().owner, form.name, form.data, purpose, _expires(form.fields))
    return _file(kept)


@endpoint(blueprint.get(""), answers={200: (JSON,)}, parameters=PAGING, error_schema=ERROR)
def list_files() -> Response:
    """The files that you keep, in pages; not those that came within requests."""
    args = request.args
    if args.get("order", "desc") not in ("asc", "desc"):
        raise InvalidField("order: expected asc or desc")
    limit = int(number("limit", 20 if _of_anthropic() else MOST_FILES, 1, MOST_FILES))
    files, has_more = current_service().attachments.kept_files.page(
        current_caller().owner,
        limit,
        args.get("after") or args.get("after_id") or args.get("page", "").removeprefix(PAGE),
        args.get("before_id", ""),
        args.get("order") == "asc",
        args.get("purpose"),
    )
    ends = {"first_id": files[0].file.id if files else None, "last_id": files[-1].file.id if files else None}
    shown = {**ends, "has_more": has_more}
    if _of_anthropic():
        following = f"{PAGE}{files[-1].file.id}" if has_more else None
        return as_json({"data": [_as_anthropic(file) for file in files], "next_page": following, **shown})
    return as_json({"object": "list", "data": [_as_openai(file) for file in files], **shown})


@endpoint(blueprint.get("/<upload_id>"), answers={200: (JSON,)}, error_schema=ERROR)
def retrieve(upload_id: str) -> Response:
    """One of your files, also one that came within a request."""
    return _file(current_service().attachments.kept_files.get(current_caller().owner, upload_id))


@endpoint(blueprint.get("/<upload_id>/content"), answers={200: (FILE,)}, error_schema=ERROR)
def content(upload_id: str) -> Response:
    """Its bytes."""
    return file_response(current_service().attachments.kept_files.file(current_caller().owner, upload_id))


@endpoint(blueprint.delete("/<upload_id>"), answers={200: (JSON,)}, errors=CHANGING, error_schema=ERROR)
def delete(upload_id: str) -> Response:
    """Give it up. A message that it came with keeps it; its id is no longer known."""
    current_service().attachments.kept_files.delete(current_caller().owner, upload_id)
    if _of_anthropic():
        return as_json({"id": upload_id, "type": "file_deleted"})
    return as_json({"id": upload_id, "object": "file", "deleted": True})


def error_shape(openai: Shape, anthropic: Shape) -> Shape:
    """The shape that fits the client, of these two."""

    def shape(status: int, code: str, message: str) -> tuple[int, object]:
        return (anthropic if _of_anthropic() else openai)(status, code, message)

    return shape


@blueprint.after_request
def name_request(response: Response) -> Response:
    """Anthropic's SDK shows this id."""
    response.headers["request-id"] = trace_id()
    return response


def _of_anthropic() -> bool:
    return VERSION in request.headers


def _expires(fields: dict[str, str]) -> float | None:
    """When, by OpenAI's two fields or Anthropic's one. Raises InvalidField."""
    seconds = fields.get("expires_after[seconds]", fields.get("expires_in_seconds"))
    if seconds is None:
        return None
    if fields.get("expires_after[anchor]", "created_at") != "created_at":
        raise InvalidField("expires_after.anchor: expected created_at")
    if not (seconds.isdecimal() and len(seconds) < 19 and LEAST_S <= int(seconds) <= MOST_S):
        raise InvalidField(f"expires_after.seconds: expected an integer from {LEAST_S} to {MOST_S}")
    return time.time() + int(seconds)


def _file(kept: KeptFile) -> Response:
    return as_json(_as_anthropic(kept) if _of_anthropic() else _as_openai(kept))


def _as_openai(kept: KeptFile) -> dict[str, Any]:
    return {
        "id": kept.file.id,
        "object": "file",
        "bytes": kept.file.size_bytes,
        "created_at": int(kept.created),
        "expires_at": None if kept.expires is None else int(kept.expires),
        "filename": kept.file.name,
        "purpose": kept.purpose or PURPOSES[0],
        "status": "processed",
        "status_details": None,
    }


def _as_anthropic(kept: KeptFile) -> dict[str, Any]:
    return {
        "id": kept.file.id,
        "type": "file",
        "filename": kept.file.name,
        "mime_type": kept.file.media_type,
        "size_bytes": kept.file.size_bytes,
        "created_at": _time(kept.created),
        "downloadable": True,
        **({} if kept.expires is None else {"expires_at": _time(kept.expires)}),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
