"""Lists and searches of the console at a large desk: `python -m tests.bench.parts.lists FOLDER --tickets 100000`.

A desk is made (`tests.bench.desk`) and its index filled unless the folder has them. Each list is asked for with each
filter, by an agent of the largest team and by a manager. Printed is the CPU of a whole request: a busy machine
changes it little. Elapsed time beside it.
"""

import argparse
import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from mailbot.config.api import load
from mailbot.domain.policy import Policy
from mailbot.store import migrate
from mailbot.store.console import sessions
from mailbot.store.store import Store
from tests.bench import desk
from tests.bench.figures import percentile
from tests.bench.parts import search
from tests.console.office import Office, Visitor

KINDS = 4  # of each kind of search


def paths(policy: Policy, store: Store) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield (kind, path, parameters) of every list, and of searches of each kind."""
    yield "my list", "/tickets", {}
    team = max(policy.teams.values(), key=lambda team: len(team.agents))
    for name, value in {
        "team": team.name,
        "level": policy.levels[1],
        "priority": "urgent",
        "agent": team.agents[0].address,
        "category": policy.categories[0],
        "tag": "vip",
        "turn": "customer",
        "sort": "newest",
        "late": "1",
        "unassigned": "1",
        "automatic": "1",
        "incident": "TOKO-48217390-8",
        "page": "2",
        "customer": "pelanggan1@contoh.example",
    }.items():
        yield f"team list by {name}", "/tickets/team", {name: value}
        yield f"closed ones by {name}", "/tickets/team", {name: value, "status": "closed"}
    yield "closed ones that nothing fits", "/tickets/team", {"tag": "nothing", "status": "closed"}
    for kind, words in search.searches(store, Random(1), KINDS):
        yield f"search: {kind}", "/search", {"q": words}


async def timed(office: Office, address: str, rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return (CPU, elapsed) in milliseconds of each request by kind. The first of each is not counted."""
    found: dict[str, list[tuple[float, float]]] = {}
    office.intake.clock = datetime.now(UTC)
    office.store.write_now(sessions.end_of_address, address)  # of the run before
    async with office.visitor(address, **{"HX-Request": "true"}) as visitor:
        for kind, path, asked in paths(office.desk.policy, office.store):
            await _ask(office, visitor, path, asked)
            for _ in range(rounds):
                found.setdefault(kind, []).append(await _ask(office, visitor, path, asked))
    return found


async def _ask(office: Office, visitor: Visitor, path: str, asked: dict[str, str]) -> tuple[float, float]:
    cpu, began = time.process_time(), time.perf_counter()
    answer = await visitor.get(path, params=asked)
    assert answer.status_code == 200, (path, asked, answer.status_code)
    return (time.process_time() - cpu) * 1000, (time.perf_counter() - began) * 1000


def _print(found: dict[str, list[tuple[float, float]]]) -> None:
    every = [each for spans in found.values() for each in spans]
    for kind, spans in (*found.items(), ("all", every)):
        shown = [
            f"{percentile([each[n] for each in spans], share):8.1f}" for n in (0, 1) for share in (0.5, 0.99)
        ]
        print(f"{kind:44}{''.join(shown)}")


async def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.parts.lists", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    wanted = parser.parse_args()
    config = wanted.folder / "config"
    if not config.exists():
        wanted.folder.mkdir(parents=True, exist_ok=True)
        config = desk.shipped(wanted.folder, f"{wanted.folder.resolve()}/mailbot.db")
        desk.build(load(config, os.environ), wanted.tickets)
    loaded = load(config, os.environ)
    migrate.upgrade(loaded.settings.store)
    store = Store(loaded.settings.store)
    search.fill(store)
    given = {each.name: getattr(loaded.policy, each.name) for each in fields(Policy) if each.init}
    office = Office(store, **given)
    team = max(loaded.policy.teams.values(), key=lambda team: len(team.agents))
    manager = next(
        each for each in loaded.policy.agents.values() if each.level == loaded.policy.levels[-1]
    ).address
    for address in (team.agents[0].address, manager):
        print(f"\n{address}: CPU p50, p99; elapsed p50, p99 (ms)")
        _print(await timed(office, address, wanted.rounds))
    store.close()


if __name__ == "__main__":
    asyncio.run(main())
