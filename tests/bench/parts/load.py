"""Mail through a whole server: throughput, latency, cost, and whether all of it was answered."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.bench import corpus, generator, meter, stage
from tests.bench.figures import Run, percentile
from tests.bench.generator import Send
from tests.bench.ledger import Ledger
from tests.bench.sink import Sink
from tests.bench.targets.mailbot import OnSqlite
from tests.bench.targets.target import Target

CONNECTIONS = 50
CROWD = 190  # connections of a burst; the shipped cap is 200 sessions


@dataclass(frozen=True, slots=True)
class Load:
    """What one run sends. `shows` chooses the figures that are meaningful for it."""

    mails: int
    seed: int
    send: Send
    shows: Callable[[Ledger], dict[str, float]]


def new_each(mails: int, seed: int) -> Load:
    return Load(mails, seed, partial(generator.one_each, connections=CONNECTIONS), _rates)


def kept(mails: int, seed: int) -> Load:
    return Load(mails, seed, partial(generator.kept, connections=CONNECTIONS), _rates)


def steady(mails: int, seed: int, rate: float) -> Load:
    return Load(mails, seed, partial(generator.at_rate, rate=rate, seed=seed), _punctuality)


def burst(mails: int, seed: int) -> Load:
    return Load(mails, seed, partial(generator.one_each, connections=CROWD), _drain)


async def ceiling(mails: int) -> float:
    """Return how many mails a second the generator sends into the sink: what no server can exceed here."""
    ledger = Ledger(corpus.mails(mails))
    async with Sink() as sink:
        began = ledger.clock()
        await generator.one_each(sink.port, ledger, connections=CONNECTIONS)
        return mails / (ledger.clock() - began)


async def storm(folder: Path, load: Load) -> Run:
    """Run with the detection of incidents: most notices to agents are saved, the others wait for a minute."""
    run = await measure(folder, OnSqlite(incidents=True), load)
    faults = {name: count for name, count in run.faults.items() if name != "tickets without a notice"}
    return replace(run, faults=faults)


async def measure(folder: Path, target: Target, load: Load, **env: str) -> Run:
    """Run once on a fresh server; `env` is added to its environment."""
    ledger = Ledger(await asyncio.to_thread(corpus.mails, load.mails, seed=load.seed))
    async with stage.running(folder, target, **env) as place:
        roots = place.server.roots
        rest = meter.pss(roots)
        await place.warm_up()
        with meter.Meter(roots) as spent:
            await place.play(ledger, load.send)
            costs = _costs(spent, ledger, rest, meter.pss(roots))
    remarks = tuple(f"{count} x {trouble}" for trouble, count in ledger.troubles.items())
    return Run({**load.shows(ledger), **latencies(ledger), **costs}, ledger.faults(), remarks)


def _costs(spent: meter.Meter, ledger: Ledger, rest: float, now: float) -> dict[str, float]:
    """Compute the cost of a mail, with the mail to the staff, which is sent by now."""
    mails = max(1, ledger.taken)
    return {
        "CPU a mail (ms)": 1000 * spent.spent / mails,
        "memory at rest (MB)": rest,
        "memory at most (MB)": max(spent.peak, now),
        "generator and sink, CPU a mail (ms)": 1000 * spent.own / mails,
        "mails sent on": ledger.answered + ledger.others,
        "mails not taken": len(ledger.mails) - ledger.taken,
    }


def _rates(ledger: Ledger) -> dict[str, float]:
    began = min(ledger.began_at)
    return {
        "accepted (/s)": ledger.taken / (_last(ledger.taken_at) - began),
        "acknowledged (/s)": ledger.answered / (_last(ledger.answered_at) - began),
    }


def _drain(ledger: Ledger) -> dict[str, float]:
    began = min(ledger.began_at)
    accepting = _last(ledger.taken_at) - began
    return {
        **_rates(ledger),
        "accepting all (s)": accepting,
        "last acknowledgement / accepting": (_last(ledger.answered_at) - began) / accepting,
    }


def _punctuality(ledger: Ledger) -> dict[str, float]:
    """Compute whether the rate was kept, from when a mail should have been sent: this hides no waiting."""
    late = _spans(ledger.wanted_at, ledger.began_at)
    whole = _spans(ledger.wanted_at, ledger.answered_at)
    return {
        "begun late p99 (ms)": percentile(late, 0.99),
        "wanted to acknowledged p99 (ms)": percentile(whole, 0.99),
    }


def latencies(ledger: Ledger) -> dict[str, float]:
    """Compute the time from the end of DATA to the 250 and to the acknowledgement in the sink."""
    taken = _spans(ledger.data_at, ledger.taken_at)
    answered = _spans(ledger.data_at, ledger.answered_at)
    return {
        "250 p50 (ms)": percentile(taken, 0.5),
        "250 p99 (ms)": percentile(taken, 0.99),
        "acknowledgement p50 (ms)": percentile(answered, 0.5),
        "acknowledgement p99 (ms)": percentile(answered, 0.99),
    }


def _spans(start: list[float], end: list[float]) -> list[float]:
    """Return milliseconds for mails that have both times."""
    spans = (1000 * (late - early) for early, late in zip(start, end, strict=True))
    return [span for span in spans if span == span]


def _last(moments: list[float]) -> float:
    return max((at for at in moments if at == at), default=float("nan"))
