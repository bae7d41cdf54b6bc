"""What the status page shows, from the figures of all workers. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from prometheus_client.core import Metric


@dataclass(frozen=True)
class Bar:
    """A bar of a histogram: how many took up to `upto_s`, and more than the bar before."""

    upto_s: float
    count: int

    @property
    def label(self) -> str:
        return "more" if self.upto_s == float("inf") else f"{self.upto_s:g}"


@dataclass(frozen=True)
class Worker:
    pid: str
    memory_mb: float
    open_fds: int
    max_fds: float


@dataclass(frozen=True)
class Row:
    """A provider's counts, the greatest first."""

    provider: str
    counts: Sequence[tuple[str, int]]

    @property
    def total(self) -> int:
        return sum(count for _, count in self.counts)


@dataclass(frozen=True)
class Status:
    live_runs: int
    readers: int
    tokens_per_s: float
    events_per_s: float
    greenlets: int
    cancels: int
    first_token: Sequence[Bar]
    runs: Sequence[Row]
    errors: Sequence[Row]
    circuits: Sequence[Row]
    hub_lag_p99_s: float | None
    log_append_p99_s: float | None
    workers: Sequence[Worker]

    def first_token_within(self, share: float) -> float | None:
        return quantile(self.first_token, share)


def status_of(families: Iterable[Metric]) -> Status:
    seen = _Seen(families)
    return Status(
        live_runs=int(seen.sum("live_runs")),
        readers=int(seen.sum("readers")),
        tokens_per_s=seen.sum("completion_tokens_per_second"),
        events_per_s=seen.sum("events_per_second"),
        greenlets=int(seen.sum("greenlets")),
        cancels=int(seen.sum("cancels_total")),
        first_token=seen.bars("first_token_seconds"),
        runs=seen.rows("runs_total", "outcome"),
        errors=seen.rows("upstream_errors_total", "kind"),
        circuits=seen.rows("circuits_open", "provider"),
        hub_lag_p99_s=quantile(seen.bars("hub_lag_seconds"), 0.99),
        log_append_p99_s=quantile(seen.bars("log_append_seconds"), 0.99),
        workers=seen.workers(),
    )


def quantile(bars: Sequence[Bar], share: float) -> float | None:
    """A time that this share did not exceed: the upper end of its bar. None: there is nothing."""
    left = share * sum(bar.count for bar in bars)
    if not left:
        return None
    for bar in bars:
        left -= bar.count
        if left <= 0:
            return bar.upto_s
    return float("inf")


class _Seen:
    """The samples by name, without `chatapp_`."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._samples = defaultdict(list)
        for family in families:
            for sample in family.samples:
                self._samples[sample.name.removeprefix("chatapp_")].append(sample)

    def sum(self, name: str) -> float:
        return sum(sample.value for sample in self._samples[name])

    def bars(self, name: str) -> list[Bar]:
        """Of all label values together. The samples count upwards, the bars do not."""
        upto: dict[float, float] = defaultdict(float)
        for sample in self._samples[f"{name}_bucket"]:
            upto[float(sample.labels["le"])] += sample.value
        bars, below = [], 0
        for end, count in sorted(upto.items()):
            bars.append(Bar(end, int(count) - below))
            below = int(count)
        return bars

    def rows(self, name: str, label: str) -> list[Row]:
        """What is not zero, by provider and this label."""
        counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for sample in self._samples[name]:
            if sample.value:
                counts[sample.labels["provider"]][sample.labels[label]] += int(sample.value)
        rows = [Row(provider, sorted(of.items(), key=lambda item: -item[1])) for provider, of in counts.items()]
        return sorted(rows, key=lambda row: -row.total)

    def workers(self) -> list[Worker]:
        memory, opened, limits = (
            {sample.labels["pid"]: sample.value for sample in self._samples[name]}
            for name in ("resident_memory_bytes", "open_fds", "max_fds")
        )
        return [Worker(pid, size / (1 << 20), int(opened[pid]), limits[pid]) for pid, size in memory.items()]
