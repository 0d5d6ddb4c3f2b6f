"""The model of the queues against the real daemon: `python -m tests.bench.parts.queues [--rate 20]`.

First two runs give the costs: mails taken while the relay is down, then mails taken and answered. Then the relay is
down for a while, and a burst comes; the model says what will happen, and the daemon shows what happens.
"""

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from math import inf, isnan
from pathlib import Path

from tests.bench import corpus, generator
from tests.bench.figures import Part, Run, percentile
from tests.bench.ledger import Ledger
from tests.bench.queues import Costs, Outcome, arrivals, play
from tests.bench.sink import Sink
from tests.bench.targets import mailbot
from tests.scenarios.harness import DaemonProcess, free_port

CALIBRATION = 300  # mails
GIVE_UP = 120  # seconds


async def once(folder: Path, rate: float, seed: int) -> dict[str, tuple[Run, Run]]:
    """Return for each scenario what was predicted and what was measured."""
    costs = await _costs(folder, seed)
    down, burst = ((rate, 30.0),), ((rate, 5.0), (10 * rate, 5.0), (rate, 10.0))
    return {
        f"relay down for 20 s at {rate:g}/s": await _compare(folder, down, (5.0, 25.0), costs, seed),
        f"ten times {rate:g}/s for 5 s": await _compare(folder, burst, (inf, inf), costs, seed + 1),
    }


async def _costs(folder: Path, seed: int) -> Costs:
    async with _daemon(folder) as (daemon, _):
        take = await _seconds(daemon, Ledger(corpus.mails(CALIBRATION, run="take", seed=seed)))
    async with _daemon(folder) as (daemon, sink), sink:
        both = await _seconds(daemon, Ledger(corpus.mails(CALIBRATION, run="both", seed=seed)), sink)
    return Costs(take, max(both - take, 0.0001) / 2)


async def _seconds(daemon: DaemonProcess, ledger: Ledger, sink: Sink | None = None) -> float:
    """Return the seconds for a mail at full load."""
    if sink:
        sink.arrived = ledger.arrived
    began = ledger.clock()
    await generator.one_each(daemon.port, ledger, connections=20)
    await _until_done(daemon, wholly=sink is not None)
    return (ledger.clock() - began) / len(ledger.mails)


async def _until_done(daemon: DaemonProcess, *, wholly: bool) -> None:
    query = mailbot.WAITING if wholly else "SELECT count(*) AS n FROM inbox WHERE state = 'new'"
    async with asyncio.timeout(GIVE_UP):
        while daemon.rows(query)[0]["n"]:  # noqa: ASYNC110  (asks another process)
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _daemon(folder: Path) -> AsyncIterator[tuple[DaemonProcess, Sink]]:
    """Run a daemon whose relay does not listen until the sink is entered."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        sink = Sink(free_port())
        async with mailbot.desk(Path(place), sink.port) as daemon:
            yield daemon, sink


async def _compare(
    folder: Path, phases: Sequence[tuple[float, float]], down: tuple[float, float], costs: Costs, seed: int
) -> tuple[Run, Run]:
    moments = arrivals(phases, seed)
    predicted = play(moments, costs, down)
    measured = await _measure(folder, moments, down, seed)
    return _run(predicted, down, moments), _run(measured, down, moments)


async def _measure(folder: Path, moments: Sequence[float], down: tuple[float, float], seed: int) -> Outcome:
    ledger = Ledger(corpus.mails(len(moments), run="queues", seed=seed))
    async with _daemon(folder) as (daemon, sink):
        sink.arrived = ledger.arrived
        began = ledger.clock()
        sending = asyncio.create_task(_send(daemon.port, ledger, moments, began))
        most = 0
        if down[0] < inf:
            async with sink:
                await _until(ledger, began + down[0])
            await _until(ledger, began + down[1])
            most = int(daemon.rows(mailbot.WAITING)[0]["n"])
        async with sink:
            await sending
            await _until_done(daemon, wholly=True)
            end = ledger.clock() - began
    waits = (done - sent for done, sent in zip(ledger.answered_at, ledger.wanted_at, strict=True))
    return Outcome(sorted(wait for wait in waits if not isnan(wait)), most, end, end)


async def _send(port: int, ledger: Ledger, moments: Sequence[float], began: float) -> None:
    async with asyncio.TaskGroup() as group:
        for index, moment in enumerate(moments):
            ledger.wanted_at[index] = began + moment
            await _until(ledger, began + moment)
            group.create_task(generator._alone(port, ledger, index))


async def _until(ledger: Ledger, at: float) -> None:
    await asyncio.sleep(max(0.0, at - ledger.clock()))


def _run(outcome: Outcome, down: tuple[float, float], moments: Sequence[float]) -> Run:
    back = (
        {}
        if down[0] == inf
        else {
            "to send when the relay comes back": float(outcome.most),
            "all sent so long after (s)": outcome.empty_at - down[1],
        }
    )
    return Run(
        {
            **back,
            "acknowledgement p50 (s)": percentile(outcome.waits, 0.5),
            "acknowledgement p99 (s)": percentile(outcome.waits, 0.99),
            "all sent after the last mail (s)": outcome.empty_at - moments[-1],
        },
        {"missing": len(moments) - len(outcome.waits)},
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.parts.queues", description=__doc__)
    parser.add_argument("--rate", type=float, default=20.0, help="mails a second")
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(once(Path(folder), wanted.rate, wanted.seed))
    for title, (predicted, measured) in found.items():
        columns = {"model": [predicted], "daemon": [measured]}
        print(Part("queues", f"{title}, seed {wanted.seed}", columns).table())


if __name__ == "__main__":
    main()
