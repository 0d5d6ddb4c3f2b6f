"""Test ladders: each step, an owner and a next deadline for every open ticket, and changes by a reload."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.escalation.reapply import recompute
from mailbot.domain.ladder import MISSED, next_deadline
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import OVER, Status, Target, Ticket
from mailbot.domain.notices import Progress, Question, TeamNotice
from mailbot.domain.policy import Agent, Ladder, Moment, Policy, Rule, Step, Team
from mailbot.domain.reasons import written
from mailbot.domain.worktime import ALWAYS, Calendar, Interval, end_of_quiet_hours, quiet_hours_text
from tests.builders import (
    BAYU,
    DEWI,
    EKO,
    NOW,
    NUMBER,
    OPERATOR,
    RINA,
    SARI,
    STANDARD,
    envelope,
    facts,
    mail,
    policy,
)

H, MIN = timedelta(hours=1), timedelta(minutes=1)
FIRST, RESOLUTION = Moment(Target.FIRST_RESPONSE), Moment(Target.RESOLUTION)
NIGHT = (Interval(21 * H, 24 * H), Interval(timedelta(), 7 * H))
MINE = Match(NUMBER)
TAGGED = Match(NUMBER, by_token=True)


def with_steps(*steps: Step, **changes: object) -> Policy:
    return policy(ladders={"standard": replace(STANDARD, steps=steps, **changes)})


def opened(by: Policy, at: datetime = NOW, **changes: object) -> Ticket:
    return on_mail(None, mail(**changes), envelope(), facts(), by, at).decision.ticket


def notices_of(decision: Decision, kind: type) -> list[object]:
    return [notice for notice in decision.notices if isinstance(notice, kind)]


def done(decision: Decision | str) -> Decision:
    assert isinstance(decision, Decision), decision
    return decision


# --- steps ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("category", "level"),
    [("fraud", "management"), ("fraud/card", "L2"), ("fraud/card/stolen", "L2"), ("fraudulent", "L1")],
)
def test_a_step_skips_levels_by_the_longest_category_that_it_names(category: str, level: str) -> None:
    step = Step(FIRST, escalate_by_category={"fraud": "management", "fraud/card": "L2"})
    by = with_steps(step)
    ticket = replace(opened(by), category=category)

    assert on_deadline(ticket, by, NOW + H).ticket.level == level


def test_reassigning_gives_it_to_another_agent_of_the_team_who_must_confirm() -> None:
    other = Agent("Tari", "tari@tim.example", "L1", ("id",))
    step = Step(FIRST, reassign=True, acknowledge_within=15 * MIN)
    by = with_steps(step, Step(RESOLUTION, escalate_to="L2"))
    by = replace(by, teams={**by.teams, "frontline": Team("frontline", "always", (RINA, other, BAYU))})
    ticket = opened(by)
    late = on_deadline(ticket, by, NOW + H)

    assert {ticket.assignee, late.ticket.assignee} == {RINA.address, other.address}
    (notice,) = notices_of(late, TeamNotice)
    assert isinstance(notice, TeamNotice)
    assert (notice.to, notice.why, notice.confirm_by) == (
        late.ticket.assignee,
        "assigned",
        NOW + H + 15 * MIN,
    )
    assert on_deadline(late.ticket, by, NOW + H + 15 * MIN).ticket.level == "L2"


def test_without_another_agent_reassigning_reminds_the_assignee() -> None:
    by = with_steps(Step(FIRST, reassign=True, acknowledge_within=15 * MIN))
    late = on_deadline(opened(by), by, NOW + H)

    assert late.ticket.assignee == RINA.address
    assert [(n.to, n.why) for n in late.notices if isinstance(n, TeamNotice)] == [(RINA.address, "reminder")]
    assert Target.CONFIRMATION not in {clock.target for clock in late.ticket.clocks}


def test_the_customer_reads_who_works_on_it_and_until_when() -> None:
    by = with_steps(Step(FIRST, escalate_to="L2", tell_customer=True))
    words = {"id": "tim depan", "en": "our front desk"}
    by = replace(
        by,
        teams={**by.teams, "frontline": replace(by.teams["frontline"], public=words)},
        level_names={"L2": {"id": "petugas senior", "en": "senior staff"}},
    )
    (progress,) = notices_of(on_deadline(opened(by), by, NOW + H), Progress)

    assert isinstance(progress, Progress)
    assert (progress.team, progress.level) == (words, {"id": "petugas senior", "en": "senior staff"})
    assert progress.until == NOW + 8 * H  # the resolution is promised still


ASK = Step(
    FIRST, ask_decision="management", question="Refund?", options=("yes", "no"), acknowledge_within=2 * H
)


def test_the_agents_of_a_level_are_asked_and_the_assignee_gets_their_answer() -> None:
    by = with_steps(ASK, Step(RESOLUTION, escalate_to="management"))
    asked = on_deadline(opened(by), by, NOW + H)

    (question,) = notices_of(asked, Question)
    assert isinstance(question, Question)
    assert (question.to, question.options, question.until) == (SARI.address, "yes, no", NOW + 3 * H)
    assert asked.ticket.assignee == RINA.address
    made = done(on_command(asked.ticket, c.Decide("YES", "goodwill"), EKO, by, NOW + 2 * H))
    assert e.DecisionMade(NOW + 2 * H, EKO, "yes", written("goodwill")) in made.events
    assert [(n.to, n.why) for n in made.notices if isinstance(n, TeamNotice)] == [(RINA.address, "decided")]
    assert "waits for no decision" in str(on_command(made.ticket, c.Decide("no"), OPERATOR, by, NOW + 2 * H))


@pytest.mark.parametrize(
    ("option", "by", "why"),
    [("perhaps", OPERATOR, "there are: yes, no"), ("yes", Actor.agent(RINA.address), "for management")],
)
def test_a_wrong_option_or_an_agent_below_the_level_is_refused(option: str, by: Actor, why: str) -> None:
    mine = with_steps(ASK)
    asked = on_deadline(opened(mine), mine, NOW + H)

    assert why in str(on_command(asked.ticket, c.Decide(option), by, mine, NOW + 2 * H))


def test_a_decision_that_does_not_come_brings_the_next_step_at_once_and_an_answer_does_not_stop_it() -> None:
    by = with_steps(ASK, Step(RESOLUTION, escalate_to="management"))
    asked = on_deadline(opened(by), by, NOW + H).ticket
    sent = mail(sender=RINA.address, visible="Kami cek.")
    waiting = on_mail(
        asked, sent, envelope(), facts(match=TAGGED, proof="a trusted network"), by, NOW + 90 * MIN
    ).decision.ticket

    assert on_deadline(waiting, by, NOW + 3 * H - MIN).events == ()
    late = on_deadline(waiting, by, NOW + 3 * H)
    assert late.ticket.level == "management"
    assert [str(event.reason) for event in late.events if isinstance(event, e.StepTaken)] == [
        "not decided in time"
    ]


# --- confirmation, escalation by hand ---------------------------------------------------------------------


def test_not_confirming_on_the_last_step_is_reported_again_and_again() -> None:
    by = with_steps(Step(FIRST, escalate_to="management", acknowledge_within=15 * MIN))
    late = on_deadline(opened(by), by, NOW + H + 15 * MIN)
    late = on_deadline(late.ticket, by, NOW + H + 30 * MIN)

    assert [event.target for event in late.events if isinstance(event, e.ReminderDue)] == [
        Target.CONFIRMATION
    ]
    week = on_deadline(late.ticket, by, NOW + 7 * 24 * H)
    again = on_deadline(week.ticket, by, NOW + 8 * 24 * H)
    assert [type(event) for event in again.events] == [e.ReminderDue, e.PeopleNotified]


def test_the_new_owner_confirms_by_answering() -> None:
    escalated = on_deadline(opened(policy()), policy(), NOW + H).ticket
    sent = mail(sender=BAYU.address, visible="Saya cek.")
    proof = facts(match=TAGGED, proof="a trusted network")
    answered = on_mail(escalated, sent, envelope(), proof, policy(), NOW + 70 * MIN).decision.ticket

    assert on_deadline(answered, policy(), NOW + 2 * H).events == ()


def test_escalating_by_hand_enters_the_ladder_at_its_level() -> None:
    by = with_steps(
        Step(Moment(Target.FIRST_RESPONSE, 0.5), escalate_to="L2", acknowledge_within=5 * MIN),
        Step(FIRST, escalate_to="management", acknowledge_within=20 * MIN),
        Step(RESOLUTION, notify=("bos@luar.example",)),
    )
    raised = done(on_command(opened(by), c.Escalate("management"), OPERATOR, by, NOW + 10 * MIN)).ticket
    assert ladder.end_of_clock(raised, by, Target.CONFIRMATION) == NOW + 30 * MIN
    taken = done(on_command(raised, c.Assign(SARI.address), OPERATOR, by, NOW + 15 * MIN)).ticket

    half = on_deadline(taken, by, NOW + 30 * MIN)  # what raised to L2 only brings it up again
    assert (half.ticket.level, half.ticket.assignee) == ("management", SARI.address)
    assert [(n.to, n.why) for n in half.notices if isinstance(n, TeamNotice)] == [(SARI.address, "reminder")]
    assert ladder.end_of_clock(half.ticket, by, Target.CONFIRMATION) is None
    silent = on_deadline(raised, by, NOW + 30 * MIN)
    assert "bos@luar.example" in {n.to for n in silent.notices if isinstance(n, TeamNotice)}


# --- quiet hours ------------------------------------------------------------------------------------------


def at_local(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour - 7, minute, tzinfo=UTC)  # Jakarta


JAKARTA = replace(ALWAYS, zone="Asia/Jakarta")


def test_reminders_wait_for_the_end_of_the_quiet_hours_and_escalations_do_not() -> None:
    by = with_steps(
        Step(Moment(Target.FIRST_RESPONSE, 0.5), remind="assignee"),
        Step(FIRST, escalate_to="L2"),
        quiet=NIGHT,
        targets={Target.FIRST_RESPONSE: H},
    )
    by = replace(by, calendars={"always": JAKARTA})
    ticket = opened(by, at_local(21))
    first = next_deadline(ticket, by)
    assert first
    assert (first.due_at, first.step, first.moved_from) == (at_local(22), MISSED, None)

    night = on_deadline(ticket, by, at_local(23))
    assert night.ticket.level == "L2"
    held = next_deadline(night.ticket, by)
    morning = at_local(7) + timedelta(days=1)
    assert held
    assert (held.due_at, held.step, held.moved_from) == (morning, 0, at_local(21, 30))
    assert [n.to for n in on_deadline(night.ticket, by, morning).notices] == [BAYU.address]


@given(
    st.integers(0, 10 * 366 * 24 * 60).map(lambda minutes: datetime(2020, 1, 1, tzinfo=UTC) + minutes * MIN),
    st.integers(0, 23),
    st.integers(1, 23),
    st.sampled_from(["Asia/Jakarta", "Europe/Amsterdam", "America/St_Johns", "Australia/Lord_Howe"]),
)
def test_nothing_comes_early_or_inside_quiet_hours(at: datetime, start: int, length: int, zone: str) -> None:
    end = (start + length) % 24
    spans = [(start, end)] if start < end else [(start, 24), (0, end)]
    quiet = tuple(Interval(low * H, high * H) for low, high in spans if low < high)
    woken = end_of_quiet_hours(at, quiet, zone)

    assert at <= woken <= at + timedelta(hours=length + 1)
    assert end_of_quiet_hours(woken, quiet, zone) == woken


def test_quiet_hours_are_read_as_they_were_written() -> None:
    assert quiet_hours_text(NIGHT) == "21:00-07:00"
    assert quiet_hours_text((Interval(12 * H, 13 * H),)) == "12:00-13:00"


# --- always an owner and a next deadline ------------------------------------------------------------------

LEVELS = ("L1", "L2", "L3", "management")
OFFICE = Calendar("office", "Asia/Jakarta", ((Interval(8 * H, 17 * H),),) * 5 + ((),) * 2)
CLOSED = Calendar("closed", "Asia/Jakarta", ((),) * 7)
SPANS = st.integers(1, 60 * 24 * 3).map(lambda minutes: minutes * MIN)


@st.composite
def steps(draw: st.DrawFn, targets: list[Target]) -> Step:
    at = Moment(
        draw(st.sampled_from(targets)),
        draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])),
        draw(st.integers(-90, 300)) * MIN,
    )
    level = st.sampled_from(("", "", *LEVELS))
    return Step(
        at,
        remind=draw(st.sampled_from(["", "assignee", "team"])),
        escalate_to=draw(level),
        escalate_by_category={"general": draw(level)} if draw(st.booleans()) else {},
        reassign=draw(st.booleans()),
        hand_over_to=draw(st.sampled_from(["", "", "payments", "nowhere"])),
        notify=("bos@luar.example",) if draw(st.booleans()) else (),
        tell_customer=draw(st.booleans()),
        acknowledge_within=draw(st.none() | SPANS),
        ask_decision=draw(level),
        question="Refund?",
        options=("yes", "no"),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    targets = draw(st.lists(st.sampled_from(list(Target)[:3]), min_size=1, unique=True))
    spans = {target: draw(SPANS) for target in targets}
    if draw(st.booleans()):
        targets.append(Target.FOLLOW_UP)
        spans[Target.FOLLOW_UP] = draw(SPANS)
    rungs = draw(st.lists(steps(targets), max_size=5))
    mine = Ladder("standard", spans, tuple(rungs), draw(st.sampled_from([(), NIGHT])), draw(SPANS))
    people = (RINA, BAYU, SARI, DEWI)
    team = st.lists(st.sampled_from(people), min_size=1, max_size=2, unique=True).map(tuple)
    calendar = draw(st.sampled_from([ALWAYS, OFFICE, CLOSED]))
    return policy(
        levels=draw(st.sampled_from([LEVELS, LEVELS[:2], LEVELS[::3]])),
        teams={name: Team(name, "office", draw(team)) for name in ("frontline", "payments")},
        rules=(Rule("all", None, replace(policy().rules[-1].then, level=draw(st.sampled_from(LEVELS)))),),
        ladders={draw(st.sampled_from(["standard", "other"])): mine},
        ladder_of=dict.fromkeys(policy().ladder_of, "standard"),
        calendars={"office": calendar},
    )


def named(by: Policy) -> Policy:
    """Return the drawn ladder under the test's own name."""
    ((name, mine),) = by.ladders.items()
    return replace(by, ladders={name: replace(mine, name=name)}, ladder_of=dict.fromkeys(by.ladder_of, name))


