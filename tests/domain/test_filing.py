"""Filed tickets: nobody's work until they are released, and nothing that happens to them fails."""

from itertools import product

import pytest

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import CommandFacts, on_act, on_command
from mailbot.domain.commands.grammar import Act
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.ladder import next_deadline
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.merging.operations import Context, TicketState, on_join
from mailbot.domain.model import Author, Direction, Status, Ticket, Turn
from mailbot.domain.policy import Actions, Rule
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.agent_mail import AgentMail
from mailbot.domain.replies.mail_facts import MailDecision
from mailbot.domain.routing.conditions import build
from tests.builders import EKO, NOW, NUMBER, RINA, envelope, facts, mail, policy

OTHER = "TOKO-11111111-1"
DESK = policy()


def opened(number: str = NUMBER, **mail_changes: object) -> Ticket:
    """Return the ticket that a mail opens: a machine's, unless it says else."""
    came = mail(**{"no_auto_reply": "a robot"} | mail_changes)
    return on_mail(None, came, envelope(), facts(number=number), DESK, NOW).decision.ticket


FILED, ORDINARY = opened(), opened(OTHER, no_auto_reply="", sender="siti@pelanggan.example")


def test_a_machines_mail_is_classified_and_filed_without_work_for_anybody() -> None:
    decision = on_mail(
        None, mail(no_auto_reply="a robot", subject="saldo"), envelope(), facts(), DESK, NOW
    ).decision
    assert [event.kind for event in decision.events] == [
        *("ticket_opened", "ticket_routed", "acknowledgement_suppressed", "ticket_filed")
    ]
    assert (decision.ticket.status, decision.ticket.rule) == (Status.FILED, "payment")
    assert (decision.notices, decision.ticket.assignee, next_deadline(decision.ticket, DESK)) == (
        (),
        None,
        None,
    )
    assert on_deadline(decision.ticket, DESK, NOW).events == ()


@pytest.mark.parametrize(
    "command",
    [c.Assign(RINA.address), c.Escalate("L2"), c.Close("done"), c.Decide("yes"), c.Reject()],
    ids=lambda command: type(command).__name__,
)
def test_work_on_a_filed_ticket_is_refused_with_the_way_out(command: c.Command) -> None:
    refused = on_command(FILED, command, EKO, DESK, NOW)
    assert isinstance(refused, Refusal)
    assert f"mailbot ticket release {NUMBER}" in str(refused)


def test_a_note_can_stand_on_a_filed_ticket() -> None:
    noted = on_command(FILED, c.AddNote("our provider's newsletter"), EKO, DESK, NOW)
    assert isinstance(noted, Decision)
    assert noted.ticket.status is Status.FILED


def test_a_filed_ticket_is_neither_merged_nor_split_nor_answered() -> None:
    tickets = {each.number: TicketState(each, (), (), frozenset()) for each in (FILED, ORDINARY)}
    commands = [
        c.Merge(OTHER, other_customer=True),
        c.MoveMessage(1, OTHER, other_customer=True),
        c.Split((1,)),
    ]
    context = Context(EKO, DESK, NOW)
    for command, number in product(commands, tickets):
        other = next(state for key, state in tickets.items() if key != number)
        target = None if isinstance(command, c.Split) else other
        refused = on_join(command, tickets[number], target, "TOKO-22222222-2", context)
        if number == NUMBER or target:
            assert isinstance(refused, Refusal)
            assert "release it first" in str(refused)
    agent = Actor.agent(RINA.address)
    assert isinstance(on_act(FILED, Act((), "Halo"), agent, CommandFacts(), DESK, NOW), Refusal)


def test_release_begins_the_tickets_life() -> None:
    released = on_command(FILED, c.Release(), EKO, DESK, NOW)
    assert isinstance(released, Decision)
    assert (released.ticket.status, released.ticket.assignee) == (Status.NEW, RINA.address)
    assert next_deadline(released.ticket, DESK)
    assert [notice.name for notice in released.notices] == ["team"]
    assert isinstance(on_command(ORDINARY, c.Release(), EKO, DESK, NOW), Refusal)


def written(ticket: Ticket, match: Match, **changes: object) -> MailDecision:
    sender = changes.get("sender", "budi@pelanggan.example")
    came = mail(**changes)
    return on_mail(ticket, came, envelope(sender=sender), facts(match=match, proof="x"), DESK, NOW)


def test_a_persons_mail_releases_it_and_a_machines_does_not() -> None:
    by_person = written(FILED, Match(NUMBER))
    assert by_person.decision.ticket.status is Status.NEW
    assert len(by_person.decision.notices) == 1

    by_machine = written(FILED, Match(NUMBER), author=Author.MACHINE)
    assert (by_machine.decision.ticket.status, by_machine.decision.notices) == (Status.FILED, ())


def test_an_agents_answer_by_mail_releases_it() -> None:
    reply = AgentMail(subjects=(FILED.subject,))
    came = mail(sender=RINA.address, visible="Terima kasih, kami cek.", subject=f"Re: {FILED.subject}")
    known = facts(match=Match(NUMBER, by_token=True), proof="trusted", reply=reply)
    answered = on_mail(FILED, came, envelope(sender=RINA.address), known, DESK, NOW)

    assert answered.direction is Direction.OUT
    assert (answered.decision.ticket.status, answered.decision.ticket.turn) == (Status.OPEN, Turn.OURS)
    assert isinstance(answered.decision.events[0], e.TicketReleased)


def test_rules_see_who_wrote_and_the_replay_sees_the_same() -> None:
    rules = (
        Rule(
            "machines", build("author", "is", ["machine", "report"]), Actions("automatic", team="frontline")
        ),
        Rule("not answered", build("machine_may_answer", "is", False), Actions(team="payments")),
        Rule("everything else", None, Actions(team="frontline")),
    )
    by_author = policy(rules=rules)
    held_back = mail(no_auto_reply="a list", author=Author.PERSON)
    for came, rule in [
        (mail(no_auto_reply="a robot"), "machines"),
        (held_back, "not answered"),
        (mail(), "everything else"),
    ]:
        decision = on_mail(None, came, envelope(), facts(), by_author, NOW).decision
        routed = next(event for event in decision.events if isinstance(event, e.TicketRouted))
        assert (routed.rule, routed.customer_history.author) == (rule, came.author)  # type: ignore[union-attr]
