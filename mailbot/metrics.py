"""Every metric, declared in one line each, and the few figures that the store provides."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

MOST_REASONS = 40  # a reason may quote a header, and each label value stays for good
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts from the store. `oldest`: age of the oldest row that waits, in "inbox" and "outbox"."""

    inbox: Mapping[str, int] = field(default_factory=dict)  # rows by state
    outbox: Mapping[str, int] = field(default_factory=dict)
    overdue_deadlines: int = 0
    oldest: Mapping[str, timedelta] = field(default_factory=dict)
    incidents: int = 0
    stuck: Mapping[str, int] = field(default_factory=dict)  # claimed and in nobody's hand, by place
    parked_deadlines: int = 0


class Metrics:
    """All metrics of one node, in a registry of its own. Labels hold fixed words, never customer text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reasons: set[str] = set()
        count = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry, buckets=SECONDS)

        self.accepted = count("mailbot_mails_accepted_total", "Mails committed and answered 250.")
        self.refused = count("mailbot_smtp_refusals_total", "SMTP refusals, by reply code.", ["code"])
        self.authenticated = count("mailbot_sender_checks_total", "Senders that we checked.", ["result"])
        self.opened = count("mailbot_tickets_opened_total", "Tickets opened.")
        self.threaded = count("mailbot_mails_threaded_total", "Mails put on their ticket.")
        self.shadow = count(
            "mailbot_shadow_tickets_total", "Tickets routed by the shadow policy too.", ["result"]
        )
        self.parked = count("mailbot_items_parked_total", "Mails and deadlines set aside for a person.")
        self.acknowledged = count(
            "mailbot_acknowledgements_sent_total", "Acknowledgements accepted by the relay."
        )
        self.acknowledgement_seconds = histogram(
            "mailbot_acknowledgement_seconds", "Receipt to relay's answer."
        )
        self.suppressed = count(
            "mailbot_acknowledgements_suppressed_total", "Acknowledgements not sent.", ["reason"]
        )
        self.delivered = count("mailbot_mails_delivered_total", "Mails accepted by the relay.", ["kind"])
        self.deferred = count("mailbot_deliveries_deferred_total", "Deliveries deferred.")
        self.failed = count("mailbot_deliveries_failed_total", "Deliveries that failed for good.")
        self.bounced = count("mailbot_bounces_total", "Bounces and complaints, by kind.", ["kind"])
        self.fired = count("mailbot_deadlines_fired_total", "Ladder steps taken.")
        self.lateness_seconds = histogram("mailbot_deadline_lateness_seconds", "Step taken after it was due.")

        self.deleted = count("mailbot_retention_deleted_total", "Deleted by retention, by kind.", ["kind"])
        self.retention_ended = gauge(
            "mailbot_retention_last_run_timestamp_seconds", "When this node last ended a run of retention."
        )

        self.store_failures = count("mailbot_store_write_failures_total", "Small writes that failed.")

        # Set at each scrape, from the store and the loops.
        self.store_up = gauge("mailbot_store_up", "1 when the store answers.")
        self.inbox = gauge("mailbot_inbox_mails", "Mails in the inbox, by state.", ["state"])
        self.outbox = gauge("mailbot_outbox_mails", "Mails in the outbox, by state.", ["state"])
        self.overdue_deadlines = gauge("mailbot_deadlines_overdue", "Deadlines due and not done.")
        self.incidents = gauge("mailbot_incidents_open", "Incidents that nobody has resolved.")
        self.oldest = gauge("mailbot_oldest_waiting_seconds", "Age of the oldest mail that waits.", ["queue"])
        self.stuck = gauge("mailbot_stuck_rows", "Rows claimed and in nobody's hand.", ["queue"])
        self.parked_deadlines = gauge("mailbot_deadlines_parked", "Deadlines that our code failed on.")
        self.troubles = gauge(
            "mailbot_trouble", "1 while something is wrong, by its kind; /healthz has the text.", ["kind"]
        )
        self.store_write_seconds = gauge(
            "mailbot_store_write_seconds", "How long the newest small write took, or has waited so far."
        )
        self.store_free = gauge("mailbot_store_free_bytes", "Bytes free where a SQLite store is.")
        self.store_free_inodes = gauge("mailbot_store_free_inodes", "Inodes free where a SQLite store is.")
        self.store_needed = gauge("mailbot_store_needed_bytes", "Below so many free bytes mail gets 452.")
        self.sessions = gauge("mailbot_smtp_sessions", "SMTP and LMTP sessions that are open.")
        self.sessions_limit = gauge("mailbot_smtp_sessions_limit", "How many sessions may be open.")
        self.stress = gauge("mailbot_smtp_stress", "1 while places are few and patience is short.")
        self.certificate_end = gauge(
            "mailbot_certificate_end_timestamp_seconds", "When the listener's certificate ends."
        )
        self.turned = gauge(
            "mailbot_loop_last_run_seconds", "Time since the last turn of each loop.", ["loop"]
        )
        ProcessCollector(registry=self.registry)  # CPU, memory, descriptors of this process

    def suppress(self, reason: str) -> None:
        """Count an acknowledgement not sent, by the class of its reason: the part before the colon."""
        label = reason.partition(":")[0].strip()
        if label not in self._reasons and len(self._reasons) >= MOST_REASONS:
            label = "other"
        self._reasons.add(label)
        self.suppressed.labels(label).inc()

    def show(self, figures: Figures | None) -> None:
        """Set the gauges. None: the store does not answer, and no figure is better than an old one."""
        self.store_up.set(figures is not None)
        self.overdue_deadlines.set(figures.overdue_deadlines if figures else float("nan"))
        self.incidents.set(figures.incidents if figures else float("nan"))
        self.parked_deadlines.set(figures.parked_deadlines if figures else float("nan"))
        _fill(self.inbox, figures.inbox if figures else {})
        _fill(self.outbox, figures.outbox if figures else {})
        _fill(self.oldest, _ages(figures) if figures else {})
        _fill(self.stuck, figures.stuck if figures else {})

    def show_troubles(self, present: Collection[str], known: Collection[str]) -> None:
        """Set 1 for the kinds of trouble that are present, 0 for all others that are known."""
        _fill(self.troubles, {kind: float(kind in present) for kind in known})

    def show_loops(self, ages: Mapping[str, float]) -> None:
        """Set the seconds since the last turn of each loop, by its name."""
        _fill(self.turned, ages)


def _ages(figures: Figures) -> dict[str, float]:
    """Return seconds by queue. An empty queue counts as 0, so that an alert can compare."""
    return {"inbox": 0.0, "outbox": 0.0} | {
        queue: age.total_seconds() for queue, age in figures.oldest.items()
    }


def _fill(gauge: Gauge, values: Mapping[str, float]) -> None:
    gauge.clear()
    for label, value in values.items():
        gauge.labels(label).set(value)