DEEDS = (
    *("time", "time", "deadline", "deadline", "customer", "answer", "away", "close", "escalate"),
    *("up", "assign", "decide", "reject", "reload", "recompute", "note"),
)
LIFE = st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 4 * 24 * 60)), max_size=14)


class Life:
    """One ticket through everything that can happen to it."""

    def __init__(self, policies: list[Policy], *, held: bool) -> None:
        self.coming = list(map(named, policies))
        self.by = self.coming.pop()
        other = replace(opened(self.by), number="TOKO-11111111-1", assignee="left@tim.example")
        about = facts(held_for=other if held else None)
        self.now = NOW
        self.ticket = on_mail(None, mail(), envelope(), about, self.by, NOW).decision.ticket

    def happen(self, deed: str, minutes: int) -> Decision | None:
        self.now += minutes * MIN if deed == "time" else MIN
        if deed == "deadline" and (due := next_deadline(self.ticket, self.by)):
            self.now = max(self.now, min(due.due_at, self.now + timedelta(days=400)))
        if deed == "reload" and self.coming:
            self.by = replace(self.coming.pop(), past_ladders={**self.by.ladders_by_digest})
        decision = self._decided(deed, minutes)
        if decision and decision.ticket.number == NUMBER:
            self.ticket = decision.ticket
        return decision

    def _decided(self, deed: str, minutes: int) -> Decision | None:
        somebody = sorted(self.by.agents)[minutes % len(self.by.agents)]
        commands: dict[str, c.Command] = {
            "close": c.Close(),
            "up": c.Escalate(),
            "escalate": c.Escalate(LEVELS[minutes % 4]),
            "assign": c.Assign(somebody),
            "decide": c.Decide("yes"),
            "reject": c.Reject(),
            "note": c.AddNote("x"),
        }
        if deed in commands:
            made = on_command(self.ticket, commands[deed], OPERATOR, self.by, self.now)
            return made if isinstance(made, Decision) else None
        if deed == "deadline":
            return on_deadline(self.ticket, self.by, self.now)
        if deed == "recompute":
            return recompute(self.ticket, self.by, self.now, OPERATOR)
        if deed in ("customer", "answer", "away"):
            return self._mail(deed, somebody)
        return None

    def _mail(self, deed: str, agent: str) -> Decision:
        if deed == "answer":
            sent, about = mail(sender=agent), facts(match=TAGGED, proof="a trusted network")
        else:
            sent = mail(no_auto_reply="Auto-Submitted: yes" if deed == "away" else "")
            about = facts(number="TOKO-99999999-9", match=MINE)
        return on_mail(self.ticket, sent, envelope(), about, self.by, self.now).decision


