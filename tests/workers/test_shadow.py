"""A shadow policy: its different results are recorded, and no mail ever waits for it or fails by it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailbot.domain.policy import Actions, Policy, Rule
from mailbot.domain.routing import conditions
from mailbot.store.service import shadows
from mailbot.store.service.shadows import ShadowRun
from mailbot.store.store import Store
from mailbot.workers.inbound.arrival import Processed
from mailbot.workers.inbound.intake import Intake
from mailbot.workers.shadow import MOST_WAITING, ROOM, Shadow
from tests.builders import policy
from tests.workers.test_intake import Desk

LAST = Rule("everything else", None, Actions(team="frontline"))
OTHER = policy(version="v2", rules=(LAST,))


class ShadowedDesk:
    """A desk beside which a policy looks on."""

    def __init__(self, store: Store, shadow_policy: Policy | None = OTHER) -> None:
        self.desk, self.store = Desk(store), store
        self.metrics = self.desk.deps.metrics
        self.shadow = Shadow(self.desk.deps)
        self.shadow.replace_policy(shadow_policy)
        self.desk.intake = Intake(self.desk.deps, "n1", on_processed=self.shadow.enqueue)

    async def look(self) -> None:
        while await self.shadow.run_once() == 0:
            pass

    async def flood(self, filed: Processed, times: int) -> list[int]:
        """Enqueue the same ticket often and count the missed ones, run by run."""
        for _ in range(times):
            self.shadow.enqueue(filed)
        await self.look()
        return [run.missed for run in self.runs]

    @property
    def runs(self) -> list[ShadowRun]:
        return self.store.read_now(shadows.runs)

    def count(self, result: str) -> float:
        return (
            self.metrics.registry.get_sample_value("mailbot_shadow_tickets_total", {"result": result}) or 0.0
        )


@pytest.fixture
def shadowed(store: Store) -> ShadowedDesk:
    return ShadowedDesk(store)


async def test_only_different_results_are_recorded_and_the_rest_is_counted(shadowed: ShadowedDesk) -> None:
    moved = await shadowed.desk.receive(Subject="Saldo terpotong")
    await shadowed.desk.receive(Subject="Barang rusak")
    await shadowed.look()

    [found] = shadowed.store.read_now(shadows.differences, "v2")
    assert (found.name, found.kind, found.old_rule, found.new_rule) == (
        moved.number,
        "uncaught",
        "payment",
        "everything else",
    )
    team = next(each for each in found.differences if each.name == "team")
    assert (team.old, team.new) == ("payments", "frontline")
    assert team.old_because == "payment: subject contains 'saldo'"
    at = shadowed.desk.clock
    assert shadowed.runs == [ShadowRun("v2", "v1", at, at, agreed=1, differed=1, missed=0)]
    assert (shadowed.count("agreed"), shadowed.count("differed")) == (1, 1)


async def test_it_does_not_touch_the_ticket(shadowed: ShadowedDesk) -> None:
    before = await shadowed.desk.receive(Subject="Saldo terpotong")
    await shadowed.look()

    again = await shadowed.desk.receive(Subject=f"Re: {before.number}")

    assert (before.team, again.team, again.rule) == ("payments", "payments", "payment")


async def test_mail_to_an_existing_ticket_is_not_compared(shadowed: ShadowedDesk) -> None:
    ticket = await shadowed.desk.receive(Subject="Saldo terpotong")
    await shadowed.look()
    await shadowed.desk.receive(Subject=f"Re: {ticket.number}")
    await shadowed.look()

    assert [(run.agreed, run.differed) for run in shadowed.runs] == [(0, 1)]


async def test_without_a_shadow_policy_nothing_is_kept(store: Store) -> None:
    without_shadow = ShadowedDesk(store, None)
    await without_shadow.desk.receive(Subject="Saldo terpotong")
    await without_shadow.look()

    assert without_shadow.runs == []


async def test_counts_of_a_later_turn_are_added(shadowed: ShadowedDesk) -> None:
    for subject in ("Saldo terpotong", "Barang", "Kurir"):
        await shadowed.desk.receive(Subject=subject)
        await shadowed.look()

    assert [(run.agreed, run.differed) for run in shadowed.runs] == [(2, 1)]


async def test_tickets_that_come_too_fast_are_left_out_and_counted(shadowed: ShadowedDesk) -> None:
    filed = await one_filed(shadowed)

    assert await shadowed.flood(filed, MOST_WAITING + 7) == [7]
    assert shadowed.count("missed") == 7


async def test_the_queue_of_mails_to_compare_is_bounded(shadowed: ShadowedDesk) -> None:
    filed = await one_filed(shadowed)
    long = replace(filed, mail=replace(filed.mail, visible="x" * (ROOM // 10), new_body=None))

    assert await shadowed.flood(long, 13) == [3]
    assert await shadowed.flood(long, 10) == [3]  # there is room again


async def test_its_fault_is_logged_once_and_then_it_does_nothing(store: Store) -> None:
    shadowed = ShadowedDesk(store, faulty())
    ticket = await shadowed.desk.receive(Subject="Saldo terpotong")
    with pytest.raises(ZeroDivisionError):
        await shadowed.look()

    await shadowed.desk.receive(Subject="Barang")
    await shadowed.look()  # nothing is raised, so the loop logs nothing

    assert ticket.team == "payments"
    assert shadowed.runs == []


async def test_after_a_fault_another_shadow_policy_may_run(store: Store) -> None:
    shadowed = ShadowedDesk(store, faulty())
    await shadowed.desk.receive(Subject="Saldo terpotong")
    with pytest.raises(ZeroDivisionError):
        await shadowed.look()

    shadowed.shadow.replace_policy(OTHER)
    await shadowed.desk.receive(Subject="Saldo terpotong")
    await shadowed.look()

    assert [run.differed for run in shadowed.runs] == [1]


async def test_customer_history_that_only_it_needs_is_read(store: Store) -> None:
    often = Rule("comes often", conditions.build("known_customer", "is", True), Actions(team="payments"))
    shadowed = ShadowedDesk(store, policy(version="v2", rules=(often, *policy().rules)))
    await shadowed.desk.receive(Subject="Barang")
    await shadowed.look()
    shadowed.desk.clock += timedelta(hours=1)
    again = await shadowed.desk.receive(Subject="Kurir")
    await shadowed.look()

    [found] = shadowed.store.read_now(shadows.differences, "v2")
    assert (found.name, found.new_rule) == (again.number, "comes often")


def faulty() -> Policy:
    """Build a policy that raises: no checked policy does, but a bug of mailbot could cause it."""
    good = conditions.build("subject", "contains", ["saldo"])
    broken = replace(good, test=lambda *_: 1 // 0)
    return policy(version="v2", rules=(Rule("broken", broken, Actions(team="payments")), LAST))


async def one_filed(shadowed: ShadowedDesk) -> Processed:
    caught: list[Processed] = []
    shadowed.desk.intake = Intake(shadowed.desk.deps, "n1", on_processed=caught.append)
    await shadowed.desk.receive(Subject="Barang")
    return caught[0]
