"""What counts as a correction of the rules, act by act."""

from datetime import timedelta

import pytest

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.commands.carry_out import CommandFacts, on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.decisions import on_mail
from mailbot.domain.model import Role, Turn
from mailbot.domain.policy_review.settled import Settled, settled_on
from mailbot.domain.reasons import NO_REASON, Refusal
from tests.builders import EKO, NOW, RINA, envelope, facts, mail, policy

BY, CHOSEN = Actor.agent(RINA.address), Settled("payment", "payments", "high")
TO_FRONTLINE, TO_MANAGEMENT = Act((c.HandOver("frontline"),)), Act((c.HandOver("management"),))
FRAUD, URGENT = Act((c.Correct(category="fraud"),)), Act((c.Correct(priority="urgent"),))
ANSWER, NOTE, TAKE = Act((), "Kami periksa."), Act((c.AddNote("hm"),)), Act((c.Assign(RINA.address),))
WROTE = e.CustomerWrote(NOW, CUSTOMER, "<b@x.example>", NO_REASON)
CLOSE, REOPEN = Act((c.Close(),)), Act((c.Reopen(),))


def settled(*deeds: Act | e.Event, by: Actor = BY) -> Settled | None:
    """Open a ticket and do all that, a minute apart."""
    opened = on_mail(None, mail(subject="Saldo terpotong"), envelope(), facts(), policy(), NOW).decision
    ticket, found = opened.ticket, [*opened.events]
    known = CommandFacts(roles={ticket.customer: Role.CUSTOMER})
    for minute, deed in enumerate(deeds, 1):
        if isinstance(deed, Act):
            acted = on_act(ticket, deed, by, known, policy(), NOW + timedelta(minutes=minute))
            assert not isinstance(acted, Refusal), acted
            ticket = acted.decision.ticket
            found += acted.decision.events
        else:
            found.append(deed)
    return settled_on(found)


def with_(**changes: str) -> Settled:
    values = {"category": CHOSEN.category, "team": CHOSEN.team, "priority": CHOSEN.priority}
    return Settled(**values | changes)


@pytest.mark.parametrize(
    ("deeds", "expected"),
    [
        ((), CHOSEN),
        ((FRAUD,), with_(category="fraud")),
        ((URGENT,), with_(priority="urgent")),
        ((TO_FRONTLINE,), with_(team="frontline")),
        # Looking at it is no work yet.
        ((NOTE, TAKE, TO_FRONTLINE), with_(team="frontline")),
        # Handed on before anybody worked on it: the last team is the right one.
        ((TO_FRONTLINE, TO_MANAGEMENT), with_(team="management")),
        ((Act((c.HandOver("frontline"),), "Kami teruskan."),), with_(team="frontline")),
        ((ANSWER, TO_FRONTLINE), CHOSEN),
        ((Act((c.Wait(Turn.CUSTOMER),)), TO_FRONTLINE), CHOSEN),
        ((WROTE, TO_FRONTLINE, URGENT), CHOSEN),
        ((WROTE, ANSWER, FRAUD), with_(category="fraud")),
        ((ANSWER, CLOSE, FRAUD), with_(category="fraud")),
        ((ANSWER, CLOSE, REOPEN, FRAUD), CHOSEN),
        ((FRAUD, Act((c.Correct(category="payment"),))), CHOSEN),
    ],
)
def test_only_what_judges_the_first_mail_is_a_correction(
    deeds: tuple[Act | e.Event, ...], expected: Settled
) -> None:
    assert settled(*deeds) == expected


def test_an_operator_corrects_as_an_agent_does() -> None:
    assert settled(FRAUD, by=EKO) == with_(category="fraud")


def test_a_step_of_the_ladder_is_no_correction() -> None:
    assert settled(e.TicketHandedOver(NOW, POLICY, "management", NO_REASON)) == CHOSEN


def test_a_ticket_that_rules_did_not_route_has_nothing_to_correct() -> None:
    assert settled_on([]) is None
    assert settled(e.IncidentOpened(NOW, POLICY, ("saldo",), 20)) is None
