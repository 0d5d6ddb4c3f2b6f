"""An act taken back: what it changed is as before, what others did since stays, and no step comes twice."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain.actor import Actor
from mailbot.domain.acts.agent_act import ActMail, AgentAct, act_of, leaves_at, without_undone
from mailbot.domain.acts.undo import UndoFacts
from mailbot.domain.commands.carry_out import CommandFacts, on_act
from mailbot.domain.commands.grammar import Act
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.ladder import next_deadline
from mailbot.domain.lifecycle import Decision, evolve
from mailbot.domain.matching import Match
from mailbot.domain.model import OVER, OutboxState, Role, Status, Ticket, Turn
from mailbot.domain.people.participants import Roles
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Refusal
from mailbot.domain.routing.money import Money
from tests.builders import BAYU, BOX, NOW, NUMBER, RINA, envelope, facts, mail, policy

BY, OTHER = Actor.agent(RINA.address), Actor.agent(BAYU.address)
WINDOW = timedelta(minutes=2)
MINUTE = timedelta(minutes=1)


def with_window() -> Policy:
    return policy(mailboxes={BOX.address: replace(BOX, undo=WINDOW)})


POLICY = with_window()


def opened() -> Ticket:
    return on_mail(None, mail(), envelope(), facts(), POLICY, NOW).decision.ticket


def done(ticket: Ticket, act: Act, by: Actor = BY, at: datetime = NOW + MINUTE) -> Decision | Refusal:
    roles: Roles = {ticket.customer: Role.CUSTOMER}
    found = on_act(ticket, act, by, CommandFacts(roles=roles), POLICY, at)
    return found if isinstance(found, Refusal) else found.decision


def decided(*commands: c.AnyCommand, text: str = "", on: Ticket | None = None) -> tuple[Ticket, Decision]:
    before = on or opened()
    found = done(before, Act(commands, text))
    assert isinstance(found, Decision), found
    return before, found


def kept(before: Ticket, decision: Decision) -> AgentAct:
    act = act_of("a1", before, decision, POLICY)
    assert act
    return act


def undone(
    before: Ticket,
    decision: Decision,
    now: Ticket | None = None,
    at: datetime = NOW + 2 * MINUTE,
    mails: tuple[ActMail, ...] = (),
    by: Actor = BY,
    roles: Roles | None = None,
) -> Decision | Refusal:
    first = {before.customer: Role.CUSTOMER}
    known = UndoFacts(kept(before, decision), mails, decision.events, first)
    facts_now = CommandFacts(roles=roles if roles is not None else first, undo=known)
    found = on_act(now or decision.ticket, Act((c.Undo(),)), by, facts_now, POLICY, at)
    return found if isinstance(found, Refusal) else found.decision


def same(one: Ticket, other: Ticket) -> bool:
    return replace(one, events=0) == replace(other, events=0)


ACTS: dict[str, Act] = {
    "an answer": Act((), "Sedang dicek."),
    "taking it": Act((c.Assign(RINA.address),)),
    "assigning it": Act((c.Assign(BAYU.address),)),
    "handing it over": Act((c.HandOver("payments", "soal saldo"),)),
    "escalating": Act((c.Escalate("L2", "sulit"),)),
    "a promise": Act((c.WorkOn(NOW + timedelta(hours=3)),), "Kami cek."),
    "waiting for the customer": Act((c.Wait(Turn.CUSTOMER),), "Mohon kirim struk."),
    "waiting for a bank": Act((c.Wait(Turn.THIRD_PARTY, NOW + timedelta(days=1)),)),
    "closing": Act((c.Close(),), "Sudah selesai."),
    "a priority and a tag": Act((c.Correct(priority="high"), c.Tag(("vip",), ()))),
    "another customer": Act((c.SetCustomer("siti@lain.example"),)),
    "snoozing": Act((c.Snooze(NOW + timedelta(minutes=30)),)),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_taken_back_leaves_the_ticket_as_before(name: str) -> None:
    act = ACTS[name]
    before, decision = decided(*act.commands, text=act.text)
    waiting = (ActMail(before.customer, OutboxState.DUE),) if act.text else ()
    back = undone(before, decision, mails=waiting)

    assert isinstance(back, Decision), back
    assert same(back.ticket, before)
    assert back.events[0].kind == "act_undone"


def test_the_ticket_is_the_fold_of_its_events() -> None:
    before, decision = decided(c.Close(), text="Sudah.")
    back = undone(before, decision)

    assert isinstance(back, Decision)
    ticket = before
    for event in (*decision.events, *back.events):
        ticket = evolve(ticket, event)
    assert ticket == back.ticket


@pytest.mark.parametrize(
    ("mails", "minutes", "code"),
    [
        ((ActMail("budi@x.example", OutboxState.SENT, NOW),), 1, "act_left"),
        ((ActMail("budi@x.example", OutboxState.DOT, NOW),), 1, "act_left"),
        (
            (
                ActMail("budi@x.example", OutboxState.DUE),
                ActMail("ani@x.example", OutboxState.SENT, NOW),
            ),
            1,
            "act_left",
        ),
        ((), 4, "undo_too_late"),
        ((ActMail("budi@x.example", OutboxState.SUPPRESSED),), 4, "undo_too_late"),
        ((ActMail("budi@x.example", OutboxState.DEFERRED),), 400, ""),  # the relay was away: nothing has left
    ],
)
def test_only_what_has_not_left_is_taken_back(mails: tuple[ActMail, ...], minutes: int, code: str) -> None:
    before, decision = decided(text="Sedang dicek.")
    back = undone(before, decision, at=NOW + minutes * MINUTE, mails=mails)

    assert (back.reason.code if isinstance(back, Refusal) else "") == code


def test_who_did_nothing_has_nothing_to_take_back() -> None:
    refused = on_act(opened(), Act((c.Undo(),)), BY, CommandFacts(), POLICY, NOW)

    assert isinstance(refused, Refusal)
    assert refused.reason.code == "nothing_to_undo"


def test_an_operator_names_the_agent() -> None:
    refused = on_act(opened(), Act((c.Undo(),)), Actor.operator("eko"), CommandFacts(), POLICY, NOW)

    assert isinstance(refused, Refusal)
    assert refused.reason.code == "undo_needs_agent"


def test_the_colleague_who_got_the_ticket_is_notified_that_it_went_back() -> None:
    before, decision = decided(c.Assign(BAYU.address))
    back = undone(before, decision)

    assert isinstance(back, Decision)
    assert [notice.to for notice in back.notices] == [BAYU.address]


def test_a_customer_who_wrote_meanwhile_has_an_answer_to_get() -> None:
    before, decision = decided(text="Sedang dicek.")
    wrote = on_mail(
        decision.ticket,
        mail(message_id="<b@x>"),
        envelope(),
        facts(match=Match(NUMBER)),
        POLICY,
        NOW + MINUTE,
    ).decision.ticket
    back = undone(before, decision, wrote)

    assert isinstance(back, Decision)
    ticket = back.ticket
    assert (ticket.status, ticket.unanswered, ticket.first_response_at) == (Status.NEW, True, None)
    assert ticket.last_message_id == "<b@x>"
    due = next_deadline(ticket, POLICY)
    assert due
    assert due.target == "first_response"


def test_what_a_colleague_changed_since_stays() -> None:
    before, decision = decided(c.Correct(priority="high"), c.Tag(("vip",), ()))
    later = done(decision.ticket, Act((c.Correct(priority="urgent"),)), OTHER)
    assert isinstance(later, Decision)
    back = undone(before, decision, later.ticket)

    assert isinstance(back, Decision)
    assert (back.ticket.priority, back.ticket.tags) == ("urgent", before.tags)


def test_a_colleagues_answer_since_still_counts() -> None:
    before, decision = decided(text="Sedang dicek.")
    later = done(decision.ticket, Act((), "Sudah dikirim."), OTHER, NOW + 2 * MINUTE)
    assert isinstance(later, Decision)
    back = undone(before, decision, later.ticket)

    assert isinstance(back, Decision)
    assert (back.ticket.answered_by, back.ticket.unanswered) == (BAYU.address, False)
    assert back.ticket.assignee == BAYU.address


@pytest.mark.parametrize("text", ["", "Sedang dicek."])
def test_a_request_for_money_stays(text: str) -> None:
    before, decision = opened(), Decision(opened())
    if text:
        before, decision = decided(text=text)
    money = e.CompensationRequested(NOW, BY, 12, Money(Decimal(50_000)), RINA.address, NO_REASON)
    asked = replace(decision, events=(*decision.events, money))
    asked = replace(asked, ticket=replace(asked.ticket, events=asked.ticket.events + 1))
    back = undone(before, asked, at=NOW + MINUTE)

    if text:
        assert isinstance(back, Decision)
        assert isinstance(back.events[0], e.ActUndone)
        assert back.events[0].requests == (12,)
    else:
        assert isinstance(back, Refusal)
        assert back.reason.code == "money_not_undone"


def test_people_whom_the_act_added_take_part_no_more() -> None:
    before, decision = decided(c.AddParticipants(("ani@toko.example",)))
    now = {before.customer: Role.CUSTOMER, "ani@toko.example": Role.PARTICIPANT}
    back = undone(before, decision, roles=now)

    assert isinstance(back, Decision)
    assert e.roles_of(back.events[0]) == {"ani@toko.example": Role.NAMED}


@pytest.mark.parametrize(
    ("commands", "text", "waits"),
    [
        ((), "Sedang dicek.", True),
        ((c.Assign(BAYU.address),), "", True),
        ((c.AddNote("rahasia"),), "", False),  # nothing to take back
    ],
)
def test_only_what_changes_something_can_be_taken_back(
    commands: tuple[c.AnyCommand, ...], text: str, *, waits: bool
) -> None:
    _, decision = decided(*commands, text=text)

    assert (leaves_at(decision, POLICY) is not None) is waits
    assert leaves_at(decision, policy()) is None  # without a window nothing waits


def test_events_that_were_taken_back_are_left_out() -> None:
    before, decision = decided(text="Sedang dicek.")
    back = undone(before, decision)
    assert isinstance(back, Decision)
    first = on_mail(None, mail(), envelope(), facts(), POLICY, NOW).decision.events
    left = without_undone((*first, *decision.events, *back.events))

    assert not any(isinstance(event, e.AgentAnswered) for event in left)
    assert tuple(left[: len(first)]) == first


# --- random lives -------------------------------------------------------------------------------------------

steps = st.lists(
    st.tuples(
        st.sampled_from(["mine", "other", "customer", "deadline", "undo"]),
        st.sampled_from(sorted(ACTS)),
        st.integers(0, 90),
    ),
    min_size=1,
    max_size=12,
)


@given(steps)
def test_after_any_acts_and_undos_a_promise_runs_and_no_step_comes_twice(
    lives: list[tuple[str, str, int]],
) -> None:
    ticket, now = opened(), NOW
    newest: tuple[Ticket, Decision] | None = None
    for kind, name, minutes in lives:
        now += minutes * MINUTE
        ticket = on_deadline(ticket, POLICY, now).ticket
        found: Decision | Refusal | None = None
        if kind in ("mine", "other"):
            found = done(ticket, ACTS[name], BY if kind == "mine" else OTHER, now)
            if kind == "mine" and isinstance(found, Decision) and leaves_at(found, POLICY):
                newest = ticket, found
        elif kind == "customer":
            found = on_mail(ticket, mail(), envelope(), facts(match=Match(NUMBER)), POLICY, now).decision
        elif kind == "undo" and newest:
            found = undone(*newest, ticket, at=newest[1].events[0].at + MINUTE)
            if isinstance(found, Decision):
                assert_no_step_is_forgotten(ticket, newest[0], found.ticket)
            newest = None
        if isinstance(found, Decision) and found.ticket.number == NUMBER:
            ticket = found.ticket
        assert ticket.status in OVER or next_deadline(ticket, POLICY) is not None
        assert (ticket.status is Status.WAITING) is (
            ticket.turn is not Turn.OURS and ticket.status not in OVER
        )


def assert_no_step_is_forgotten(current: Ticket, before: Ticket, restored: Ticket) -> None:
    """Check that each clock has the steps that it had taken, before the act or since."""
    was, now = ({clock.target: clock for clock in each.clocks} for each in (before, current))
    for clock in restored.clocks:
        known = now.get(clock.target) or was.get(clock.target)
        if known and known.span == clock.span:
            assert set(clock.fired) >= set(known.fired)