@given(st.lists(policies(), min_size=3, max_size=3), LIFE, st.booleans())
def test_no_open_ticket_is_ever_without_an_owner_and_a_next_deadline(
    drawn: list[Policy], deeds: list[tuple[str, int]], held: bool
) -> None:
    life = Life(drawn, held=held)
    for deed, minutes in (("", 0), *deeds):
        decision = life.happen(deed, minutes)
        ticket, due = life.ticket, next_deadline(life.ticket, life.by)
        assert (due is None) == (ticket.status in OVER)
        assert ticket.assignee
        if deed in ("deadline", "recompute") and decision and decision.events and due:
            assert ticket.assignee in life.by.agents
        if deed == "deadline" and (left := next_deadline(ticket, life.by, life.now)):
            assert left.due_at > life.now  # a late reminder waits for the end of the quiet hours
        for clock in ticket.clocks:
            assert len(clock.fired) == len(set(clock.fired))


def test_a_team_without_agents_at_the_level_is_notified_of_the_escalation() -> None:
    by = replace(policy(), levels=("L1", "L2", "L3", "management"))
    raised = done(on_command(opened(by), c.Escalate("L3"), OPERATOR, by, NOW + MIN))

    assert (raised.ticket.level, raised.ticket.assignee) == ("management", SARI.address)
    team_notices = {(n.to, n.why) for n in raised.notices if isinstance(n, TeamNotice)}
    assert team_notices == {
        (RINA.address, "notify"),
        (BAYU.address, "notify"),
        (SARI.address, "escalated"),
    }


