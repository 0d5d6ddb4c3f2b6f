"""Memory over many mails through one daemon, measured now and then."""

from pathlib import Path

from tests.bench import corpus, generator, meter, stage
from tests.bench.figures import Run
from tests.bench.ledger import Ledger
from tests.bench.targets.target import Target

STOPS = (10_000, 25_000, 50_000)  # multiples of AT_ONCE
AT_ONCE = 5_000  # made beforehand at a time


async def once(folder: Path, target: Target) -> Run:
    measures: dict[str, float] = {}
    faults: dict[str, int] = {}
    async with stage.running(folder, target) as place:
        measures["at rest (MB)"] = meter.pss(place.server.roots)
        with meter.Meter(place.server.roots) as watch:
            for first in range(0, STOPS[-1], AT_ONCE):
                ledger = Ledger(corpus.mails(AT_ONCE, run=f"m{first}x"))
                await place.play(ledger, _send)
                faults = {name: count + faults.get(name, 0) for name, count in ledger.faults().items()}
                if first + AT_ONCE in STOPS:
                    measures[f"after {first + AT_ONCE:,} mails (MB)"] = meter.pss(place.server.roots)
        measures["at most (MB)"] = watch.peak
    early, late = (measures[f"after {stop:,} mails (MB)"] for stop in (STOPS[0], STOPS[-1]))
    measures[f"growth from {STOPS[0]:,} to {STOPS[-1]:,} (MB)"] = late - early
    return Run(measures, faults)


async def _send(port: int, ledger: Ledger) -> None:
    await generator.kept(port, ledger, connections=50)
