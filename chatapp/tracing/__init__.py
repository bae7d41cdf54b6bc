"""Traces for OpenTelemetry: a span of each request, run, request to a provider, and tool call.

The extra `otel` brings the SDK, and OTEL_EXPORTER_OTLP_ENDPOINT switches it on. Without them a
trace is still taken up and passed on (`chatapp.trace`); only nothing is recorded. No span has what
was said, or a key.

    request   of the client, up to the last byte of its response
    run       linked to the request that began it, not its child: it outlives the request
    chat      one request to a provider, a child of the run
    execute_tool   one call of a tool of this server, a child of the run
"""
