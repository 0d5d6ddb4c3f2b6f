"""Commands carried out together: all of them, or none."""

from datetime import timedelta

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted, CommandFacts, on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.decisions import on_mail
from mailbot.domain.model import NoticeKind, Status, Ticket, Turn
from mailbot.domain.notices import Answer, TeamNotice
from mailbot.domain.reasons import Refusal
from tests.builders import BAYU, DEWI, NOW, OPERATOR, RINA, envelope, facts, mail, policy

BY = Actor.agent(RINA.address)


def opened() -> Ticket:
    return on_mail(None, mail(), envelope(), facts(), policy(), NOW).decision.ticket


def done(*commands: c.AnyCommand, text: str = "", on: Ticket | None = None, by: Actor = BY) -> Acted:
    acted = on_act(
        on or opened(), Act(commands, text), by, CommandFacts(), policy(), NOW + timedelta(minutes=1)
    )
    assert isinstance(acted, Acted), acted
    return acted


def kinds(acted: Acted) -> list[str]:
    return [event.kind for event in acted.decision.events]


def test_the_first_refusal_undoes_all() -> None:
    act = Act((c.Assign(BAYU.address), c.HandOver("mars"), c.AddNote("x")))

    assert isinstance(on_act(opened(), act, BY, CommandFacts(), policy(), NOW), Refusal)


def test_a_text_is_an_answer_and_comes_before_the_commands() -> None:
    acted = done(c.Assign(BAYU.address), c.Wait(Turn.CUSTOMER), text="Mohon kirim struknya.")

    assert acted.decision.ticket.assignee == BAYU.address
    assert (acted.decision.ticket.turn, acted.decision.ticket.status) == (Turn.CUSTOMER, Status.WAITING)
    assert [notice.text for notice in acted.decision.notices if isinstance(notice, Answer)] == [
        "Mohon kirim struknya."
    ]
    assert kinds(acted)[0] == e.AgentAnswered.kind


def test_an_operator_answers_nobody() -> None:
    refused = on_act(opened(), Act((), "Halo"), OPERATOR, CommandFacts(), policy(), NOW)

    assert isinstance(refused, Refusal)
    assert refused.reason.code == "answer_needs_agent"


def test_a_ticket_handed_over_has_an_owner_there_who_is_notified() -> None:
    acted = done(c.HandOver("payments", "soal saldo"))

    assert (acted.decision.ticket.team, acted.decision.ticket.assignee) == ("payments", DEWI.address)
    (notice,) = [each for each in acted.decision.notices if isinstance(each, TeamNotice)]
    assert (notice.to, notice.why) == (DEWI.address, NoticeKind.HANDED_OVER)
    (handed,) = [each for each in acted.decision.events if isinstance(each, e.TicketHandedOver)]
    assert handed.by == BY


def test_a_third_party_has_the_turn_until_a_time() -> None:
    until = NOW + timedelta(days=1)
    ticket = done(c.Wait(Turn.THIRD_PARTY, until)).decision.ticket

    assert (ticket.turn, ticket.turn_until, ticket.status) == (Turn.THIRD_PARTY, until, Status.WAITING)
    back = done(c.WorkOn(), on=ticket).decision.ticket
    assert (back.turn, back.turn_until, back.status) == (Turn.OURS, None, Status.NEW)


def test_tags_priority_and_category_are_corrected() -> None:
    ticket = done(c.Tag(("janji",), ("money",)), c.Correct("urgent", "payment")).decision.ticket

    assert ticket.tags == ("janji",)
    assert (ticket.priority, ticket.category) == ("urgent", "payment")


def test_a_closed_ticket_is_reopened_by_a_person() -> None:
    closed = done(c.Close("", "refund")).decision.ticket
    assert (closed.status, closed.cause) == (Status.CLOSED, "refund")

    again = done(c.Reopen("belum beres"), on=closed).decision.ticket
    assert (again.status, again.turn, again.reopened) == (Status.OPEN, Turn.OURS, 1)
    assert isinstance(on_act(again, Act((c.Reopen(),)), BY, CommandFacts(), policy(), NOW), Refusal)
