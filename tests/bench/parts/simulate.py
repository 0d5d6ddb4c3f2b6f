"""A year of recorded tickets on the virtual clock: the whole time of `mailbot simulate`.

The engine itself generates the record, so it must be reproduced exactly.
"""

import json
import resource
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from mailbot.analysis.simulate import synthetic
from mailbot.analysis.simulate.cases import scenario_of_policy
from mailbot.analysis.simulate.engine import run_together
from mailbot.config.api import load as load_settings
from mailbot.domain.events import Event
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_outline import outline
from mailbot.reports.figures.api import Period
from mailbot.store import ladders, migrate, policies, tickets
from mailbot.store.store import Store
from mailbot.store.tickets import TicketChange
from tests.bench.figures import Run
from tests.scenarios.harness import DaemonProcess

AT_ONCE = 1_000
YEAR = timedelta(days=365)


async def once(daemon: DaemonProcess, count: int) -> Run:
    end = datetime.now(UTC).replace(microsecond=0)
    began = time.perf_counter()
    _fill(daemon, count, end)
    measures = {"making the record (s)": time.perf_counter() - began}
    span = ("--from", (end - YEAR).isoformat(), "--to", end.isoformat())
    told, measures["reproduced (s)"] = await _simulate(daemon, *span)
    daemon.edit("escalation.yaml", r"first_response: 1 h", "first_response: 2 h")
    both, measures["two policies beside each other (s)"] = await _simulate(
        daemon, *span, "--policy", str(daemon.config)
    )
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    measures["most memory (MB)"] = most / (1024 if sys.platform == "linux" else 1024**2)
    faults = {
        "tickets not simulated": count - told["policies"][0]["figures"]["tickets"],
        "differences from the record": len(told["verdict"]["differences"]),
        "told to others than on record": len(told["verdict"]["told_otherwise"]),
        "nothing differs where something must": int(not both["changed"]),
    }
    return Run(measures, faults)


async def _simulate(daemon: DaemonProcess, *words: str) -> tuple[dict[str, Any], float]:
    began = time.perf_counter()
    _, out, err = await daemon.command("simulate", *words, "--json")
    assert out, err
    return json.loads(out), time.perf_counter() - began


def _fill(daemon: DaemonProcess, count: int, end: datetime) -> None:
    """Store the tickets with their events, in their final state."""
    loaded = load_settings(daemon.config, daemon.environment())
    migrate.upgrade(loaded.settings.store)
    store, policy, sources = Store(loaded.settings.store), loaded.policy, loaded.sources
    at = end - YEAR
    entered = policies.ActivePolicy(policy.version, at, outline(policy), sources.files, sources.templates)
    store.write_now(policies.record_active, entered)
    store.write_now(ladders.save, policy)
    gathered: list[TicketChange] = []
    for outcome in _outcomes(policy, Period(at, end, "Asia/Jakarta"), count):
        gathered.append(outcome)
        if len(gathered) == AT_ONCE:
            store.write_now(_record, tuple(gathered))
            gathered.clear()
    store.write_now(_record, tuple(gathered))
    store.close()


def _outcomes(policy: Policy, period: Period, count: int) -> Any:
    feed = ([script] for script in synthetic.generate(policy, period, count, seed=1))
    told: dict[str, list[Event]] = {}
    for _, _, outcome in run_together([scenario_of_policy(policy)], feed, period.until):
        events = told.setdefault(outcome.script.number, [])
        events += outcome.events
        if outcome.over:
            del told[outcome.script.number]
            yield TicketChange(None, outcome.after, tuple(events), policy.version, None)


def _record(connection: Any, items: Any) -> list[None]:
    for outcomes in items:
        tickets.record(connection, outcomes)
    return [None] * len(items)