def test_an_agent_removed_by_a_reload_loses_the_ticket_to_another() -> None:
    ticket = opened(policy())
    without = replace(policy(), teams={**policy().teams, "frontline": Team("frontline", "always", (BAYU,))})
    late = on_deadline(ticket, without, NOW + 30 * MIN)

    assert ticket.assignee == RINA.address
    assert late.ticket.assignee in without.agents


# --- a silent customer ------------------------------------------------------------------------------------


def test_a_silent_customer_is_followed_up_again_and_again_until_something_happens() -> None:
    by = with_steps()
    sent = mail(sender=RINA.address, visible="Sudah sampai?")
    proof = facts(match=TAGGED, proof="a trusted network")
    ticket = on_mail(opened(by), sent, envelope(), proof, by, NOW).decision.ticket
    moments = []
    for _ in range(3):
        due = next_deadline(ticket, by)
        assert due
        moments.append(due.due_at - NOW)
        late = on_deadline(ticket, by, due.due_at)
        assert [(n.to, n.why) for n in late.notices if isinstance(n, TeamNotice)] == [
            (RINA.address, "follow_up")
        ]
        ticket = late.ticket
    assert moments == [40 * H, 80 * H, 120 * H]
    again = on_mail(ticket, sent, envelope(), proof, by, NOW + 130 * H).decision.ticket
    fresh = next_deadline(again, by)
    assert fresh
    assert fresh.due_at == NOW + 170 * H


