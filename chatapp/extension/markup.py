"""`{{ chatapp_chat() }}`: one chat in a page of the host, as a `<chatapp-chat>` element."""

from collections.abc import Mapping, Sequence

from flask import current_app, url_for
from markupsafe import Markup

from chatapp.errors import ConfigError

ELEMENT = "static/js/chatapp-chat.js"
ATTRIBUTES = ("conversation", "remember", "provider", "model", "tools", "instructions", "height", "theme", "label")


def chat_markup(*, app: str = "chatapp", nonce: str = "", **attributes: str | Sequence[str]) -> Markup:
    """The element, and the script that defines it, which a browser loads once however many there
    are. Raises ConfigError for an attribute that there is not.

    `app` is the name of the Chatapp, if the host has several; `nonce` is that of the host's CSP, if
    it uses them. docs/guides/embed.md describes the attributes; `tools` may be a list.
    """
    if app not in current_app.extensions:
        raise ConfigError(f"app: no Chatapp is named {app!r} here")
    if unknown := attributes.keys() - set(ATTRIBUTES):
        raise ConfigError(f"chatapp_chat: unknown {', '.join(sorted(unknown))}; available: {', '.join(ATTRIBUTES)}")
    script = {"type": "module", "src": url_for(f"{app}.below", path=ELEMENT)} | ({"nonce": nonce} if nonce else {})
    element = {"url": url_for(f"{app}.page").rstrip("/"), **attributes}
    return Markup("<script{}></script><chatapp-chat{}></chatapp-chat>").format(_written(script), _written(element))


def _written(attributes: Mapping[str, str | Sequence[str]]) -> Markup:
    texts = {name: value if isinstance(value, str) else ",".join(value) for name, value in attributes.items()}
    return Markup("").join(Markup(' {}="{}"').format(name, text) for name, text in texts.items())
