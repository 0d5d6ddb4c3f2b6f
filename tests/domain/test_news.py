"""A customer who was given a time gets a later one before it passes, and never reads the same twice."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import commands as c
from mailbot.domain import ladder
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import Authentication, Role, Status, Ticket, Turn
from mailbot.domain.notices import Acknowledgement, Notice, Progress, StatusAnswer
from mailbot.domain.policy import AnswerLimits
from mailbot.domain.reasons import Refusal, of
from mailbot.domain.worktime import Calendar, Interval
from tests.builders import BOX, EKO, NOW, NUMBER, RINA, STANDARD, envelope, facts, mail, policy

HOUR = timedelta(hours=1)
PUBLIC = {"L1": {"id": "petugas"}, "L2": {"id": "tenaga ahli"}, "management": {"id": "pimpinan"}}
BY = policy(
    ladders={"standard": replace(STANDARD, news_before=None)},
    level_names=PUBLIC,
    answers=AnswerLimits(),
)
OFFICE = Calendar("office", "UTC", ((Interval(4 * HOUR, 14 * HOUR),),) * 7)  # an hour after NOW
BUDI = mail().sender
ROLES = {BUDI: Role.CUSTOMER}


def opened() -> Decision:
    return on_mail(None, mail(authentication=Authentication.PASS), envelope(), facts(), BY, NOW).decision


def wrote(ticket: Ticket, text: str, at: datetime) -> Decision:
    known = facts(match=Match(NUMBER), roles=ROLES)
    written = mail(subject=f"Re: [{NUMBER}]", text=text, visible=text, message_id=f"<{at.timestamp()}@x>")
    return on_mail(ticket, written, envelope(), known, BY, at).decision


def news(decision: Decision) -> list[Progress]:
    return [each for each in decision.notices if isinstance(each, Progress)]


def test_a_later_time_comes_before_the_one_that_the_acknowledgement_named() -> None:
    ticket = opened().ticket
    assert ticket.informed_until == NOW + HOUR
    ticket = on_deadline(ticket, BY, NOW + HOUR / 2).ticket
    due = ladder.next_deadline(ticket, BY)
    assert due is not None
    assert (due.due_at, due.step) == (NOW + HOUR - 6 * timedelta(minutes=1), ladder.NEWS)

    (progress,) = news(renewed := on_deadline(ticket, BY, due.due_at))
    assert (progress.until, progress.subject, progress.to) == (NOW + 8 * HOUR, "Barang belum sampai", BUDI)
    assert renewed.ticket.clocks == ticket.clocks
    assert renewed.ticket.informed_until == NOW + 8 * HOUR


def test_who_cannot_be_written_to_is_not_tried_again_and_again() -> None:
    ticket = on_deadline(opened().ticket, BY, NOW + HOUR / 2).ticket
    late = on_deadline(ticket, BY, NOW + HOUR - timedelta(minutes=6), of("bounced"))
    assert news(late) == []
    assert late.ticket.informed_until is None


def test_no_progress_while_the_customer_has_the_turn_or_after_an_answer() -> None:
    waiting = on_command(opened().ticket, c.Wait(Turn.CUSTOMER), EKO, BY, NOW)
    assert not isinstance(waiting, Refusal)
    assert waiting.ticket.informed_until is None


def test_an_escalation_names_who_has_it_and_no_time_beside_the_one_that_stands() -> None:
    by = policy(
        ladders={
            "standard": replace(
                STANDARD, steps=(STANDARD.steps[0], replace(STANDARD.steps[1], tell_customer=True))
            )
        },
        level_names=PUBLIC,
    )
    promised = on_command(opened().ticket, c.WorkOn(NOW + 3 * HOUR), EKO, by, NOW)
    assert not isinstance(promised, Refusal)
    (progress,) = news(on_deadline(promised.ticket, by, NOW + HOUR))
    assert (progress.level, progress.until) == (PUBLIC["L2"], None)


def test_a_hand_over_to_a_team_with_other_hours_gives_the_later_time_at_once() -> None:
    payments = replace(BY.teams["payments"], calendar="office")
    by = replace(BY, calendars={**BY.calendars, "office": OFFICE}, teams={**BY.teams, "payments": payments})
    ticket = opened().ticket
    moved = on_command(ticket, c.HandOver("payments", ""), EKO, by, NOW)
    assert not isinstance(moved, Refusal)
    (progress,) = news(moved)
    assert progress.until == NOW + 2 * HOUR == moved.ticket.informed_until
    back = on_command(moved.ticket, c.HandOver("frontline", ""), EKO, by, NOW)
    assert not isinstance(back, Refusal)
    assert news(back) == []


def test_the_status_of_one_complaint_of_an_incident_names_no_time() -> None:
    ticket = replace(opened().ticket, incident="TOKO-51157299-3", informed_until=None)
    (answer,) = [each for each in wrote(ticket, "STATUS", NOW).notices if isinstance(each, StatusAnswer)]
    assert (answer.phase, answer.promised_at, answer.missed_at) == ("ours", None, None)


def test_a_late_status_says_so_and_names_a_later_time() -> None:
    ticket = replace(opened().ticket, informed_until=NOW + HOUR)
    late = wrote(ticket, "sudah sampai mana?", NOW + 2 * HOUR)
    (answer,) = [each for each in late.notices if isinstance(each, StatusAnswer)]
    assert (answer.missed_at, answer.promised_at) == (NOW + HOUR, NOW + 8 * HOUR)
    assert late.ticket.informed_until == NOW + 8 * HOUR


def test_only_who_takes_part_in_the_ticket_itself_reads_how_it_stands() -> None:
    ticket = replace(
        opened().ticket, customer="siti@lain.example"
    )  # another's: the mail named one merged into it
    asked = mail(subject=f"Re: [{NUMBER}]", text="STATUS", visible="STATUS")
    for roles, answers_to in (({BUDI: Role.NAMED}, []), ({BUDI: Role.PARTICIPANT}, [BUDI])):
        known = facts(match=Match(NUMBER, followed=("TOKO-51157299-3",)), roles=roles)
        decision = on_mail(ticket, asked, envelope(), known, BY, NOW).decision
        assert [each.to for each in decision.notices if isinstance(each, StatusAnswer)] == answers_to


def test_the_same_promise_again_is_not_mailed_again() -> None:
    once = on_command(opened().ticket, c.WorkOn(NOW + 3 * HOUR), EKO, BY, NOW)
    assert not isinstance(once, Refusal)
    again = on_command(once.ticket, c.WorkOn(NOW + 3 * HOUR), EKO, BY, NOW + HOUR)
    assert not isinstance(again, Refusal)
    assert (len(news(once)), news(again)) == (1, [])


def test_the_newest_clear_language_of_the_customer_is_used_from_then_on() -> None:
    ticket = opened().ticket
    assert ticket.language == "id"
    english = wrote(ticket, "I have not received my package yet, please help me with this.", NOW).ticket
    assert english.language == "en"
    assert wrote(english, "ok 12345", NOW + HOUR).ticket.language == "en"


ACTS = st.sampled_from(
    ["wait", "wrote", "status", "working", "fixed", "escalate", "close", "third", "customer"]
)
LIVES = st.lists(st.tuples(ACTS, st.integers(1, 40 * 60)), max_size=25)


def act(ticket: Ticket, what: str, at: datetime) -> Decision | Refusal:
    commands: dict[str, c.Command] = {
        "working": c.WorkOn(at + 5 * HOUR),
        "fixed": c.WorkOn(NOW + 100 * HOUR),
        "escalate": c.Escalate("", "late"),
        "close": c.Close("done", ""),
        "third": c.Wait(Turn.THIRD_PARTY, at + 9 * HOUR),
        "customer": c.Wait(Turn.CUSTOMER),
    }
    if what in commands:
        return on_command(ticket, commands[what], EKO, BY, at)
    if what == "wait":
        return on_deadline(ticket, BY, at)
    return wrote(ticket, "STATUS" if what == "status" else "Masih belum sampai juga.", at)


def until(notice: Notice) -> datetime | None:
    return notice.until if isinstance(notice, Progress) else getattr(notice, "promised_at", None)


@given(LIVES)
def test_in_any_life_times_given_are_ahead_and_each_is_later_than_the_one_before(
    life: list[tuple[str, int]],
) -> None:
    decision, at, given_, last = opened(), NOW, None, None
    ticket = decision.ticket
    for what, minutes in [("open", 0), *life]:
        moment = at + timedelta(minutes=minutes)
        while what != "open" and (due := ladder.next_deadline(ticket, BY, at)) and due.due_at <= moment:
            at = max(at, due.due_at)
            step = on_deadline(ticket, BY, at)
            given_, last = check(step, ticket, at, given_, last)
            ticket = step.ticket
        at = moment
        if what != "open":
            acted = act(ticket, what, at)
            if isinstance(acted, Refusal):
                continue
            decision = acted
        given_, last = check(decision, ticket, at, given_, last, is_persons=what in ("working", "fixed"))
        if what == "close":
            given_ = None
        ticket = decision.ticket
        if ticket.turn is Turn.CUSTOMER:
            given_ = None


def check(
    decision: Decision,
    before: Ticket,
    at: datetime,
    given_: datetime | None,
    last: tuple[object, ...] | None,
    *,
    is_persons: bool = False,
) -> tuple[datetime | None, tuple[object, ...] | None]:
    """Check what the customer reads of one decision. Return the newest time, and the newest progress."""
    for notice in decision.notices:
        if not isinstance(notice, Acknowledgement | Progress | StatusAnswer):
            continue
        time = until(notice)
        assert time is None or time > at
        if isinstance(notice, Progress):
            assert before.turn is not Turn.CUSTOMER or is_persons
            content = (notice.team, notice.level, notice.until)
            assert content != last
            last = content
            assert time is None or given_ is None or time > given_ or is_persons
        elif isinstance(notice, StatusAnswer) and time and given_:
            assert time >= given_
        given_ = time or given_
    return given_, last


@given(LIVES)
def test_a_status_mail_holds_nothing_internal(life: list[tuple[str, int]]) -> None:
    ticket, at = opened().ticket, NOW
    for what, minutes in life:
        at += timedelta(minutes=minutes)
        acted = act(ticket, what, at)
        ticket = ticket if isinstance(acted, Refusal) else acted.ticket
    asked = wrote(ticket, "STATUS", at)
    (answer,) = [each for each in asked.notices if isinstance(each, StatusAnswer)]
    for internal in (RINA.name, RINA.address, "late", "everything else", "standard", "frontline", EKO.name):
        assert internal not in repr(answer).replace(f"'{BOX.address}'", "")
    assert asked.ticket.status is ticket.status
    assert (asked.ticket.clocks, asked.ticket.turn) == (ticket.clocks, ticket.turn)
    assert ticket.status is not Status.CLOSED or answer.phase == "closed"