# --- changed policies -------------------------------------------------------------------------------------


def changed(by: Policy) -> Policy:
    """Return `by` as a reload takes it on a node that used the first policy."""
    return replace(by, past_ladders=policy().ladders_by_digest)


def test_a_ticket_keeps_the_ladder_it_was_given() -> None:
    half = on_deadline(opened(policy()), policy(), NOW + 30 * MIN).ticket
    other = with_steps(
        Step(Moment(Target.FIRST_RESPONSE, 0.1), notify=("bos@luar.example",)), *STANDARD.steps
    )
    late = on_deadline(half, changed(other), NOW + H)

    assert late.ticket.level == "L2"
    assert [event.step for event in late.events if isinstance(event, e.StepTaken)] == [1]


def test_a_recomputed_ticket_takes_the_newest_past_step_and_no_older_one() -> None:
    ticket = on_deadline(opened(policy()), policy(), NOW + 30 * MIN).ticket
    by = changed(
        with_steps(
            Step(Moment(Target.FIRST_RESPONSE, 0.1), notify=("dini@luar.example",)),
            Step(Moment(Target.FIRST_RESPONSE, 0.6), escalate_to="L2"),
            Step(FIRST, escalate_to="management"),
        )
    )
    now = NOW + 40 * MIN
    anew = recompute(ticket, by, now, OPERATOR)
    assert [type(event) for event in anew.events] == [e.LadderChanged]
    taken = on_deadline(anew.ticket, by, now)

    assert [event.step for event in taken.events if isinstance(event, e.StepTaken)] == [1]
    assert taken.ticket.level == "L2"
    after = next_deadline(taken.ticket, by)
    assert after
    assert after.due_at == NOW + H
    assert recompute(taken.ticket, by, now, OPERATOR).events == ()


