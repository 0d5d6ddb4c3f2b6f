"""One page of metrics for all processes of a supervisor: counters are summed, gauges by their meaning."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import add
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

# (name, help, type, samples); a sample: (name, labels, value). Primitives, so that they go from process to process.
Family = tuple[str, str, str, list[tuple[str, dict[str, str], float]]]


def _least(one: float, other: float) -> float:
    """Return the smaller one; NaN is not known."""
    return min((value for value in (one, other) if not math.isnan(value)), default=math.nan)


# Gauges of several processes. Any other is that of the process which serves the page: all read the same store.
GAUGES: Mapping[str, Callable[[float, float], float]] = {
    "mailbot_smtp_sessions": add,
    "mailbot_smtp_sessions_limit": add,
    "mailbot_smtp_stress": max,
    "mailbot_trouble": max,
    "mailbot_loop_last_run_seconds": max,
    "mailbot_store_write_seconds": max,
    "mailbot_retention_last_run_timestamp_seconds": max,
    "mailbot_certificate_end_timestamp_seconds": _least,
    "process_virtual_memory_bytes": add,
    "process_resident_memory_bytes": add,
    "process_open_fds": add,
    "process_max_fds": min,
    "process_start_time_seconds": min,
}


def export(registry: CollectorRegistry) -> list[Family]:
    """Return all metrics of this process."""
    return [
        (each.name, each.documentation, each.type, [(s.name, dict(s.labels), s.value) for s in each.samples])
        for each in registry.collect()
    ]


def write_page(
    registry: CollectorRegistry, others: Iterable[Iterable[Family]], more: Iterable[Metric]
) -> bytes:
    """Write the page: the metrics of this process with those of `others` added, and `more`."""
    families = {family[0]: family for family in export(registry)}
    for family in (each for other in others for each in other):
        mine = families.get(family[0])
        families[family[0]] = _add(mine, family) if mine else family
    return generate_latest(_Page([*map(_metric, families.values()), *more]))


class _Page:
    """What `generate_latest` asks of a registry."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics


def _add(mine: Family, theirs: Family) -> Family:
    name, text, kind, samples = mine
    join = GAUGES.get(name) if kind == "gauge" else add
    if join is None:
        return mine
    values = {_key(sample): sample for sample in samples}
    for sample in theirs[3]:
        known = values.get(_key(sample))
        joined = (
            (min if sample[0].endswith("_created") else join)(known[2], sample[2]) if known else sample[2]
        )
        values[_key(sample)] = (sample[0], sample[1], joined)
    return name, text, kind, list(values.values())


def _key(sample: tuple[str, dict[str, str], float]) -> tuple[Any, ...]:
    return sample[0], *sorted(sample[1].items())


def _metric(family: Family) -> Metric:
    name, text, kind, samples = family
    metric = Metric(name, text, kind)
    for sample in samples:
        metric.add_sample(*sample)
    return metric


def of_processes(
    processes: Iterable[Mapping[str, Any]], reports: Mapping[str, Iterable[Family]]
) -> list[Metric]:
    """Return what distinguishes processes: whether each runs, how often it was started again, CPU and memory."""
    up = GaugeMetricFamily("mailbot_process_up", "1 while this process is ready.", labels=["process"])
    again = CounterMetricFamily(
        "mailbot_process_restarts", "How often the supervisor started it again.", labels=["process"]
    )
    cpu = CounterMetricFamily("mailbot_process_cpu_seconds", "CPU of this process.", labels=["process"])
    memory = GaugeMetricFamily(
        "mailbot_process_resident_memory_bytes", "Memory of this process.", labels=["process"]
    )
    for each in processes:
        up.add_metric([each["name"]], float(each["ready"]))
        again.add_metric([each["name"]], float(each["restarts"]))
    for name, families in reports.items():
        values = {sample[0]: sample[2] for family in families for sample in family[3]}
        if "process_cpu_seconds_total" in values:
            cpu.add_metric([name], values["process_cpu_seconds_total"])
            memory.add_metric([name], values["process_resident_memory_bytes"])
    return [up, again, cpu, memory]
