"""Addresses of providers, before anything is sent there. Pure."""

from urllib.parse import urlsplit

OLLAMA_PORT = 11434

SURPLUS: dict[str, tuple[str, ...]] = {
    "openai": ("/chat/completions",),
    "openai-responses": ("/responses",),
    "anthropic": ("/v1/messages", "/v1"),
    "gemini": ("/models",),
    "ollama": ("/api/chat", "/api", "/v1"),
}
"""By protocol: ends of addresses that people copy from docs, and that an adapter adds itself."""


def address_problem(base_url: str, type: str, with_key: bool) -> str | None:
    """What must change in the base URL; None if it can be used. Never quotes it: it may hold a
    password. `with_key` tells that the provider has an API key as well."""
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        return "not a valid URL; it should look like https://host/v1"
    if parts.scheme.lower() not in ("http", "https"):
        return "expected http:// or https:// at its beginning"
    if not parts.hostname or port == 0 or any(char.isspace() or not char.isprintable() for char in base_url):
        return "not a valid URL; it should look like https://host/v1"
    if "#" in base_url:
        return "has a fragment (#), which is never sent; remove it"
    if with_key and "@" in parts.netloc:
        return "has a user name beside api_key_env; a request can carry only one of them, so remove the other"
    for end in SURPLUS.get(type, ()):
        if parts.path.rstrip("/").endswith(end):
            return f"ends with {end}, which type {type!r} adds itself; remove it"
    return None


def ollama_url(host: str) -> str:
    """The URL for OLLAMA_HOST, which may be a host, a port or both, with or without a scheme, and
    with a path below which a proxy serves Ollama."""
    host = host.strip()
    try:
        parts = urlsplit(host if "://" in host else f"//{host}", scheme="http")
        port = parts.port or OLLAMA_PORT
    except ValueError:
        return host if "://" in host else f"http://{host}"  # said to be wrong when it is looked at
    name = parts.hostname or "127.0.0.1"
    if name in ("0.0.0.0", "::"):
        name = "127.0.0.1"  # a server that listens on every address is reached on this one
    name = f"[{name}]" if ":" in name else name
    user = parts.netloc.rpartition("@")[0]
    return f"{parts.scheme}://{user}{'@' if user else ''}{name}:{port}{parts.path.rstrip('/')}"


def joined(base_url: str, path: str) -> str:
    """The path below the base URL, whose query (`?api-version=1`) goes with every request."""
    base, _, common = base_url.partition("?")
    path, _, own = path.partition("?")
    query = "&".join(filter(None, (own, common)))
    return base.rstrip("/") + path + (f"?{query}" if query else "")
