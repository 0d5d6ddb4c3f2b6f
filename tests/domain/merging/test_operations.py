"""Moving, merging, splitting and back: each ends where it began, and no clock is lost on the way."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.escalation.reapply import recompute
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import CLAIM, Match
from mailbot.domain.merging.operations import Change, Context, TicketState, goes_to, on_join
from mailbot.domain.merging.rebuild import rebuild
from mailbot.domain.model import OVER, Post, Status, Target, Ticket, Turn
from mailbot.domain.notices import Acknowledgement, TeamNotice
from mailbot.domain.policy import Moment, Policy, Step
from mailbot.domain.reasons import Refusal
from tests.builders import BAYU, EKO, NOW, OPERATOR, RINA, STANDARD, envelope, facts, mail, policy

A, B, FRESH = "TOKO-48217390-8", "TOKO-11111111-1", "TOKO-22222222-2"
BUDI, SITI = "budi@pelanggan.example", "siti@pelanggan.example"


@dataclass
class Desk:
    """Tickets in memory, moved about as the store does it."""

    now: datetime = NOW
    tickets: dict[str, Ticket] = field(default_factory=dict)
    events: dict[str, list[e.Event]] = field(default_factory=dict)
    posts: dict[int, Post] = field(default_factory=dict)
    participants: dict[str, set[str]] = field(default_factory=dict)
    notices: list[object] = field(default_factory=list)
    splits: int = 0
    by: Policy = field(default_factory=policy)

    def keep(self, decision: Decision) -> None:
        self.tickets[decision.ticket.number] = decision.ticket
        self.events.setdefault(decision.ticket.number, []).extend(decision.events)
        self.notices += decision.notices

    def post(self, number: str, turn: str, direction: str, author: str) -> None:
        id_ = len(self.posts) + 1
        sent = (number, number, self.now, turn, direction, author, f"<{id_}@x>", f"subject {id_}")
        self.posts[id_] = Post(id_, *sent)

    def open(self, number: str, customer: str = BUDI, **more: object) -> None:
        sent = mail(sender=customer, message_id=f"<{len(self.posts) + 1}@x>")
        self.keep(on_mail(None, sent, envelope(), facts(number=number, **more), self.by, self.now).decision)
        self.participants[number] = {customer}
        self.post(number, "customer", "in", customer)

    def happen(self, number: str, what: str, author: str = "") -> None:
        ticket = self.tickets[number]
        answers = what in ("answer", "working")
        match = Match(number, by_token=answers)
        if what == "time":
            self.keep(on_deadline(ticket, self.by, self.now))
        elif answers or what in ("customer", "away"):
            sender = RINA.address if answers else author or ticket.customer
            visible = {"answer": "Apakah sudah sampai?", "working": "Kami periksa."}.get(what, "Di mana?")
            robot = "Auto-Submitted: auto-replied" if what == "away" else ""
            message_id = f"<{len(self.posts) + 1}@x>"
            sent = mail(sender=sender, message_id=message_id, visible=visible, no_auto_reply=robot)
            known = facts(number="TOKO-99999999-9", match=match, proof="network")
            decision = on_mail(ticket, sent, envelope(), known, self.by, self.now).decision
            if decision.ticket.number == number:
                turn = "" if what == "away" else what
                self.keep(decision)
                self.post(number, turn, "out" if answers else "in", sender)
        else:
            command = {
                "close": c.Close(),
                "escalate": c.Escalate(),
                "assign": c.Assign(BAYU.address),
                "wait": c.Wait(Turn.THIRD_PARTY, self.now + timedelta(hours=2)),
                "promise": c.WorkOn(self.now + timedelta(hours=1)),
            }[what]
            decision = on_command(ticket, command, OPERATOR, self.by, self.now)
            if isinstance(decision, Decision):
                self.keep(decision)

    def side(self, number: str) -> TicketState | None:
        if number not in self.tickets:
            return None
        posts = tuple(each for each in self.posts.values() if each.ticket == number)
        parts = frozenset(self.participants[number])
        return TicketState(self.tickets[number], tuple(self.events[number]), posts, parts)

    def join(self, number: str, command: c.Join) -> str:
        """Join two tickets; return "" on success, else the reason."""
        source = self.side(number)
        assert source
        target = self.side(goes_to(command, source.ticket, source.events))
        new_number = f"TOKO-2222222{self.splits}-0"
        decided = on_join(command, source, target, new_number, Context(EKO, self.by, self.now))
        if isinstance(decided, Refusal):
            return str(decided)
        self.splits += isinstance(command, c.Split)
        for change in decided:
            self._apply(change)
        return ""

    def _apply(self, change: Change) -> None:
        number = change.decision.ticket.number
        assert self.tickets.get(number) == change.before
        self.keep(change.decision)
        self.participants.setdefault(number, set()).update(change.joining)
        self.participants[number] -= set(change.leaving)
        for id_, origin in change.arrived:
            assert self.posts[id_].ticket == origin
            self.posts[id_] = replace(self.posts[id_], ticket=number)

    def facts(self, number: str) -> dict[str, object]:
        ticket = self.tickets[number]
        names = ("status", "turn", "turn_until", "turn_why", "unanswered", "clocks", "first_response_at")
        names += ("closed_at", "last_message_id", "merged_into")
        return {
            **{name: getattr(ticket, name) for name in names},
            "participants": set(self.participants[number]),
            "messages": [each.id for each in self.posts.values() if each.ticket == number],
            "deadline": ladder.next_deadline(ticket, self.by),
        }

    def running(self, number: str) -> set[Target]:
        """List the targets whose deadlines run."""
        clocks = self.tickets[number].clocks
        return {clock.target for clock in clocks if clock.running_since} - ticket_clocks.INTERNAL_TARGETS


def desk(*numbers: str) -> Desk:
    made = Desk()
    for number in numbers or (A, B):
        made.open(number)
        made.now += timedelta(minutes=5)
    return made


WORDS = ["customer", "answer", "working", "away", "time", "close", "escalate", "assign", "wait", "promise"]
LIVES = st.lists(
    st.tuples(st.sampled_from([A, B]), st.sampled_from(WORDS), st.integers(1, 4 * 3600)), max_size=20
)


def lived(steps: list[tuple[str, str, int]]) -> Desk:
    made = desk()
    for number, what, seconds in steps:
        made.now += timedelta(seconds=seconds)
        made.happen(number, what)
    made.now += timedelta(minutes=1)
    return made


KEPT = ("status", "turn", "turn_until", "turn_why", "unanswered")
KEPT += ("first_response_at", "closed_at", "last_message_id", "clocks")


@given(LIVES)
def test_rebuilding_a_ticket_gives_the_recorded_events(steps: list[tuple[str, str, int]]) -> None:
    made = lived(steps)
    for number in (A, B):
        side = made.side(number)
        assert side
        again = rebuild(side.ticket, side.events, side.posts, policy(), made.now)
        for name in KEPT:
            assert getattr(again, name) == getattr(side.ticket, name), name


CHANGED = replace(
    STANDARD,
    targets={Target.FIRST_RESPONSE: timedelta(minutes=20), Target.NEXT_RESPONSE: timedelta(hours=9)},
    steps=(*STANDARD.steps[:2], Step(Moment(Target.NEXT_RESPONSE), escalate_to="management")),
    repeat=timedelta(hours=5),
)


@given(LIVES, LIVES)
def test_rebuilding_a_ticket_uses_the_ladder_of_its_time(
    steps: list[tuple[str, str, int]], more: list[tuple[str, str, int]]
) -> None:
    made = lived(steps)
    made.by = policy(ladders={"standard": CHANGED}, past_ladders=policy().ladders_by_digest)
    for number in (A, B):
        made.keep(recompute(made.tickets[number], made.by, made.now, OPERATOR))
    for number, what, seconds in more:
        made.now += timedelta(seconds=seconds)
        made.happen(number, what)
    for number in (A, B):
        side = made.side(number)
        assert side
        again = rebuild(side.ticket, side.events, side.posts, made.by, made.now)
        for name in KEPT:
            assert getattr(again, name) == getattr(side.ticket, name), name


@given(LIVES, st.data())
def test_every_joining_has_an_inverse_that_gives_the_same_facts_again(
    steps: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    made = lived(steps)
    kind = data.draw(st.sampled_from(["move", "merge", "split"]))
    message = data.draw(st.sampled_from([each.id for each in made.posts.values() if each.ticket == A]))
    before = made.facts(A), made.facts(B)
    if kind == "move":
        there, back = (A, c.MoveMessage(message, B)), (B, c.MoveMessage(message, A))
    elif kind == "merge":
        there, back = (A, c.Merge(B)), (A, c.Unmerge())
    else:
        there, back = (A, c.Split((message,))), ("TOKO-22222220-0", c.Merge(A))

    if made.join(*there):
        return  # refused: nothing to undo
    made.now += timedelta(seconds=data.draw(st.integers(0, 10_000)))
    assert made.join(*back) == ""
    assert (made.facts(A), made.facts(B)) == before


JOINS = st.lists(
    st.tuples(
        st.sampled_from(["life", "life", "move", "merge", "unmerge", "split"]),
        st.integers(0, 99),
        st.integers(0, 99),
        st.sampled_from(WORDS),
        st.integers(1, 4 * 3600),
    ),
    max_size=25,
)


@given(JOINS)
def test_whatever_is_joined_no_message_is_lost_and_who_waits_has_a_clock(
    steps: list[tuple[str, int, int, str, int]],
) -> None:
    made = desk()
    made.open("TOKO-33333333-3")
    for kind, first, second, what, seconds in steps:
        made.now += timedelta(seconds=seconds)
        numbers = list(made.tickets)
        a, b = numbers[first % len(numbers)], numbers[second % len(numbers)]
        id_ = 1 + second % len(made.posts)
        match kind:
            case "life" if not made.tickets[a].merged_into:  # else its mail goes to the merge target
                made.happen(a, what)
            case "move":
                made.join(made.posts[id_].ticket, c.MoveMessage(id_, a))
            case "merge":
                made.join(a, c.Merge(b))
            case "unmerge":
                made.join(a, c.Unmerge())
            case "split":
                made.join(made.posts[id_].ticket, c.Split((id_,)))

    for number, ticket in made.tickets.items():
        has = [each for each in made.posts.values() if each.ticket == number]
        assert bool(has) == (ticket.status is not Status.MERGED)
        assert bool(ticket.merged_into) == (ticket.status is Status.MERGED)
        assert (Target.RESOLUTION in made.running(number)) == (
            ticket.status not in OVER and ticket.turn is not Turn.CUSTOMER
        )
        if ticket.status in OVER:
            assert ladder.next_deadline(ticket, policy()) is None
        assert all(clock.spent >= timedelta() for clock in ticket.clocks)
        end = number
        for _ in made.tickets:  # no circle: following the merge targets ends
            end = made.tickets[end].merged_into or end
        assert made.tickets[end].merged_into is None
    assert {each.ticket for each in made.posts.values()} <= set(made.tickets)
    assert not [each for each in made.notices if not isinstance(each, TeamNotice) and each.to not in (BUDI,)]


# --- moving -----------------------------------------------------------------------------------------------


def test_an_unanswered_mail_takes_its_turn_and_its_clock_along() -> None:
    made = desk()
    for number in (A, B):
        made.happen(number, "answer")
    made.now += timedelta(minutes=10)
    made.happen(A, "customer")
    wrote_at = made.now
    made.now += timedelta(minutes=30)
    made.happen(B, "answer")  # later than the mail that is on the wrong ticket
    made.now += timedelta(minutes=30)

    assert made.join(A, c.MoveMessage(5, B)) == ""
    assert (made.tickets[A].status, made.tickets[B].status) == (Status.WAITING, Status.OPEN)
    assert made.running(A) == set()
    assert made.running(B) == {Target.NEXT_RESPONSE, Target.RESOLUTION}
    told = [each for each in made.notices if isinstance(each, TeamNotice)][-1]
    assert (told.number, str(told.because)) == (B, f"message 5 was moved here from {A}")
    assert wrote_at < made.now


def test_when_the_answer_is_moved_away_the_first_response_is_due_again_from_the_opening() -> None:
    made = desk()
    opened_at = made.tickets[A].opened_at
    made.happen(A, "answer")
    made.now += timedelta(minutes=5)
    assert made.tickets[A].first_response_at

    assert made.join(A, c.MoveMessage(3, B)) == ""
    first = next(clock for clock in made.tickets[A].clocks if clock.target is Target.FIRST_RESPONSE)
    assert (made.tickets[A].first_response_at, made.tickets[A].status) == (None, Status.NEW)
    assert first.running_since == opened_at
    assert ladder.deadlines(made.tickets[A], STANDARD, policy().calendars["always"])[0].due_at == (
        opened_at + timedelta(minutes=30)
    )
    assert made.tickets[B].first_response_at == opened_at + timedelta(minutes=10)


def test_an_answer_from_before_the_ticket_was_opened_answers_nothing_there() -> None:
    made = desk(A)
    made.happen(A, "answer")
    made.now += timedelta(minutes=30)
    made.open(B)

    assert made.join(A, c.MoveMessage(2, B)) == ""
    assert (made.tickets[B].first_response_at, made.tickets[B].status) == (None, Status.NEW)


def test_a_closed_ticket_that_a_misfiled_mail_had_reopened_is_closed_again() -> None:
    made = desk()
    made.happen(A, "close")
    closed_at = made.now
    made.now += timedelta(hours=1)
    made.happen(A, "customer")
    assert made.tickets[A].status is Status.OPEN

    assert made.join(A, c.MoveMessage(3, B)) == ""
    assert (made.tickets[A].status, made.tickets[A].closed_at) == (Status.CLOSED, closed_at)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (c.MoveMessage(1, A), "the same ticket on both sides"),
        (c.MoveMessage(1, B), "no customer's message would be left"),
        (c.MoveMessage(9, B), "message 9 is not on"),
        (c.MoveMessage(1, "TOKO-00000000-0"), "there is no ticket TOKO-00000000-0"),
        (c.Merge(A), "the same ticket on both sides"),
        (c.Merge("TOKO-00000000-0"), "there is no ticket"),
        (c.Unmerge(), "is not merged"),
        (c.Accept(), "claims to be about no other ticket"),
        (c.Split((1,)), "no customer's message would be left"),
        (c.Split((9,)), "not on TOKO-48217390-8: message 9"),
        (c.Split(()), "none of these messages is a customer's"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(command: c.Join, why: str) -> None:
    assert why in desk().join(A, command)


# --- two customers ----------------------------------------------------------------------------------------


def two_customers() -> Desk:
    made = desk(A)
    made.open(B, SITI)
    made.now += timedelta(minutes=5)
    return made


def test_the_tickets_of_two_customers_are_not_merged_without_explicit_consent() -> None:
    made = two_customers()
    before = made.facts(A), made.facts(B)
    refusal = made.join(A, c.Merge(B))

    assert f"{A} is of {BUDI}" in refusal
    assert "can reach another" in refusal
    assert (made.facts(A), made.facts(B)) == before
    assert made.join(A, c.Merge(B, other_customer=True)) == ""
    merged = next(event for event in made.events[A] if isinstance(event, e.TicketMerged))
    assert merged.other_customer
    assert made.tickets[B].customer == SITI
    assert made.join(A, c.Unmerge()) == ""
    assert made.participants == {A: {BUDI}, B: {SITI}}


def test_a_message_goes_to_the_ticket_of_another_customer_only_with_explicit_consent() -> None:
    made = two_customers()
    made.happen(A, "customer")

    assert "can reach another" in made.join(A, c.MoveMessage(3, B))
    assert made.join(A, c.MoveMessage(3, B, other_customer=True)) == ""
    assert made.participants[B] == {SITI, BUDI}
    assert made.join(B, c.MoveMessage(3, A)) == ""
    assert made.participants[B] == {SITI}


def test_an_answer_written_for_one_customer_never_leaves_for_the_other() -> None:
    made = two_customers()
    made.join(A, c.Merge(B, other_customer=True))
    match = Match(B, by_token=True, followed=(A,))
    known = facts(match=match, proof="network", meant=BUDI)
    sent = mail(sender=RINA.address, visible="Saldo Bapak 1.200.000")
    decided = on_mail(made.tickets[B], sent, envelope(), known, policy(), made.now)

    assert decided.direction == "note"
    assert [type(notice).__name__ for notice in decided.decision.notices] == ["AgentRefusal"]
    assert "another customer" in str(decided.decision.notices[0].reason)  # type: ignore[union-attr]


# --- merging ----------------------------------------------------------------------------------------------


def test_a_merged_ticket_is_closed_and_its_merge_target_keeps_its_own_clocks() -> None:
    made = desk()
    clocks = made.tickets[B].clocks
    assert made.join(A, c.Merge(B)) == ""

    assert (made.tickets[A].status, made.tickets[A].merged_into) == (Status.MERGED, B)
    assert made.running(A) == set()
    assert on_deadline(made.tickets[A], policy(), NOW + timedelta(days=9)).events == ()
    assert made.tickets[B].clocks == clocks
    assert made.facts(B)["messages"] == [1, 2]


def test_a_promise_that_was_missed_stays_missed() -> None:
    made = desk()
    made.now += timedelta(hours=2)
    made.happen(B, "time")
    missed = [event for event in made.events[B] if isinstance(event, e.TargetMissed)]
    made.join(A, c.Merge(B))
    made.happen(B, "time")

    assert missed
    assert [event for event in made.events[B] if isinstance(event, e.TargetMissed)] == missed


def test_an_unanswered_question_is_our_turn_on_the_ticket_it_is_moved_to() -> None:
    made = desk()
    made.happen(B, "answer")
    made.happen(B, "close")
    made.now += timedelta(minutes=5)
    assert made.join(A, c.Merge(B)) == ""

    assert made.tickets[B].status is Status.OPEN
    assert Target.RESOLUTION in made.running(B)
    assert made.join(A, c.Unmerge()) == ""
    assert made.tickets[B].status is Status.CLOSED


def test_merging_goes_on_through_chains_and_never_in_a_circle() -> None:
    third = "TOKO-33333333-3"
    made = desk(A, B, third)
    assert made.join(A, c.Merge(B)) == ""

    assert "is itself merged into" in made.join(third, c.Merge(A))
    assert f"{A} is merged into {B} already" in made.join(B, c.Merge(A))
    assert "is merged into" in made.join(A, c.Merge(third))
    assert made.join(B, c.Merge(third)) == ""
    assert f"unmerge {B} first" in made.join(A, c.Unmerge())
    assert made.facts(third)["messages"] == [1, 2, 3]
    assert made.join(B, c.Unmerge()) == ""
    assert made.join(A, c.Unmerge()) == ""
    assert [made.facts(number)["messages"] for number in (A, B, third)] == [[1], [2], [3]]


def test_answers_of_the_merge_target_stay_there_and_the_unmerged_ticket_waits_since_its_opening() -> None:
    made = desk()
    made.join(A, c.Merge(B))
    made.now += timedelta(minutes=20)
    made.happen(B, "answer")
    made.now += timedelta(hours=1)
    assert made.join(A, c.Unmerge()) == ""

    assert made.tickets[B].first_response_at
    assert (made.tickets[A].first_response_at, made.tickets[A].status) == (None, Status.NEW)
    resolution = next(clock for clock in made.tickets[A].clocks if clock.target is Target.RESOLUTION)
    assert resolution.running_since == NOW


def test_a_ticket_without_remaining_messages_is_not_unmerged() -> None:
    made = desk()
    made.join(A, c.Merge(B))
    assert made.join(B, c.Split((1,))) == ""

    assert "no customer's message that" in made.join(A, c.Unmerge())


# --- splitting --------------------------------------------------------------------------------------------


def test_a_split_ticket_runs_from_its_own_mail_and_notifies_the_team_without_an_acknowledgement() -> None:
    made = desk(A)
    made.happen(A, "answer")
    made.now += timedelta(hours=3)
    made.happen(A, "customer")
    asked_at = made.now
    made.now += timedelta(minutes=10)
    made.notices.clear()
    assert made.join(A, c.Split((3,))) == ""

    new = made.tickets["TOKO-22222220-0"]
    assert (new.opened_at, new.status, new.subject, new.customer) == (
        asked_at,
        Status.NEW,
        "subject 3",
        BUDI,
    )
    assert {clock.running_since for clock in new.clocks} == {asked_at}
    assert made.tickets[A].status is Status.WAITING
    assert [type(each) for each in made.notices] == [TeamNotice]
    assert not [each for each in made.notices if isinstance(each, Acknowledgement)]
    suppressed = [
        event for event in made.events[new.number] if isinstance(event, e.AcknowledgementSuppressed)
    ]
    assert [str(event.reason) for event in suppressed] == [f"split from {A}"]


def test_messages_of_different_senders_are_not_split_off_together() -> None:
    made = desk(A)
    made.happen(A, "customer", SITI)
    made.happen(A, "customer", BUDI)

    assert "different senders" in made.join(A, c.Split((2, 3)))
    assert made.join(A, c.Split((2,))) == ""
    assert made.tickets["TOKO-22222220-0"].customer == SITI


# --- held mail --------------------------------------------------------------------------------------------


def held() -> Desk:
    made = desk(A)
    made.happen(A, "answer")
    match = Match(claims=A, confidence=CLAIM)
    made.open(B, SITI, match=match, held_for=made.tickets[A])
    made.now += timedelta(hours=1)
    return made


def targets(ticket: Ticket) -> list[Target]:
    return [clock.target for clock in ticket.clocks]


def test_a_held_ticket_has_only_its_owners_reminder_and_its_owner_is_notified() -> None:
    made = held()

    assert (made.tickets[B].held_for, targets(made.tickets[B])) == (A, [Target.REPEAT])
    assert made.tickets[B].assignee == made.tickets[A].assignee
    assert made.tickets[A].status is Status.WAITING
    told = [each for each in made.notices if isinstance(each, TeamNotice)][-1]
    assert (told.number, told.to, told.why) == (B, RINA.address, "unconfirmed")
    made.happen(B, "customer")
    assert targets(made.tickets[B]) == [Target.REPEAT]


def test_accepting_brings_the_mail_and_its_sender_to_the_ticket_it_named() -> None:
    made = held()
    assert made.join(B, c.Accept()) == ""

    assert (made.tickets[B].merged_into, made.tickets[A].status) == (A, Status.OPEN)
    assert made.participants[A] == {BUDI, SITI}
    assert made.join(B, c.Unmerge()) == ""
    assert (made.tickets[B].held_for, targets(made.tickets[B])) == (A, [Target.REPEAT])
    assert made.participants[A] == {BUDI}
    assert made.tickets[A].status is Status.WAITING


def test_rejecting_makes_it_a_separate_ticket_with_clocks_from_then_on() -> None:
    made = held()
    decision = on_command(made.tickets[B], c.Reject(), OPERATOR, policy(), made.now)
    assert isinstance(decision, Decision)
    made.keep(decision)

    assert made.tickets[B].held_for is None
    assert {clock.running_since for clock in made.tickets[B].clocks} == {made.now}
    side = made.side(B)
    assert side
    again = rebuild(side.ticket, side.events, side.posts, policy(), made.now)
    assert again.clocks == made.tickets[B].clocks
    assert "is not held" in str(on_command(made.tickets[B], c.Reject(), OPERATOR, policy(), made.now))
    assert "accept or reject" in held().join(B, c.Merge(A))
