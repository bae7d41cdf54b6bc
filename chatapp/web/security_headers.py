"""What browsers are told beside the content security policy: not to frame, to keep or to lend out
what they get.
"""

from flask import Flask, Response, request

HSTS = "max-age=31536000"  # a year; subdomains are not ours to speak for

ALWAYS = {
    "X-Frame-Options": "DENY",
    # Of requests without CORS: another site's page cannot load it as an image or a script.
    "Cross-Origin-Resource-Policy": "same-origin",
    # What is somebody's own must not be found in a cache. Streams and files say something else.
    "Cache-Control": "no-store",
}
PAGES = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def install(app: Flask) -> None:
    app.after_request(_protect)


def _protect(response: Response) -> Response:
    headers = {**ALWAYS, **PAGES} if response.mimetype == "text/html" else ALWAYS
    for name, value in headers.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = HSTS
    return response
