"""Recorded months simulated again: the same steps and targets, to the microsecond."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete

from mailbot.analysis.past_policies import PastPolicies
from mailbot.analysis.simulate.cases import Omissions, PolicyVersions, Variant, recorded, scenario_of
from mailbot.analysis.simulate.engine import Outcome, run_together
from mailbot.analysis.simulate.reproduction import Reproduction, Verdict
from mailbot.config.api import load_policy
from mailbot.domain import events as e
from mailbot.reports.figures.api import Period
from mailbot.store.schema import policies
from mailbot.store.store import Store
from tests.analysis.simulate.months import Months, written
from tests.builders import NOW
from tests.workers.channels.chat import ChatDesk

HOUR = timedelta(hours=1)
AS_RECORDED = Variant(None)


async def lived(store: Store, folder: Path, seed: int, count: int) -> Months:
    """Run `count` random acts, with a daemon that is down now and then."""
    desk = Months(store, folder, seed)
    for _ in range(count):
        late = desk.chance.choice([timedelta(), timedelta(), timedelta(seconds=1), 3 * HOUR])
        await desk.pass_by(timedelta(minutes=desk.chance.randrange(1, 900)), late=late)
        await desk.act_at_random()
    await desk.pass_by(20 * HOUR)
    return desk


def simulated_again(
    store: Store, until: datetime, variant: Variant = AS_RECORDED
) -> tuple[Verdict, list[Outcome]]:
    period = Period(NOW - HOUR, until, "Asia/Jakarta")
    versions, left = PolicyVersions(store, PastPolicies({})), Omissions()
    _, feed = recorded(store, period, [variant], versions, left)
    twins, found = Reproduction(period.until), []
    for _, run, outcome in run_together([scenario_of(variant, versions)], feed, period.until):
        twins.take(outcome, run.taken_until)
        found.append(outcome)
    assert (left.unknown, left.versions) == (0, set())
    return twins.verdict, found


@pytest.mark.parametrize(
    ("store_url", "seed", "count"),
    [("sqlite", 1, 60), ("sqlite", 20, 60), ("postgres", 3, 20)],
    indirect=["store_url"],
)
async def test_recorded_months_are_reproduced_to_the_microsecond(
    store: Store, tmp_path: Path, seed: int, count: int
) -> None:
    desk = await lived(store, tmp_path, seed, count)
    verdict, found = simulated_again(store, desk.clock + HOUR)

    assert verdict.differences == []
    assert verdict.told_otherwise == []
    assert verdict.not_modelled == []
    assert verdict.same > count
    kinds = {type(event) for each in found for event in each.events}
    assert {e.StepTaken, e.TargetMissed, e.TicketEscalated, e.ReminderDue, e.PeopleNotified} <= kinds


class ChatMonths(Months, ChatDesk):
    """Months of a desk that also has a chat."""


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_chat_that_was_routed_again_is_reproduced(store: Store, tmp_path: Path) -> None:
    desk = ChatMonths(store, tmp_path, 1)
    for person, words in enumerate(
        (("Halo kak", "akun saya diretas, saldo hilang"), ("Halo", "tolong", "kak"))
    ):
        for text in words:
            await desk.said(text, by=f"+62{person}")
            await desk.pass_by(timedelta(minutes=2))
    await desk.pass_by(30 * HOUR)
    verdict, found = simulated_again(store, desk.clock + HOUR)

    assert (verdict.differences, verdict.told_otherwise, verdict.not_modelled) == ([], [], [])
    assert [type(each) for outcome in found for each in outcome.events].count(e.TicketRouted) == 3


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_punctual_simulation_of_a_punctual_record_equals_it(store: Store, tmp_path: Path) -> None:
    """Check without reloads and delays, where a punctual scenario and the record must be equal."""
    desk = Months(store, tmp_path, 5)
    for _ in range(30):
        await desk.pass_by(timedelta(minutes=desk.chance.randrange(1, 600)))
        if not desk.numbers or desk.chance.random() < 0.4:
            await desk.opens()
        else:
            await desk.answers(desk.chance.choice(desk.numbers))
    same = load_policy(written(tmp_path / "same", 0), {}, today=desk.clock.date()).policy
    _, on_record = simulated_again(store, desk.clock)
    _, punctual = simulated_again(store, desk.clock, Variant(same))

    def acts(found: list[Outcome]) -> list[tuple[datetime, str, str]]:
        kinds = e.StepTaken | e.TargetMissed | e.TicketEscalated | e.ReminderDue
        return sorted(
            (event.at, each.script.number, event.kind)
            for each in found
            for event in each.events
            if isinstance(event, kinds)
        )

    assert acts(punctual) == acts(on_record)
    assert len(acts(on_record)) > 30


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
async def test_a_ticket_whose_policy_is_unknown_is_left_out_of_the_record_only(
    store: Store, tmp_path: Path
) -> None:
    desk = Months(store, tmp_path, 5)
    for _ in range(3):
        await desk.opens()
    newer = load_policy(written(tmp_path / "newer", 1), {}, today=desk.clock.date()).policy
    store.write_now(_forget_policies, None)
    period, left = Period(NOW - HOUR, desk.clock + HOUR, "Asia/Jakarta"), Omissions()
    versions = PolicyVersions(store, PastPolicies({}))

    assert list(recorded(store, period, [AS_RECORDED], versions, left)[1]) == []
    assert (left.unknown, left.versions) == (3, {desk.runtime.policy.version})
    assert len(list(recorded(store, period, [Variant(newer)], versions, left)[1])) == 3


def _forget_policies(connection: Connection, _items: object) -> list[None]:
    connection.execute(delete(policies))
    return [None]
