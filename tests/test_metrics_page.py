"""One page for the metrics of several processes."""

import math
import pickle

from prometheus_client.parser import text_string_to_metric_families

from mailbot.metrics import Metrics
from mailbot.metrics_page import GAUGES, export, of_processes, write_page


def two() -> tuple[Metrics, Metrics]:
    return Metrics(), Metrics()


def page(main: Metrics, *others: Metrics) -> dict[tuple[str, str], float]:
    """Return the values by name and label; the others' metrics have come through a pipe."""
    reports = [pickle.loads(pickle.dumps(export(other.registry))) for other in others]
    text = write_page(main.registry, reports, of_processes([], {})).decode()
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_and_histograms_are_summed_by_their_labels() -> None:
    main, front = two()
    main.refused.labels("421").inc()
    front.refused.labels("421").inc(2)
    front.refused.labels("550").inc(4)
    main.acknowledgement_seconds.observe(0.3)
    front.acknowledgement_seconds.observe(0.3)
    found = page(main, front)
    assert found["mailbot_smtp_refusals_total", "421"] == 3
    assert found["mailbot_smtp_refusals_total", "550"] == 4
    assert found["mailbot_acknowledgement_seconds_bucket", "0.5"] == 2
    assert found["mailbot_acknowledgement_seconds_count", ""] == 2


def test_gauges_are_joined_by_their_meaning_and_those_of_the_store_are_mains() -> None:
    main, front = two()
    main.store_up.set(1)  # a front knows no store
    main.certificate_end.set(math.nan)  # main has no listener
    front.certificate_end.set(1e9)
    for metrics, sessions, stress in ((main, 0, 0), (front, 7, 1)):
        metrics.sessions.set(sessions)
        metrics.stress.set(stress)
    found = page(main, front, front)
    assert found["mailbot_store_up", ""] == 1
    assert found["mailbot_smtp_sessions", ""] == 14
    assert found["mailbot_smtp_stress", ""] == 1
    assert found["mailbot_certificate_end_timestamp_seconds", ""] == 1e9


def test_each_gauge_that_is_joined_exists() -> None:
    assert GAUGES.keys() <= {family.name for family in Metrics().registry.collect()}


def test_processes_are_told_apart_by_a_label() -> None:
    state = [
        {"name": "main", "ready": True, "restarts": 0},
        {"name": "front-1", "ready": False, "restarts": 3},
    ]
    main = Metrics()
    text = write_page(main.registry, [], of_processes(state, {"main": export(main.registry)})).decode()
    assert 'mailbot_process_up{process="front-1"} 0.0' in text
    assert 'mailbot_process_restarts_total{process="front-1"} 3.0' in text
    memory = [line for line in text.splitlines() if line.startswith("mailbot_process_resident_memory_bytes{")]
    assert float(memory[0].split()[1]) > 1e7
