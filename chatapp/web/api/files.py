"""The files that a model made, for the owner of the answer."""

from flask import Blueprint, Response

from chatapp.service import File
from chatapp.web import current_caller, current_service
from chatapp.web.endpoint import FILE, endpoint

blueprint = Blueprint("files", __name__)

INLINE = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif"}
"""The types that a browser may show: none of them can hold a script, as SVG and PDF can."""

HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",  # an id is never used again
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@endpoint(blueprint.get("/api/v1/messages/<message_id>/files/<file_id>"), answers={200: (FILE,)})
def get_file(message_id: str, file_id: str) -> Response:
    """The bytes of a file that an answer holds. A browser shows pictures; other files it saves."""
    service = current_service()
    return file_response(service.file(service.answer(current_caller(), message_id), file_id))


def file_response(file: File) -> Response:
    return Response(file.bytes, headers={**HEADERS, **_headers(file)})


def _headers(file: File) -> dict[str, str]:
    """The name is ours: a provider's could be anything, and the reader has it in the event."""
    if ending := INLINE.get(file.media_type):
        return {"Content-Type": file.media_type, "Content-Disposition": f'inline; filename="{file.id}.{ending}"'}
    disposition = f'attachment; filename="{file.id}"'
    return {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
