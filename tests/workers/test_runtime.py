"""A reload in the middle of a transaction: all that is recorded is of the policy that decided."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest

from mailbot.domain import commands as c
from mailbot.domain.commands.grammar import Act
from mailbot.domain.ladder import next_deadline
from mailbot.domain.model import Target
from mailbot.mail.compose.templates import load as load_templates
from mailbot.operations.reapply_policy import Reapply, reapply
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store import deadlines, tickets
from mailbot.store.store import Store
from mailbot.workers.agent_loads import FRESH, AgentLoads
from mailbot.workers.deadlines import Deadlines
from tests.builders import BOX, EKO, STANDARD, policy
from tests.workers.test_intake import Desk

BALANCED = {name: replace(team, assign="least_load") for name, team in policy().teams.items()}
SLOWER = replace(STANDARD, targets={target: timedelta(days=9) for target in Target})


class ReloadingDesk(Desk):
    """A desk that is reloaded by `arm` while it looks up the agents' loads: after its snapshot was taken."""

    def __init__(self, store: Store, templates: Path) -> None:
        self.seconds, self.armed = 0.0, False
        super().__init__(store, loads=AgentLoads(self._reload_when_armed), teams=BALANCED)
        mailbox = replace(BOX, brand="Merek Baru")
        self.new = policy(
            version="v2", teams=BALANCED, mailboxes={BOX.address: mailbox}, ladders={"standard": SLOWER}
        )
        self.new_templates = load_templates(templates)

    def arm(self) -> None:
        self.seconds += FRESH + 1000
        self.armed = True

    def _reload_when_armed(self) -> float:
        if self.armed:
            self.armed = False
            self.runtime.replace(self.new, self.new_templates)
        return self.seconds

    def recorded(self, number: str) -> list[tickets.RecordedEvent]:
        return self.store.read_now(tickets.events_of, number)


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> ReloadingDesk:
    folder = copytree(Path(__file__).parents[2] / "templates", tmp_path / "templates")
    for file in folder.rglob("*.txt.j2"):
        file.write_text(f"{file.read_text()}\nkata baru\n")
    return ReloadingDesk(store, folder)


async def test_a_mail_is_decided_written_and_timed_by_the_policy_it_began_with(desk: ReloadingDesk) -> None:
    desk.arm()
    ticket = await desk.receive()

    old = policy(teams=BALANCED)
    (row,) = desk.outbox_rows("acknowledgement")
    mail = desk.content(row).as_string()
    expected = next_deadline(ticket, old)
    assert expected
    assert desk.runtime.policy.version == "v2"
    assert {event.policy for event in desk.recorded(ticket.number)} == {"v1"}
    assert ("kata baru" in mail, "Merek Baru" in mail) == (False, False)
    assert desk.store.read_now(deadlines.next_due_at) == expected.due_at

    after = await desk.receive(Subject="Lain")
    later = desk.content(desk.outbox_rows("acknowledgement")[-1])
    assert {event.policy for event in desk.recorded(after.number)} == {"v2"}
    assert "kata baru" in later.get_body(("plain",)).get_content()


async def _command(desk: ReloadingDesk, number: str) -> None:
    run_command(desk.store, desk.runtime, TicketCommand(number, Act((c.Escalate("L2"),)), EKO, desk.clock))


async def _reapply(desk: ReloadingDesk, number: str) -> None:
    reapply(desk.store, desk.runtime, Reapply((number,), EKO, desk.clock))


async def _deadline(desk: ReloadingDesk, number: str) -> None:
    desk.clock += timedelta(hours=2)
    await Deadlines(desk.deps).run_once()


@pytest.mark.parametrize("change", [_command, _deadline, _reapply])
async def test_a_change_of_a_ticket_is_recorded_under_the_policy_it_began_with(
    desk: ReloadingDesk, change: Callable[[ReloadingDesk, str], object]
) -> None:
    ticket = await desk.receive()
    desk.arm()
    await change(desk, ticket.number)  # type: ignore[misc]

    after = desk.store.read_now(tickets.load, [ticket.number])[ticket.number]
    assert desk.runtime.policy.version == "v2"
    assert {event.policy for event in desk.recorded(ticket.number)} == {"v1"}
    assert (after.ladder_digest, after == ticket) == (STANDARD.digest, change is _reapply)
