"""Whether traces are recorded: the environment says so, in OpenTelemetry's own variables."""

import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Protocol
from wsgiref.types import WSGIApplication

from chatapp.generation.observer import RunObserver
from chatapp.providers import Provider
from chatapp.tools import Tool

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")

logger = logging.getLogger(__name__)


class Tracing(Protocol):
    """Records spans, from `start` to `close`, as any `Background` of the service. It stands around
    what it records."""

    def start(self) -> None: ...

    def close(self) -> None: ...

    @property
    def runs(self) -> RunObserver: ...

    def app(self, app: WSGIApplication) -> WSGIApplication: ...

    def provider(self, provider: Provider) -> Provider: ...

    def tool(self, tool: Tool) -> Tool: ...


def tracing_of(environ: Mapping[str, str]) -> Tracing | None:
    """None: nothing is recorded. What is asked for and cannot be done is said in the log: a server
    without traces is better than none."""
    endpoint = next((name for name in ENDPOINTS if environ.get(name)), None)
    if endpoint is None or _is_off(environ):
        return None
    protocol = next((environ[name] for name in PROTOCOLS if environ.get(name)), "http/protobuf")
    if protocol != "http/protobuf":
        logger.warning("OTEL_EXPORTER_OTLP_PROTOCOL: %s is not supported, only http/protobuf: no traces", protocol)
        return None
    try:
        tracing: Tracing = import_module("chatapp.tracing.otlp").OTLPTracing()
    except ModuleNotFoundError:
        logger.warning("%s is set, but traces need the extra `otel`: pip install 'chatapp[otel]'", endpoint)
        return None
    return tracing


def _is_off(environ: Mapping[str, str]) -> bool:
    disabled = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return disabled or environ.get("OTEL_TRACES_EXPORTER", "otlp").strip().lower() not in ("", "otlp")