def test_a_recomputed_ticket_repeats_no_step() -> None:
    ticket = on_deadline(opened(policy()), policy(), NOW + H).ticket
    by = changed(with_steps(*STANDARD.steps[:2], Step(RESOLUTION, notify=("bos@luar.example",))))
    anew = recompute(ticket, by, NOW + 65 * MIN, OPERATOR).ticket

    assert on_deadline(anew, by, NOW + 65 * MIN).events == ()
    assert ladder.end_of_clock(anew, by, Target.CONFIRMATION) == NOW + H + 15 * MIN


def test_changing_a_target_does_not_break_it() -> None:
    ticket = opened(policy())
    shorter = {**STANDARD.targets, Target.FIRST_RESPONSE: 10 * MIN}
    by = changed(with_steps(*STANDARD.steps, targets=shorter))
    anew = recompute(ticket, by, NOW + 20 * MIN, OPERATOR).ticket
    taken = on_deadline(anew, by, NOW + 20 * MIN)

    assert not [event for event in taken.events if isinstance(event, e.TargetMissed)]
    assert [event.step for event in taken.events if isinstance(event, e.StepTaken)] == [1]


def test_a_closed_ticket_is_left_alone() -> None:
    ticket = done(on_command(opened(policy()), c.Close(), OPERATOR, policy(), NOW)).ticket

    assert recompute(ticket, changed(with_steps()), NOW + H, OPERATOR).events == ()
    assert ticket.status is Status.CLOSED


# --- late steps -------------------------------------------------------------------------------------------


def test_after_a_weekend_without_the_daemon_the_customer_and_each_agent_get_one_mail() -> None:
    rungs = [
        Step(replace(FIRST, share=share), remind="team", notify=(RINA.address,), tell_customer=True)
        for share in (0.1, 0.2, 0.3, 0.4)
    ]
    raised = Step(RESOLUTION, escalate_to="L2", tell_customer=True, acknowledge_within=H)
    by = with_steps(*rungs, raised, Step(replace(RESOLUTION, offset=H), escalate_to="management"))
    ticket = opened(by)
    late = on_deadline(ticket, by, NOW + 72 * H)

    taken = [event.step for event in late.events if isinstance(event, e.StepTaken)]
    assert taken == [0, 1, 2, 3, 4, 5]  # each is on record
    assert len(notices_of(late, Progress)) == 1
    words = {notice.to: notice for notice in notices_of(late, TeamNotice)}
    assert len(words) == len(notices_of(late, TeamNotice))
    owner = words.pop(str(late.ticket.assignee))
    assert (owner.why, owner.level) == ("escalated", "management")
    assert {notice.why for notice in words.values()} <= {"notify"}  # who has it no longer hears nothing
    people = [to for event in late.events if isinstance(event, e.PeopleNotified) for to in event.recipients]
    assert sorted(people) == sorted(notice.to for notice in late.notices)


