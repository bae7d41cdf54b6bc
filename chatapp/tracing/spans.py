"""Spans with the ids of `chatapp.trace`: events, log lines and spans call a trace the same."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from chatapp import __version__
from chatapp.trace import SAMPLED, Trace
from chatapp.tracing import conventions as names

Attributes: TypeAlias = Mapping[str, str | int | float | bool | tuple[str, ...]]


class Spans:
    """Begins spans. The code that began one ends it."""

    def __init__(self, provider: TracerProvider, ids: "GivenIds") -> None:
        self._tracer = provider.get_tracer("chatapp", __version__)
        self._ids = ids

    def begin(self, name: str, kind: SpanKind, trace: Trace, attributes: Attributes) -> "OpenSpan":
        """The span that `trace` names; a child of its `parent_id`, if it has one."""
        return self._begin(name, kind, trace, trace.parent_id, attributes)

    def begin_linked(self, name: str, kind: SpanKind, trace: Trace, attributes: Attributes) -> "OpenSpan":
        """The same, but linked to what `parent_id` names, which may be over before."""
        link = Link(_context(trace, trace.parent_id))
        # A parent that is not recorded forbids recording; without one the sampler decides anew.
        parent_id = "" if trace.sampled else trace.parent_id
        return self._begin(name, kind, trace, parent_id, attributes, [link])

    def _begin(
        self,
        name: str,
        kind: SpanKind,
        trace: Trace,
        parent_id: str,
        attributes: Attributes,
        links: Sequence[Link] = (),
    ) -> "OpenSpan":
        parent = set_span_in_context(NonRecordingSpan(_context(trace, parent_id))) if parent_id else None
        self._ids.next = trace
        span = self._tracer.start_span(name, parent, kind, dict(attributes), links)
        span.set_attribute(names.REQUEST_ID, trace.request_id)
        return OpenSpan(span, trace)


class OpenSpan:
    """A span under way. `trace` is its place, for what happens in it."""

    def __init__(self, span: Span, trace: Trace) -> None:
        self._span = span
        sampled = span.get_span_context().trace_flags.sampled
        self.trace = msgspec.structs.replace(trace, sampled=sampled)

    def set(self, attributes: Attributes) -> None:
        self._span.set_attributes(dict(attributes))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, error_type: str) -> None:
        """It failed in this way: an error's code, or the name of its class; never its message."""
        self._span.set_attribute(names.ERROR_TYPE, error_type)
        self._span.set_status(Status(StatusCode.ERROR))

    def end(self) -> None:
        self._span.end()


class GivenIds(IdGenerator):
    """Gives the next span the ids of the trace `next`. Starting a span switches no greenlet."""

    def __init__(self) -> None:
        self.next: Trace | None = None
        self._random = RandomIdGenerator()

    def generate_span_id(self) -> int:
        trace, self.next = self.next, None
        return int(trace.span_id, 16) if trace else self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        return int(self.next.trace_id, 16) if self.next else self._random.generate_trace_id()


def _context(trace: Trace, span_id: str) -> SpanContext:
    flags = TraceFlags(SAMPLED if trace.sampled else 0)
    return SpanContext(int(trace.trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags)
