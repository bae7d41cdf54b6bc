"""The bytes of a file for its owner, in a way that no browser runs."""

from flask import Response

from chatapp.service import File

INLINE = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif"}
"""The types that a browser may show: none of them can hold a script, as SVG and PDF can."""

HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",  # an id is never used again
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def file_response(file: File) -> Response:
    return Response(file.bytes, headers={**HEADERS, **_headers(file)})


def _headers(file: File) -> dict[str, str]:
    """The name is ours: a provider's could be anything, and the reader has it in the event."""
    if ending := INLINE.get(file.media_type):
        return {"Content-Type": file.media_type, "Content-Disposition": f'inline; filename="{file.id}.{ending}"'}
    disposition = f'attachment; filename="{file.id}"'
    return {"Content-Type": "application/octet-stream", "Content-Disposition": disposition}