def test_a_step_in_time_sends_each_reader_one_mail() -> None:
    by = with_steps(
        Step(FIRST, remind="assignee", notify=(RINA.address,), tell_customer=True),
        Step(replace(FIRST, share=2), remind="assignee", notify=(RINA.address,), tell_customer=True),
    )
    ticket, whom = opened(by), []
    for at in (NOW + H, NOW + 2 * H):
        decision = on_deadline(ticket, by, at)
        ticket = decision.ticket
        whom += [notice.to for notice in decision.notices]
    assert whom == [RINA.address, "budi@pelanggan.example", RINA.address]  # who has a time already


def test_a_late_reminder_waits_for_the_end_of_the_quiet_hours_and_goes_when_it_is_answered() -> None:
    by = with_steps(
        Step(Moment(Target.FIRST_RESPONSE, 0.5), remind="assignee"),
        quiet=NIGHT,
        targets={Target.FIRST_RESPONSE: 4 * H},
    )
    by = replace(by, calendars={"always": JAKARTA})
    ticket, morning = opened(by, at_local(16)), at_local(7) + timedelta(days=1)
    due = next_deadline(ticket, by)
    assert due
    assert due.due_at == at_local(18)

    night = on_deadline(ticket, by, at_local(23))  # the daemon was down since five
    assert [type(event) for event in night.events] == [e.TargetMissed]
    assert not night.notices
    later = next_deadline(night.ticket, by, at_local(23))
    assert later
    assert (later.due_at, later.step, later.moved_from) == (morning, 0, at_local(18))
    assert [each.why for each in on_deadline(night.ticket, by, morning).notices] == ["reminder"]  # type: ignore[union-attr]


def test_a_step_brought_on_by_not_confirmed_comes_once_though_its_own_clock_does_not_run() -> None:
    by = with_steps(
        Step(FIRST, escalate_to="L2", acknowledge_within=15 * MIN),
        Step(Moment(Target.NEXT_RESPONSE), notify=("bos@luar.example",)),
        targets={Target.FIRST_RESPONSE: H},
    )
    late = on_deadline(opened(by), by, NOW + H).ticket
    unconfirmed = on_deadline(late, by, NOW + H + 15 * MIN)
    assert [each.step for each in unconfirmed.events if isinstance(each, e.StepTaken)] == [1]

    raised = done(on_command(unconfirmed.ticket, c.Escalate("management"), OPERATOR, by, NOW + 2 * H)).ticket
    clocks = ticket_clocks.start_step_clock(raised.clocks, Target.CONFIRMATION, 15 * MIN, 0, NOW + 2 * H)
    again = on_deadline(replace(raised, clocks=clocks), by, NOW + 3 * H)
    assert not [each for each in again.events if isinstance(each, e.StepTaken)]


def test_late_questions_are_part_of_one_mail_to_each_reader_and_only_the_open_one_is_asked() -> None:
    by = with_steps(
        Step(Moment(Target.FIRST_RESPONSE, 0.5), escalate_to="management"),
        Step(
            FIRST,
            ask_decision="management",
            question="Ganti?",
            options=("ya", "tidak"),
            acknowledge_within=15 * MIN,
        ),
        Step(RESOLUTION, ask_decision="management", question="Kirim ulang?", options=("ya", "tidak")),
    )
    late = on_deadline(opened(by), by, NOW + 30 * H)
    to_sari = [each for each in late.notices if each.to == SARI.address]
    assert [getattr(each, "question", "") for each in to_sari] == ["Kirim ulang?"]
    asked = [each for each in late.events if isinstance(each, e.DecisionRequested)]
    assert [each.recipients for each in asked] == [(), (SARI.address,)]
