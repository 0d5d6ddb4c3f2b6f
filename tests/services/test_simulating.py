"""Recorded months told again on the virtual clock: the same steps and promises, to the microsecond."""

from datetime import timedelta
from pathlib import Path

import pytest

from mailbot.core.report import Period
from mailbot.core.simulation.run import Happened, together
from mailbot.core.simulation.twins import Twins, Verdict
from mailbot.services.past import Past
from mailbot.services.simulating import Left, Side, Versions, recorded, world
from mailbot.store.store import Store
from tests.builders import NOW
from tests.services.months import Months

HOUR = timedelta(hours=1)


def told_again(store: Store, until: object) -> tuple[Verdict, list[Happened]]:
    period = Period(NOW - HOUR, until, "Asia/Jakarta")
    versions, left = Versions(store, Past({})), Left()
    side = Side(None)
    _, feed = recorded(store, period, [side], versions, left)
    twins, found = Twins(period.until), []
    for _, run, happened in together([world(side, versions)], feed, period.until):
        twins.take(happened, run.taken_until)
        found.append(happened)
    assert (left.unknown, left.versions) == (0, set())
    return twins.verdict, found


@pytest.mark.parametrize("seed", range(4))
async def test_months_of_a_desk_are_reproduced_to_the_microsecond(
    store: Store, tmp_path: Path, seed: int
) -> None:
    desk = Months(store, tmp_path, seed)
    for _ in range(120):
        late = desk.chance.choice([timedelta(), timedelta(), timedelta(seconds=1), 3 * HOUR])
        await desk.pass_by(timedelta(minutes=desk.chance.randrange(1, 900)), late=late)
        await desk.act_at_random()
    await desk.pass_by(80 * HOUR)

    verdict, _ = told_again(store, desk.clock + HOUR)

    assert verdict.differences == []
    assert verdict.told_otherwise == []
    assert verdict.same > 300
