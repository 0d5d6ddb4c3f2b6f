"""Whose turn it is: by an answer, by a person's word, and when a wait ends."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import NoticeKind, Status, Target, Ticket, Turn
from mailbot.domain.notices import Progress, TeamNotice
from mailbot.domain.policy import Actions, Detail, Ladder, Moment, Policy, Rule, Step
from tests.builders import BOX, EKO, NOW, NUMBER, RINA, envelope, facts, mail, policy

HOUR = timedelta(hours=1)


def first(by: Policy | None = None) -> Ticket:
    return on_mail(None, mail(), envelope(), facts(), by or policy(), NOW).decision.ticket


def answer(ticket: Ticket, text: str, at: datetime = NOW, by: Policy | None = None) -> Ticket:
    sent, known = (
        mail(sender=RINA.address, visible=text),
        facts(match=Match(NUMBER, by_token=True), proof="x"),
    )
    return on_mail(ticket, sent, envelope(), known, by or policy(), at).decision.ticket


def do(ticket: Ticket, command: c.Command, at: datetime = NOW) -> Decision:
    decided = on_command(ticket, command, EKO, policy(), at)
    assert isinstance(decided, Decision), decided
    return decided


def running(ticket: Ticket) -> set[Target]:
    return {each.target for each in ticket.clocks if each.running_since} - {Target.REPEAT}


def after(mode: str) -> Policy:
    return policy(mailboxes={BOX.address: replace(BOX, after_answer=mode)})


@pytest.mark.parametrize(
    ("by", "text", "turn", "code"),
    [
        (policy(), "Kami sedang memeriksa.", Turn.OURS, "answer_asks_nothing"),
        (policy(), "Nomor pesanannya berapa?", Turn.CUSTOMER, "answer_asks"),
        (after("customer"), "Kami sedang memeriksa.", Turn.CUSTOMER, "mailbox_waits"),
        (after("ours"), "Nomor pesanannya berapa?", Turn.OURS, "mailbox_goes_on"),
    ],
)
def test_an_answer_leaves_the_turn_ours_unless_it_asks_or_the_mailbox_says_so(
    by: Policy, text: str, turn: Turn, code: str
) -> None:
    answered = answer(first(by), text, by=by)

    assert (answered.turn, answered.turn_why.code, answered.unanswered) == (turn, code, False)
    assert answered.status is (Status.WAITING if turn is Turn.CUSTOMER else Status.OPEN)
    wanted = {Target.RESOLUTION} if turn is Turn.OURS else {Target.FOLLOW_UP}
    assert running(answered) == wanted


def test_an_answer_that_asks_for_a_missing_detail_of_the_rule_waits_for_the_customer() -> None:
    details = {"order": Detail("order", {"id": "nomor pesanan", "en": "order number"})}
    rules = (Rule("all", None, Actions(team="frontline", ask_for=("order",))),)
    by = policy(details=details, rules=rules)

    waits = answer(first(by), "Kami membutuhkan nomor pesanan Anda.", by=by)
    assert (waits.turn, waits.turn_why.code) == (Turn.CUSTOMER, "answer_asks_detail")
    found = answer(
        replace(first(by), details=(("order", "1"),)), "Kami membutuhkan nomor pesanan Anda.", by=by
    )
    assert found.turn is Turn.OURS


def test_the_resolution_pauses_only_while_the_customer_has_the_turn() -> None:
    checking = answer(first(), "Kami cek.", NOW + HOUR)
    assert ladder.promised_at(checking, policy()) == NOW + 8 * HOUR
    asking = answer(checking, "Kapan terakhir?", NOW + 2 * HOUR)
    assert ladder.promised_at(asking, policy()) is None
    again = on_mail(asking, mail(), envelope(), facts(match=Match(NUMBER)), policy(), NOW + 20 * HOUR)
    ends = {target: ladder.end_of_clock(again.decision.ticket, policy(), target) for target in Target}
    assert ends[Target.RESOLUTION] == NOW + 26 * HOUR
    assert (
        ends[Target.NEXT_RESPONSE] == NOW + 22 * HOUR == ladder.promised_at(again.decision.ticket, policy())
    )


def test_a_wait_for_a_third_party_runs_beside_the_promises_and_comes_back() -> None:
    waiting = do(answer(first(), "Kami cek."), c.Wait(Turn.THIRD_PARTY, NOW + 3 * HOUR, "bank")).ticket
    assert (waiting.turn, waiting.status) == (Turn.THIRD_PARTY, Status.WAITING)
    assert running(waiting) == {Target.THIRD_PARTY, Target.RESOLUTION}

    assert on_deadline(waiting, policy(), NOW + 3 * HOUR - timedelta(seconds=1)).events == ()
    back = on_deadline(waiting, policy(), NOW + 3 * HOUR)
    assert (back.ticket.turn, back.ticket.turn_until, running(back.ticket)) == (
        Turn.OURS,
        None,
        {Target.RESOLUTION},
    )
    assert "bank" in str(back.ticket.turn_why)
    assert [(each.to, each.why) for each in back.notices if isinstance(each, TeamNotice)] == [
        (RINA.address, NoticeKind.TURN_CAME_BACK)
    ]
    assert ladder.promised_at(back.ticket, policy()) == NOW + 8 * HOUR


def test_a_wait_for_the_customer_with_an_end_comes_back_too() -> None:
    waiting = do(first(), c.Wait(Turn.CUSTOMER, NOW + 50 * HOUR)).ticket
    assert (waiting.turn, running(waiting)) == (Turn.CUSTOMER, {Target.FOLLOW_UP})
    back = on_deadline(waiting, policy(), NOW + 50 * HOUR).ticket
    assert (back.turn, running(back)) == (Turn.OURS, {Target.FIRST_RESPONSE, Target.RESOLUTION})


def test_waiting_does_not_give_an_unanswered_mail_more_time() -> None:
    waiting = do(first(), c.Wait(Turn.CUSTOMER, NOW + 9 * HOUR), NOW + HOUR / 2).ticket
    back = on_deadline(waiting, policy(), NOW + 9 * HOUR).ticket
    assert ladder.end_of_clock(back, policy(), Target.FIRST_RESPONSE) == NOW + 9.5 * HOUR


def test_promised_news_is_named_to_the_customer_and_an_answer_keeps_it() -> None:
    promised = do(answer(first(), "Kami cek."), c.WorkOn(NOW + 2 * HOUR))
    assert (promised.ticket.turn, promised.ticket.informed_until) == (Turn.OURS, NOW + 2 * HOUR)
    assert [each.until for each in promised.notices if isinstance(each, Progress)] == [NOW + 2 * HOUR]
    assert ladder.promised_at(promised.ticket, policy()) == NOW + 2 * HOUR
    assert Target.PROMISE not in running(answer(promised.ticket, "Selesai."))


def test_promised_news_that_did_not_come_is_missed_and_the_owner_is_reminded_once() -> None:
    promised = do(answer(first(), "Kami cek."), c.WorkOn(NOW + 2 * HOUR)).ticket
    late = on_deadline(promised, policy(), NOW + 2 * HOUR)
    assert [each.target for each in late.events if isinstance(each, e.TargetMissed)] == [Target.PROMISE]
    assert [each.why for each in late.notices if isinstance(each, TeamNotice)] == [NoticeKind.REMINDER]
    assert on_deadline(late.ticket, policy(), NOW + 3 * HOUR).events == ()


@pytest.mark.parametrize("until", [NOW, NOW - HOUR, NOW + timedelta(days=91)])
@pytest.mark.parametrize("make", [lambda at: c.WorkOn(at), lambda at: c.Wait(Turn.THIRD_PARTY, at)])
def test_a_moment_that_is_past_or_too_far_is_refused(until: datetime, make: type[c.WorkOn]) -> None:
    assert not isinstance(on_command(first(), make(until), EKO, policy(), NOW), Decision)


def test_a_third_partys_wait_without_an_end_is_refused() -> None:
    assert not isinstance(on_command(first(), c.Wait(Turn.THIRD_PARTY), EKO, policy(), NOW), Decision)


@pytest.mark.parametrize("targets", [{}, {Target.FIRST_RESPONSE: HOUR}, {Target.NEXT_RESPONSE: HOUR}])
def test_p17_a_ladder_without_a_resolution_promises_news_by_the_next_reminder(
    targets: dict[Target, timedelta],
) -> None:
    by = policy(ladders={"standard": Ladder("standard", targets, (), repeat=5 * HOUR)})
    checking = answer(first(by), "Kami cek.", NOW + HOUR, by)
    assert ladder.promised_at(checking, by) == NOW + 6 * HOUR
    late = on_deadline(checking, by, NOW + 6 * HOUR)
    assert [each.target for each in late.events if isinstance(each, e.TargetMissed)] == [Target.PROMISE]
    again = on_mail(late.ticket, mail(), envelope(), facts(match=Match(NUMBER)), by, NOW + 7 * HOUR).decision
    assert ladder.promised_at(again.ticket, by)


CLOSES = policy(mailboxes={BOX.address: replace(BOX, close_after=timedelta(days=10))})


def test_a_silent_customer_is_followed_up_and_then_the_ticket_closes_with_a_closing_word() -> None:
    asked = answer(first(CLOSES), "Kapan terakhir?", by=CLOSES)
    moments = []
    while (due := ladder.next_deadline(asked, CLOSES)) and len(moments) < 20:
        late = on_deadline(asked, CLOSES, due.due_at)
        asked = late.ticket
        moments.append((due.due_at - NOW, [getattr(each, "why", each.name) for each in late.notices]))
    reminders = [(n * 40 * HOUR, [NoticeKind.FOLLOW_UP]) for n in range(1, 6)]
    assert moments == [*reminders, (timedelta(days=10), ["closing"])]
    assert (asked.status, asked.closed_at) == (Status.CLOSED, NOW + timedelta(days=10))

    again = on_mail(asked, mail(), envelope(), facts(match=Match(NUMBER)), CLOSES, NOW + timedelta(days=11))
    assert (again.decision.ticket.status, again.decision.ticket.turn) == (Status.OPEN, Turn.OURS)


def test_a_ticket_whose_newest_mail_has_no_answer_never_closes_by_itself() -> None:
    waits = do(first(CLOSES), c.Wait(Turn.CUSTOMER)).ticket
    assert on_deadline(waits, CLOSES, NOW + timedelta(days=60)).ticket.status is Status.WAITING


def test_late_reminders_of_a_ticket_that_closes_meanwhile_are_not_mailed() -> None:
    asked = answer(first(CLOSES), "Kapan terakhir?", by=CLOSES)
    late = on_deadline(asked, CLOSES, NOW + timedelta(days=30))
    assert late.ticket.status is Status.CLOSED
    assert [each.name for each in late.notices] == ["closing"]


@pytest.mark.parametrize("turn", [Turn.CUSTOMER, Turn.THIRD_PARTY])
def test_escalating_a_ticket_that_waits_makes_it_ours_and_its_new_owner_confirms(turn: Turn) -> None:
    waiting = do(answer(first(), "Kami cek."), c.Wait(turn, NOW + 5 * HOUR)).ticket
    raised = do(waiting, c.Escalate("L2", "mendesak"), NOW + HOUR).ticket

    assert (raised.turn, raised.status, raised.turn_why.code) == (Turn.OURS, Status.OPEN, "escalated_by")
    confirm_by = ladder.end_of_clock(raised, policy(), Target.CONFIRMATION)
    assert confirm_by == NOW + HOUR + timedelta(minutes=15)


def test_a_step_that_escalates_while_a_third_party_has_the_turn_arms_the_confirmation() -> None:
    steps = (Step(Moment(Target.RESOLUTION, 0.5), escalate_to="L2", acknowledge_within=HOUR),)
    by = policy(ladders={"standard": Ladder("standard", {Target.RESOLUTION: 8 * HOUR}, steps)})
    wait = on_command(
        answer(first(by), "Kami cek.", by=by), c.Wait(Turn.THIRD_PARTY, NOW + 7 * HOUR), EKO, by, NOW
    )
    assert isinstance(wait, Decision)
    raised = on_deadline(wait.ticket, by, NOW + 4 * HOUR).ticket
    assert (raised.level, raised.turn) == ("L2", Turn.THIRD_PARTY)
    assert ladder.end_of_clock(raised, by, Target.CONFIRMATION) == NOW + 5 * HOUR
