"""Addresses of this server as its clients ask for them: below the path that a host application or a
proxy has mounted it at. WSGI calls that path SCRIPT_NAME; it is empty for a server of its own.
"""

from functools import partial

from flask import Flask, request

from chatapp.dialects.media import FILE_URL
from chatapp.events import File
from chatapp.reading.addressed import AddressedSource, with_address
from chatapp.reading.sources import Source
from chatapp.transcript import Transcript, transcript_of


def install(app: Flask) -> None:
    """`here(path)` for templates."""
    app.jinja_env.globals.update(here=here)


def here(path: str) -> str:
    """The path below this server, which begins with a slash, as a path of its host."""
    return request.script_root + path


def addressed_source(source: Source, run_id: str) -> Source:
    """With the addresses of the answer's files, unless they are those that the dialects know."""
    return AddressedSource(source, _file_url(run_id)) if request.script_root else source


def addressed(transcript: Transcript, run_id: str) -> Transcript:
    """With the addresses of the answer's files, unless they are those that the dialects know."""
    if not (request.script_root and transcript.files):
        return transcript
    file_url = _file_url(run_id)
    return transcript_of([with_address(entry, file_url) for entry in transcript.entries])


def _file_url(run_id: str) -> partial[str]:
    return partial(_address, here(FILE_URL), run_id)


def _address(pattern: str, run_id: str, file: File) -> str:
    return pattern.format(run=run_id, file=file.id)
