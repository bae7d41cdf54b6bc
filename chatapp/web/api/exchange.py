"""Conversations as files: one as JSON or as Markdown, all of them line by line; and back again."""

from collections.abc import Iterator
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, jsonify, request
from msgspec.structs import asdict

from chatapp.errors import InvalidField, NotFound
from chatapp.exchange import ImportedFile, KeptConversation, KeptMessage
from chatapp.exchange.markdown import markdown_of
from chatapp.hub import let_others_run
from chatapp.web import current_caller, current_service
from chatapp.web.bodies import decoded, read_json
from chatapp.web.body_values import refuse_many_values
from chatapp.web.endpoint import JSON, WITH_BODY, Parameter, endpoint
from chatapp.web.json_pieces import json_pieces

blueprint = Blueprint("exchange", __name__, url_prefix="/api/v1/conversations")

MARKDOWN, LINES = "text/markdown", "application/jsonl"
FORMAT = Parameter("format", {"enum": ["json", "markdown"]}, "As JSON, which can be imported, or as Markdown, to read.")


@endpoint(blueprint.get("/<conversation_id>/export"), answers={200: (JSON, MARKDOWN)}, parameters=(FORMAT,))
def export_conversation(conversation_id: str) -> Response:
    """One conversation as a file: as JSON with all versions of its messages, as Markdown what it
    shows."""
    wanted = request.args.get("format", "json")
    if wanted not in ("json", "markdown"):
        raise InvalidField("format: expected 'json' or 'markdown'")
    kept = current_service().archive.read(current_caller().owner, conversation_id)
    if wanted == "markdown":
        return _file(_in_turns(markdown_of(kept)), MARKDOWN, f"{kept.title or 'conversation'}.md")
    return _file(_json_of(kept), JSON, f"{kept.title or 'conversation'}.json")


@endpoint(blueprint.get("/export"), answers={200: (LINES,)})
def export_all() -> Response:
    """All your conversations, a JSON object in each line, the oldest first. Each line can be
    imported."""
    service, owner = current_service(), current_caller().owner

    def lines() -> Iterator[bytes]:
        for conversation_id in service.archive.ids(owner):
            try:
                kept = service.archive.read(owner, conversation_id)
            except NotFound:  # deleted meanwhile
                continue
            yield from _json_of(kept)
            yield b"\n"

    return _file(lines(), LINES, "conversations.jsonl")


@endpoint(blueprint.post("/import"), request=KeptConversation, answers={201: (JSON,)}, errors=WITH_BODY)
def import_conversation() -> tuple[Response, int]:
    """A conversation from a file, as a new one of yours. What it says of tools and models is shown,
    and never told to a provider as its own. `missing_files` of it are only named in the file."""
    settings = current_service().settings
    file = decoded(read_json(settings.max_import_bytes, "max_import_bytes"), ImportedFile)
    kept = file.conversation(_message)
    made = msgspec.to_builtins(current_service().archive.store(current_caller().owner, kept))
    return jsonify({**made, "missing_files": kept.missing_files()}), 201


def _message(text: bytes, field: str) -> KeptMessage:
    refuse_many_values(text, current_service().settings.max_body_values)
    let_others_run()
    return decoded(text, KeptMessage, field)


def _json_of(kept: KeptConversation) -> Iterator[bytes]:
    fields = asdict(kept)
    return json_pieces(fields, "messages", fields.pop("messages"))


def _in_turns(pieces: Iterator[str]) -> Iterator[bytes]:
    for piece in pieces:
        yield piece.encode("utf-8", "replace")
        let_others_run()


def _file(pieces: Iterator[bytes], mimetype: str, name: str) -> Response:
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(_safe(name), safe='')}",
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(pieces, content_type=f"{mimetype}; charset=utf-8", headers=headers)


def _safe(name: str) -> str:
    """No folder, and nothing that a system forbids in names."""
    return "".join("-" if character in '\\/:*?"<>|' or not character.isprintable() else character for character in name)
