"""The figures: one table of names, labels and meanings. docs/operate.md says what to do about each.

A figure costs a file's page in each worker and a few µs when it changes. So labels are few, and
what happens for each event is not measured here.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)
WHOLE_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 900.0)
GAP_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 5.0)
SHORT_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

ENDS = ("complete", "left", "dismissed", "dropped")


class Figures:
    """All figures of this process, in `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._of_runs()
        self._of_readers()
        self._of_the_log()
        self._of_the_process()

    def _of_runs(self) -> None:
        self.runs = self._counter("runs", "Runs that ended, by how.", "provider", "model", "outcome")
        self.run_errors = self._counter("run_errors", "Runs that failed, by the error's code.", "provider", "code")
        self.first_byte = self._histogram(
            "first_byte_seconds", "From a run's start to the provider's headers.", SECONDS, "provider"
        )
        self.first_token = self._histogram(
            "first_token_seconds", "From a run's start to its first token.", SECONDS, "provider", "model"
        )
        self.token_gap = self._histogram(
            "token_gap_seconds",
            "Mean time between two tokens of a run in which no tool ran.",
            GAP_SECONDS,
            "provider",
            "model",
        )
        self.run_seconds = self._histogram(
            "run_seconds", "From a run's start to its end, with tools and retries.", WHOLE_SECONDS, "provider"
        )
        self.tokens = self._counter(
            "tokens", "Tokens of runs that ended: prompt, completion, cached, reasoning.", "provider", "model", "kind"
        )
        self.upstream_errors = self._counter(
            "upstream_errors", "Requests to a provider that failed or were not made, by kind.", "provider", "kind"
        )
        self.retries = self._counter("retries", "Requests repeated at the same provider.", "provider")
        self.fallbacks = self._counter(
            "fallbacks", "Runs that another provider answered than was asked.", "provider", "answered_by"
        )
        self.tool_calls = self._counter("tool_calls", "Calls of the server's tools.", "type", "outcome")
        self.cancels = self._counter("cancels", "Runs that were stopped by their owner, or by a reader that left.")
        self.cancel_seconds = self._histogram(
            "cancel_seconds",
            "From the moment a run's worker learns of a cancel until the provider's connection is closed.",
            SHORT_SECONDS,
        )

    def _of_readers(self) -> None:
        self.readers = self._gauge("readers", "Responses that follow a run now.")
        self.readers_closed = self._counter(
            "readers_closed",
            "Responses that ended: complete, left by the client, dismissed (the server went down), "
            "dropped (the client accepted nothing for too long).",
            "end",
        )
        self.resumes = self._counter("resumes", "Readers that continued where they had stopped.")
        self.resets = self._counter("resets", "Readers that had to begin again: the log could not serve their place.")
        for end in ENDS:
            self.readers_closed.labels(end)

    def _of_the_log(self) -> None:
        self.log_append = self._histogram(
            "log_append_seconds",
            "From an event's append until it is durable: the slowest of each tenth of a second.",
            SHORT_SECONDS,
        )
        self.log_events = self._counter("log_events", "Events that became durable.")
        self.events_per_second = self._gauge("events_per_second", "Events that became durable in the last 5 seconds.")

    def _of_the_process(self) -> None:
        self.live_runs = self._gauge("live_runs", "Runs that are generated now.")
        self.circuits_open = self._gauge("circuits_open", "Models whose circuit is open in a worker now.", "provider")
        self.tokens_per_second = self._gauge(
            "completion_tokens_per_second", "Completion tokens of the runs that ended in the last minute."
        )
        self.greenlets = self._gauge("greenlets", "Greenlets that are alive.")
        self.hub_lag = self._histogram(
            "hub_lag_seconds", "How late a timer fires: so long did one greenlet hold up all others.", SHORT_SECONDS
        )

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"chatapp_{name}", meaning, labels, registry=self._registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        """Summed over the workers that live."""
        return Gauge(f"chatapp_{name}", meaning, labels, registry=self._registry, multiprocess_mode="livesum")

    def _histogram(self, name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
        return Histogram(f"chatapp_{name}", meaning, labels, registry=self._registry, buckets=buckets)
