"""Sends spans away, in a greenlet of its own: those of a second together.

The SDK's own BatchSpanProcessor starts a thread again in each child process, and a helper process
is forked here at any time; and it encodes 512 spans in one go, which would hold up every stream.
"""

import logging
from collections import deque

import gevent
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter

from chatapp.hub import let_others_run

EXPORT_S = 1.0
BATCH = 64  # spans; to encode them takes about a ms
KEPT = 8192  # spans that wait while the collector is away; later ones are dropped
CLOSE_S = 2.0  # for the last ones, when the server goes down

logger = logging.getLogger(__name__)


class Exporting(SpanProcessor):
    """Exports from `begin` to `shutdown`."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter
        self._waiting: deque[ReadableSpan] = deque()
        self._dropped = 0
        self._greenlet: gevent.Greenlet[..., None] | None = None

    def begin(self) -> None:
        if self._greenlet is None:
            self._greenlet = gevent.spawn(self._export_for_ever)

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing is known of it yet."""

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled:
            return
        if len(self._waiting) < KEPT:
            self._waiting.append(span)
        else:
            self._dropped += 1

    def shutdown(self) -> None:
        greenlet, self._greenlet = self._greenlet, None
        if greenlet is not None:
            greenlet.kill()
            self.force_flush()
            self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = int(CLOSE_S * 1000)) -> bool:
        limit = gevent.Timeout(timeout_millis / 1000)
        try:
            with limit:
                self._export()
        except gevent.Timeout as timeout:
            if timeout is not limit:
                raise
        return not self._waiting

    def _export_for_ever(self) -> None:
        while True:
            gevent.sleep(EXPORT_S)
            self._export()

    def _export(self) -> None:
        while self._waiting:
            spans = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
            try:
                self._exporter.export(spans)  # which says itself, in the log, that it failed
            except Exception:  # whatever the exporter raises: spans are of no use to a request
                logger.exception("%s spans were not exported", len(spans))
            let_others_run()
        if self._dropped:
            logger.warning("%s spans were dropped: the collector does not take them fast enough", self._dropped)
            self._dropped = 0
