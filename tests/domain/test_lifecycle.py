"""Random lives of tickets: whatever happens in whatever order, the house's rules hold."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.actor import CUSTOMER
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.lifecycle import TRANSITIONS, Decision, IllegalTransition, evolve, opened
from mailbot.domain.matching import Match
from mailbot.domain.model import Status, Target, Ticket, Turn
from mailbot.domain.notices import AgentRefusal, Answer, TeamNotice
from tests.builders import BAYU, BOX, NOW, NUMBER, OPERATOR, RINA, envelope, facts, mail, policy

SECRET = "catatan internal yang tidak boleh keluar"


def first() -> Decision:
    return on_mail(None, mail(), envelope(), facts(), policy(), NOW).decision


def happen(ticket: Ticket, what: str, now: datetime) -> Decision:
    mine, tagged = Match(NUMBER), Match(NUMBER, by_token=True)
    match what:
        case "customer":
            fresh = facts(number="TOKO-99999999-9", match=mine)
            return on_mail(ticket, mail(), envelope(), fresh, policy(), now).decision
        case "away":
            robot = mail(no_auto_reply="Auto-Submitted: auto-replied")
            return on_mail(ticket, robot, envelope(), facts(match=mine), policy(), now).decision
        case "thanks":
            thanks = mail(visible="Makasih banyak ya min 🙏", message_id="<thanks@pelanggan.example>")
            return on_mail(ticket, thanks, envelope(), facts(match=mine), policy(), now).decision
        case "answer" | "question" | "forged answer":
            proof = "" if what == "forged answer" else "network"
            sent = mail(sender=RINA.address, visible="Nomor berapa?" if what == "question" else "Kami cek.")
            return on_mail(ticket, sent, envelope(), facts(match=tagged, proof=proof), policy(), now).decision
        case "time":
            return on_deadline(ticket, policy(), now)
    command = {
        "close": c.Close("done"),
        "escalate": c.Escalate(),
        "assign": c.Assign(BAYU.address),
        "note": c.AddNote(SECRET),
        "wait": c.Wait(Turn.THIRD_PARTY, now + timedelta(hours=3)),
        "wait for customer": c.Wait(Turn.CUSTOMER, None),
        "promise": c.WorkOn(now + timedelta(hours=2)),
    }[what]
    decision = on_command(ticket, command, OPERATOR, policy(), now)
    return decision if isinstance(decision, Decision) else Decision(ticket)


WORDS = [
    "customer",
    "thanks",
    "away",
    "answer",
    "question",
    "wait",
    "wait for customer",
    "promise",
    "forged answer",
    "time",
    "close",
    "escalate",
    "assign",
    "note",
]
STEPS = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 6 * 3600)), max_size=25)


def live(steps: list[tuple[str, int]]) -> tuple[list[Decision], list[tuple[Ticket, str, Decision]]]:
    decision, now = first(), NOW
    ticket, history = decision.ticket, []
    decisions = [decision]
    for what, seconds in steps:
        now += timedelta(seconds=seconds)
        decision = happen(ticket, what, now)
        history.append((ticket, what, decision))
        decisions.append(decision)
        if decision.ticket.number != NUMBER:
            break  # the closed ticket was too old: another one goes on
        ticket = decision.ticket
    return decisions, history


@given(STEPS)
def test_the_row_is_always_the_fold_of_its_events(steps: list[tuple[str, int]]) -> None:
    decisions, _ = live(steps)
    mine = [event for decision in decisions if decision.ticket.number == NUMBER for event in decision.events]
    assert isinstance(mine[0], e.TicketOpened)
    ticket = opened(NUMBER, mine[0])
    for event in mine[1:]:
        ticket = evolve(ticket, event)

    last = [decision for decision in decisions if decision.ticket.number == NUMBER][-1]
    assert ticket == last.ticket
    assert ticket.events == len(mine)


@given(STEPS)
def test_p17_unless_the_customer_has_the_turn_a_promise_runs_else_all_pause(
    steps: list[tuple[str, int]],
) -> None:
    for decision in live(steps)[0]:
        ticket = decision.ticket
        running = {clock.target for clock in ticket.clocks if clock.running_since}
        assert ticket.assignee
        assert all(clock.spent >= timedelta() for clock in ticket.clocks)
        responses = running & {Target.FIRST_RESPONSE, Target.NEXT_RESPONSE}
        if ticket.status is not Status.CLOSED and ticket.turn is not Turn.CUSTOMER:
            assert Target.RESOLUTION in running
            assert bool(responses) == ticket.unanswered
            assert (Target.THIRD_PARTY in running) == (ticket.turn is Turn.THIRD_PARTY)
        else:
            assert not running - ticket_clocks.INTERNAL_TARGETS - {Target.PROMISE}
        assert (ladder.next_deadline(ticket, policy()) is None) == (ticket.status is Status.CLOSED)


@given(STEPS)
def test_every_ticket_has_one_acknowledgement_outcome_and_its_level_never_falls(
    steps: list[tuple[str, int]],
) -> None:
    decisions, history = live(steps)
    outcomes = (e.AcknowledgementEnqueued, e.AcknowledgementSuppressed)
    first_ticket = [d for d in decisions if d.ticket.number == NUMBER]
    assert sum(isinstance(event, outcomes) for d in first_ticket for event in d.events) == 1
    for before, _, decision in history:
        if decision.ticket.number == NUMBER:
            assert ladder.rank_of(policy(), decision.ticket.level) >= ladder.rank_of(policy(), before.level)


@given(STEPS)
def test_a_note_and_an_unproven_mail_never_reach_the_customer(steps: list[tuple[str, int]]) -> None:
    for _, what, decision in live(steps)[1]:
        to_customer = [
            notice for notice in decision.notices if not isinstance(notice, TeamNotice | AgentRefusal)
        ]
        if what in ("note", "forged answer", "away"):
            assert to_customer == []
        assert not [n for n in to_customer if isinstance(n, Answer) and SECRET in n.text]


@given(STEPS)
def test_thanks_and_robots_are_kept_and_change_nothing_else(steps: list[tuple[str, int]]) -> None:
    for before, what, decision in live(steps)[1]:
        if what in ("thanks", "away"):
            assert decision.ticket == replace(before, events=before.events + 1)
            assert decision.notices == ()


@given(STEPS)
def test_a_step_is_taken_once_in_each_run_of_its_clock(steps: list[tuple[str, int]]) -> None:
    decisions, _ = live(steps)
    last = decisions[-1].ticket
    for clock in last.clocks:
        assert len(clock.fired) == len(set(clock.fired))


def test_every_event_lists_the_states_in_which_it_may_happen() -> None:
    assert set(TRANSITIONS) | {e.TicketOpened} == set(e.Event.__args__)


def test_an_event_that_can_not_happen_raises_before_anything_is_changed() -> None:
    ticket = first().ticket
    with pytest.raises(IllegalTransition, match="ticket_reopened while TOKO-48217390-8 is new"):
        evolve(ticket, e.TicketReopened(NOW, CUSTOMER))
    assert BOX.address == ticket.mailbox
