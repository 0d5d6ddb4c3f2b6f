"""What mails, commands and deadlines lead to."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import CUSTOMER, POLICY
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import Attachment, Author, Status, Target, Ticket
from mailbot.domain.notices import Acknowledgement, AgentRefusal, Answer, Progress, TeamNotice
from mailbot.domain.people.addresses import owner
from mailbot.domain.policy import AnswerLimits, Detail, Policy, Rate
from mailbot.domain.reasons import Refusal
from mailbot.domain.replies.auto_reply import rates
from tests.builders import BAYU, BOX, DEWI, NOW, NUMBER, OPERATOR, RINA, SARI, envelope, facts, mail, policy

MINE = Match(NUMBER)
TAGGED = Match(NUMBER, by_token=True)
LATER = NOW + timedelta(minutes=20)


def kinds(decision: Decision) -> list[str]:
    return [event.kind for event in decision.events]


def open_ticket(**mail_changes: object) -> Ticket:
    return on_mail(None, mail(**mail_changes), envelope(), facts(), policy(), NOW).decision.ticket


def answered() -> Ticket:
    sent = mail(sender=RINA.address, visible="Nomor pesanannya berapa?")
    return on_mail(open_ticket(), sent, envelope(), agent_facts(), policy(), LATER).decision.ticket


def agent_facts(proof: str = "sent from a trusted network") -> object:
    return facts(match=TAGGED, proof=proof)


def test_a_new_mail_opens_a_routed_ticket_with_an_owner_clocks_and_an_acknowledgement() -> None:
    decided = on_mail(None, mail(subject="Saldo terpotong"), envelope(), facts(), policy(), NOW)
    ticket, notices = decided.decision.ticket, decided.decision.notices

    assert (ticket.number, ticket.status, ticket.team, ticket.level) == (NUMBER, Status.NEW, "payments", "L1")
    assert (ticket.priority, ticket.tags, ticket.rule) == ("high", ("money",), "payment")
    assert ticket.assignee == DEWI.address
    running = {clock.target for clock in ticket.clocks}
    assert running == {Target.FIRST_RESPONSE, Target.RESOLUTION, Target.REPEAT}
    assert notices[0] == Acknowledgement(
        NUMBER,
        BOX.address,
        "budi@pelanggan.example",
        "id",
        "<a@pelanggan.example>",
        promised_at=NOW + timedelta(hours=1),
    )
    assert isinstance(notices[1], TeamNotice)
    assert (notices[1].to, notices[1].why) == (DEWI.address, "new")
    assert notices[1].due_at == NOW + timedelta(minutes=30)


def test_the_row_is_what_folding_the_events_gives() -> None:
    decision = on_mail(None, mail(), envelope(), facts(), policy(), NOW).decision

    assert decision.ticket.events == len(decision.events)


@pytest.mark.parametrize(
    ("mail_changes", "envelope_changes", "reason"),
    [
        ({"no_auto_reply": "Auto-Submitted: auto-replied"}, {}, "Auto-Submitted: auto-replied"),
        ({}, {"sender": ""}, "null sender"),
        ({"sender": ""}, {}, "no single sender in From"),
        ({"sender": BOX.address}, {}, "from an address of our own"),
        ({}, {"sender": BOX.address}, "from an address of our own"),
    ],
)
def test_what_must_not_be_answered_is_a_ticket_with_the_reason_stored(
    mail_changes: dict[str, str], envelope_changes: dict[str, str], reason: str
) -> None:
    decided = on_mail(
        None, mail(**mail_changes), envelope(**envelope_changes), facts(), policy(), NOW
    ).decision

    suppressed = [each for each in decided.events if isinstance(each, e.AcknowledgementSuppressed)]
    assert [(str(each.reason), each.by) for each in suppressed] == [(reason, POLICY)]
    assert not [notice for notice in decided.notices if isinstance(notice, Acknowledgement)]


def limited() -> Policy:
    return policy(answers=AnswerLimits(per_address=(Rate(1, timedelta(minutes=10)),)))


def test_a_second_new_ticket_within_the_limit_is_kept_but_not_acknowledged() -> None:
    first = on_mail(None, mail(), envelope(), facts(), limited(), NOW)
    second = on_mail(None, mail(), envelope(), facts(rate_limits=first.spent), limited(), LATER)
    soon = on_mail(
        None, mail(), envelope(), facts(rate_limits=first.spent), limited(), NOW + timedelta(minutes=9)
    )

    assert "acknowledgement_enqueued" in kinds(first.decision)
    assert "acknowledgement_enqueued" in kinds(second.decision)
    assert "acknowledgement_suppressed" in kinds(soon.decision)
    assert soon.spent == {}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"sender": "budi@toko.example"}, {"sender": "Budi+42@TOKO.example"}),
        ({"sender": "bu.di@gmail.com"}, {"sender": "b.u.d.i+x@googlemail.com"}),
    ],
)
def test_another_spelling_of_an_address_is_worth_no_other_answer(
    first: dict[str, str], second: dict[str, str]
) -> None:
    spent = on_mail(None, mail(), envelope(**first), facts(), limited(), NOW).spent
    soon = on_mail(None, mail(), envelope(**second), facts(rate_limits=spent), limited(), NOW)

    assert "acknowledgement_suppressed" in kinds(soon.decision)


def test_a_spelling_that_may_be_another_person_is_another_person() -> None:
    assert owner("bu.di@toko.example") != owner("budi@toko.example")
    assert owner("+62811@toko.example") == "+62811@toko.example"


def test_the_limit_of_the_from_address_holds_for_any_return_path() -> None:
    spent = on_mail(None, mail(), envelope(sender="a@jahat.example"), facts(), limited(), NOW).spent
    soon = on_mail(None, mail(), envelope(sender="b@evil.example"), facts(rate_limits=spent), limited(), NOW)

    assert "acknowledgement_suppressed" in kinds(soon.decision)
    assert soon.decision.ticket.tags[-1] == "unanswered"


def test_a_customer_not_acknowledged_over_a_limit_gets_no_progress_until_answered() -> None:
    spent = on_mail(None, mail(), envelope(), facts(), limited(), NOW).spent
    ticket = on_mail(None, mail(), envelope(), facts(rate_limits=spent), limited(), NOW).decision.ticket
    answered = replace(ticket, first_response_at=NOW)
    far = NOW + timedelta(days=30)

    assert not [n for n in on_deadline(ticket, limited(), far).notices if isinstance(n, Progress)]
    assert [n for n in on_deadline(answered, limited(), far).notices if isinstance(n, Progress)]


def test_a_shared_domain_has_no_limit_of_its_own() -> None:
    limits = AnswerLimits(per_domain=(Rate(1, timedelta(hours=1)),))
    shared = policy(answers=limits, shared_domains=frozenset({"gmail.com"}))

    assert list(rates("budi@gmail.com", shared)) == []
    assert len(list(rates("budi@toko.example", shared))) == 1


def test_the_acknowledgement_goes_to_the_return_path() -> None:
    decided = on_mail(None, mail(), envelope(sender="lain@tempat-lain.example"), facts(), policy(), NOW)

    assert decided.decision.notices[0].to == "lain@tempat-lain.example"


def test_a_customers_reply_after_our_answer_makes_it_our_turn_and_notifies_the_owner() -> None:
    ticket = answered()
    assert ticket.status is Status.WAITING

    decided = on_mail(ticket, mail(), envelope(), facts(match=MINE), policy(), LATER).decision

    assert decided.ticket.status is Status.OPEN
    running = {clock.target for clock in decided.ticket.clocks if clock.running_since}
    assert running == {Target.NEXT_RESPONSE, Target.RESOLUTION, Target.REPEAT}
    assert [(notice.to, notice.why) for notice in decided.notices] == [(RINA.address, "customer_wrote")]


def test_our_targets_pause_while_we_wait_for_the_customer() -> None:
    ticket = answered()

    resolution, *others = ticket.clocks
    assert resolution.target is Target.RESOLUTION
    assert (resolution.spent, resolution.running_since) == (timedelta(minutes=20), None)
    assert {clock.target for clock in others} == {Target.FOLLOW_UP, Target.REPEAT}
    assert kinds(on_deadline(ticket, policy(), NOW + timedelta(days=9))) == [
        "reminder_due",
        "people_notified",
    ]


def test_an_agents_proven_mail_goes_to_the_customer_and_counts_as_the_response() -> None:
    sent = mail(sender=RINA.address, visible="Kami sedang cek.", message_id="<r@tim.example>")
    decided = on_mail(open_ticket(), sent, envelope(), agent_facts(), policy(), LATER)

    assert decided.direction == "out"
    assert decided.decision.ticket.first_response_at == LATER
    assert decided.decision.notices == (
        Answer(
            NUMBER,
            BOX.address,
            "budi@pelanggan.example",
            "id",
            "<a@pelanggan.example>",
            "Rina",
            "Kami sedang cek.",
            subject="Barang belum sampai",
        ),
    )


def test_mail_in_an_agents_name_without_proof_is_a_note_and_never_leaves() -> None:
    sent = mail(sender=RINA.address, visible="Transfer ke rekening ini.")
    decided = on_mail(open_ticket(), sent, envelope(), agent_facts(proof=""), policy(), LATER)

    assert decided.direction == "note"
    assert kinds(decided.decision) == ["agent_mail_held"]
    assert [type(notice) for notice in decided.decision.notices] == [AgentRefusal]
    assert decided.decision.ticket.status is Status.NEW


def test_an_agents_auto_reply_is_no_answer() -> None:
    declared = reasons.of("auto_submitted", value="auto-replied")
    away = mail(sender=RINA.address, no_auto_reply=declared, author=Author.MACHINE)
    decided = on_mail(open_ticket(), away, envelope(), agent_facts(), policy(), LATER).decision

    assert kinds(decided) == ["agent_mail_held"]
    assert (decided.ticket.status, decided.notices) == (Status.NEW, ())


def test_an_out_of_office_reply_neither_reopens_nor_moves_a_clock() -> None:
    ticket = answered()
    away = mail(no_auto_reply="Auto-Submitted: auto-replied")

    decided = on_mail(ticket, away, envelope(), facts(match=MINE), policy(), LATER).decision

    assert decided.ticket == replace(ticket, events=ticket.events + 1)
    assert decided.notices == ()


def closed() -> Ticket:
    decision = on_command(answered(), c.Close("done"), OPERATOR, policy(), LATER)
    assert isinstance(decision, Decision)
    return decision.ticket


def test_a_reply_within_the_window_reopens_a_closed_ticket() -> None:
    decided = on_mail(
        closed(), mail(), envelope(), facts(match=MINE), policy(), LATER + timedelta(days=13)
    ).decision

    assert kinds(decided)[:2] == ["ticket_reopened", "customer_wrote"]
    assert (decided.ticket.status, decided.ticket.closed_at) == (Status.OPEN, None)


def test_a_reply_fills_in_the_details_that_the_ticket_lacked() -> None:
    known = {
        "order": Detail("order", {"id": "nomor pesanan", "en": "order number"}, r"\b(INV-[0-9]{4,})\b"),
        "code": Detail("code", {"id": "kode", "en": "code"}, "[A-Z]{4}-[0-9]{8}"),  # as our number looks
        "phone": Detail("phone", {"id": "telepon", "en": "phone"}),
    }
    reply = mail(subject=f"Re: [{NUMBER}] INV-1111", visible="ini INV-55667 dan INV-77777", text="> INV-2222")
    wanted, mine = policy(details=known), facts(match=MINE)

    given = on_mail(open_ticket(), reply, envelope(), mine, wanted, LATER).decision
    later = on_mail(given.ticket, reply, envelope(), mine, wanted, LATER).decision

    assert given.ticket.details == (("order", "INV-55667"),)
    assert kinds(given)[-2:] == ["details_received", "people_notified"]
    assert "details_received" not in kinds(later)  # what is known stays


def test_a_reply_after_the_window_opens_a_new_ticket_that_names_the_old_one() -> None:
    fresh = facts(number="TOKO-11111111-1", match=MINE)
    decided = on_mail(closed(), mail(), envelope(), fresh, policy(), LATER + timedelta(days=15)).decision

    first = decided.events[0]
    assert isinstance(first, e.TicketOpened)
    assert (decided.ticket.number, first.follows) == ("TOKO-11111111-1", NUMBER)


def test_a_closed_ticket_has_no_deadline() -> None:
    assert on_deadline(closed(), policy(), NOW + timedelta(days=99)).events == ()


def test_steps_come_in_their_order_and_each_once() -> None:
    ticket = open_ticket()
    half = on_deadline(ticket, policy(), NOW + timedelta(minutes=30))
    again = on_deadline(half.ticket, policy(), NOW + timedelta(minutes=31))
    due = on_deadline(half.ticket, policy(), NOW + timedelta(hours=1))

    assert kinds(half) == ["step_taken", "people_notified"]
    assert [(notice.to, notice.why) for notice in half.notices] == [(RINA.address, "reminder")]
    assert again.events == ()
    assert kinds(due)[:3] == ["target_missed", "step_taken", "ticket_escalated"]
    assert (due.ticket.level, due.ticket.assignee) == ("L2", BAYU.address)
    assert [(notice.to, notice.why) for notice in due.notices] == [(BAYU.address, "escalated")]


def test_a_new_owner_who_does_not_confirm_makes_the_next_step_come_at_once() -> None:
    escalated = on_deadline(open_ticket(), policy(), NOW + timedelta(hours=1)).ticket
    in_time = on_deadline(escalated, policy(), NOW + timedelta(minutes=74))
    too_late = on_deadline(escalated, policy(), NOW + timedelta(minutes=75))

    assert in_time.events == ()
    assert (too_late.ticket.level, too_late.ticket.assignee) == ("management", SARI.address)
    assert Progress in [type(notice) for notice in too_late.notices]


def test_assigning_confirms_an_escalation() -> None:
    escalated = on_deadline(open_ticket(), policy(), NOW + timedelta(hours=1)).ticket
    taken = on_command(escalated, c.Assign(BAYU.address), OPERATOR, policy(), NOW + timedelta(minutes=70))

    assert isinstance(taken, Decision)
    assert on_deadline(taken.ticket, policy(), NOW + timedelta(minutes=90)).events == ()


def test_after_a_long_downtime_every_missed_step_is_taken_once_in_order() -> None:
    late = on_deadline(open_ticket(), policy(), NOW + timedelta(days=3))

    taken = [event.step for event in late.events if isinstance(event, e.StepTaken)]
    assert taken == [0, 1, 2]
    assert late.ticket.level == "management"
    later = on_deadline(late.ticket, policy(), NOW + timedelta(days=30))
    assert kinds(later) == ["reminder_due", "people_notified"]


def test_the_customer_of_an_automatic_ticket_never_gets_progress() -> None:
    decided = on_mail(
        None, mail(no_auto_reply="list mail (List-Id)"), envelope(), facts(), policy(), NOW
    ).decision
    late = on_deadline(decided.ticket, policy(), NOW + timedelta(days=3))

    assert Progress not in [type(notice) for notice in late.notices]


@pytest.mark.parametrize(
    ("command", "why_not"),
    [
        (c.Assign("nobody@tim.example"), "no agent"),
        (c.Escalate("L9"), "no level 'L9'"),
        (c.Escalate("L1"), "already"),
    ],
)
def test_an_invalid_command_gives_the_reason(command: c.Command, why_not: str) -> None:
    answer = on_command(open_ticket(), command, OPERATOR, policy(), LATER)

    assert isinstance(answer, Refusal)
    assert why_not in str(answer)


def test_escalating_by_hand_goes_one_level_up_by_default() -> None:
    decision = on_command(open_ticket(), c.Escalate(), OPERATOR, policy(), LATER)

    assert isinstance(decision, Decision)
    assert decision.ticket.level == "L2"


def test_a_note_notifies_no_one() -> None:
    decision = on_command(open_ticket(), c.AddNote("pelanggan VIP"), OPERATOR, policy(), LATER)

    assert isinstance(decision, Decision)
    assert decision.notices == ()


THANKS = mail(visible="Terima kasih banyak Rina 🙏\n\nSalam,\nBudi", message_id="<thanks@pelanggan.example>")


@pytest.mark.parametrize("turn", [open_ticket, answered, closed], ids=["ours", "the customer's", "closed"])
@pytest.mark.parametrize("days", [0, 99])
def test_thanks_alone_are_kept_in_any_turn_and_notify_no_one(turn: Callable[[], Ticket], days: int) -> None:
    ticket, at = turn(), LATER + timedelta(days=days)

    decided = on_mail(ticket, THANKS, envelope(), facts(match=MINE), policy(), at)

    assert decided.decision.events == (e.ThanksReceived(at, CUSTOMER, "<thanks@pelanggan.example>"),)
    assert decided.decision.ticket == replace(ticket, events=ticket.events + 1)
    assert (decided.decision.notices, decided.direction) == ((), "in")


PICTURE = Attachment("bukti.png", "image/png", 3, "0" * 64)


@pytest.mark.parametrize(
    "changes",
    [
        {"visible": "Terima kasih, tapi dananya belum masuk."},
        {"attachments": (PICTURE,)},
        {"flags": ("unreadable-part",)},
    ],
)
def test_thanks_with_anything_more_reopen_a_closed_ticket(changes: dict[str, object]) -> None:
    more = replace(THANKS, **{"visible": "Terima kasih", **changes})

    decided = on_mail(closed(), more, envelope(), facts(match=MINE), policy(), LATER).decision

    assert decided.ticket.status is Status.OPEN


def test_a_new_matter_of_thanks_alone_is_a_ticket_like_any_other() -> None:
    decided = on_mail(None, THANKS, envelope(), facts(), policy(), NOW).decision

    assert "acknowledgement_enqueued" in kinds(decided)
