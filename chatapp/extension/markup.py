"""`{{ chatapp_chat() }}`: one chat in a page of the host, as a `<chatapp-chat>` element."""

from flask import current_app, url_for
from markupsafe import Markup

from chatapp.errors import ConfigError

ELEMENT = "static/js/chatapp-chat.js"


def chat_markup(
    *,
    app: str = "chatapp",
    conversation: str = "",
    provider: str = "",
    model: str = "",
    tools: list[str] | None = None,
    instructions: str = "",
    height: str = "",
    theme: str = "",
    nonce: str = "",
) -> Markup:
    """The element and the script that defines it, which a browser loads once however many there
    are.

    `app` is the name of the Chatapp, if the host has several. `conversation` is one to go on with;
    `provider`, `model`, `tools` and `instructions` are what a new one begins with. `height` is a
    CSS length, `theme` is `light`, `dark` or `auto`. `nonce` is that of the host's CSP, if it has
    one.
    """
    if app not in current_app.extensions:
        raise ConfigError(f"app: no Chatapp is named {app!r} here")
    attributes = {
        "url": url_for(f"{app}.page").rstrip("/"),
        "conversation": conversation,
        "provider": provider,
        "model": model,
        "tools": None if tools is None else ",".join(tools),
        "instructions": instructions,
        "height": height,
        "theme": theme,
    }
    given = Markup("").join(
        Markup(' {}="{}"').format(name, value)
        for name, value in attributes.items()
        if value or (name == "tools" and value is not None)
    )
    script = Markup('<script type="module" src="{}"').format(url_for(f"{app}.below", path=ELEMENT))
    return Markup("{}{}></script><chatapp-chat{}></chatapp-chat>").format(
        script, Markup(' nonce="{}"').format(nonce) if nonce else "", given
    )
