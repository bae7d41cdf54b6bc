"""The files that people upload and that models make, for their owner."""

import msgspec
from flask import Blueprint, Response, jsonify

from chatapp.web import current_caller, current_service
from chatapp.web.addresses import here
from chatapp.web.endpoint import CHANGING, FILE, JSON, WITH_BODY, endpoint
from chatapp.web.file_response import file_response
from chatapp.web.multipart import read_form

blueprint = Blueprint("files", __name__)

UPLOAD_URL = "/api/v1/files/{id}"


@endpoint(blueprint.post("/api/v1/files"), answers={201: (JSON,)}, errors=WITH_BODY)
def upload_file() -> tuple[Response, int]:
    """Upload a file, as the field `file` of a form (multipart/form-data), to be attached to a
    question by its id."""
    form = read_form()
    file = current_service().attachments.upload(current_caller().owner, form.name, form.data)
    return jsonify(**msgspec.structs.asdict(file), url=here(UPLOAD_URL.format(id=file.id))), 201


@endpoint(blueprint.get("/api/v1/files/<upload_id>"), answers={200: (FILE,)})
def get_upload(upload_id: str) -> Response:
    """The bytes of an uploaded file. A browser shows pictures; other files it saves."""
    return file_response(current_service().attachments.file(current_caller().owner, upload_id))


@endpoint(blueprint.delete("/api/v1/files/<upload_id>"), answers={204: ()}, errors=CHANGING)
def delete_upload(upload_id: str) -> Response:
    """Delete an uploaded file that belongs to no message."""
    current_service().attachments.delete(current_caller().owner, upload_id)
    return Response(status=204)


@endpoint(blueprint.get("/api/v1/messages/<message_id>/files/<file_id>"), answers={200: (FILE,)})
def get_file(message_id: str, file_id: str) -> Response:
    """The bytes of a file that an answer holds, or that a question came with. A browser shows
    pictures; other files it saves."""
    return file_response(current_service().file(current_caller(), message_id, file_id))
