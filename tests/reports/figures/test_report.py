"""Figures over many tickets: results computed by hand, and properties that hold for all of them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import events as e
from mailbot.domain.actor import CUSTOMER, POLICY
from mailbot.domain.compensation.requests import Entry, Kind
from mailbot.domain.events import Event
from mailbot.domain.model import OVER, NoticeKind, Target
from mailbot.domain.reasons import NO_REASON, written
from mailbot.domain.routing.money import Money
from mailbot.domain.worktime import ALWAYS
from mailbot.reports.figures.api import Figures, Maker, Period, Report
from mailbot.reports.figures.facts import Stood
from mailbot.reports.figures.figures import AGES, Kept, Raised, quantile, spread
from mailbot.reports.figures.ticket_facts import facts
from tests.builders import EKO
from tests.reports.figures.lives import (
    BAYU,
    HOUR,
    RINA,
    answered,
    assigned,
    at,
    clocks,
    closed,
    folded,
    lives,
    opened,
    reopened,
    report,
    routed,
    wrote,
)

FIRST, WHOLE = Target.FIRST_RESPONSE, Target.RESOLUTION
WEEK = Period(at(0), at(24 * 7), "Asia/Jakarta")


def made(tickets: list[list[Event]], period: Period = WEEK, team: str = "") -> Report:
    return report(tickets, period, lambda _: ALWAYS, period.until, team)


TICKETS: list[list[Event]] = [
    # Answered and closed in time, with a mark.
    [
        *(
            opened(1),
            routed(1),
            assigned(1),
            clocks(1, FIRST, WHOLE, within=24),
            answered(2),
            clocks(2, WHOLE, within=24),
            closed(5),
        ),
        e.SatisfactionRated(at(6), CUSTOMER, 5),
    ],
    # Answered too late, escalated on the way, closed, opened again, still open.
    [
        *(
            opened(10),
            routed(10, "frontline", rule="rest"),
            assigned(10),
            clocks(10, FIRST, WHOLE, within=24),
        ),
        e.TargetMissed(at(11), POLICY, FIRST, at(11)),
        e.TicketEscalated(at(11), POLICY, "L2", written(written("late"))),
        *(assigned(11, BAYU), answered(14, BAYU), closed(20), reopened(30), wrote(30)),
        e.SatisfactionRated(at(31), CUSTOMER, 2),
    ],
    # Open since the week before, handed over in this one.
    [opened(-24 * 5), routed(-24 * 5), e.TicketHandedOver(at(40), POLICY, "frontline", NO_REASON)],
    # Came and went in the week before.
    [opened(-50), routed(-50), answered(-40), closed(-39)],
    # Comes after the end: belongs to no figure.
    [opened(24 * 7), routed(24 * 7)],
]


def test_the_figures_of_a_week_are_those_computed_by_hand() -> None:
    found = made(TICKETS)
    now, before = found.figures, found.before

    assert (now.opened, now.closed, now.reopened, now.undone, now.answers) == (2, 2, 1, 1, 2)
    assert (before.opened, before.closed, before.answers, before.open_at_end) == (2, 1, 1, 1)
    assert now.open_at_end == 2
    assert now.reopen_rate == 0.5
    assert now.first_response.wall.median == timedelta(hours=2.5)  # 1 h, 4 h
    assert now.resolution.wall.mean == timedelta(hours=7)  # 4 h, 10 h
    assert now.promises == (Kept(FIRST, "high", 1, 1), Kept(WHOLE, "high", 2, 0))
    assert now.kept_share == 0.75
    assert now.kept(FIRST).share == 0.5
    assert now.escalations == (Raised("rest", "L2", 1, 0),)
    assert (now.satisfaction.marks, now.satisfaction.mean) == ((0, 1, 0, 0, 1), 3.5)
    assert (now.satisfaction.satisfied, now.satisfaction.response_rate) == (0.5, 1.0)
    assert [(each.agent, each.answers, each.closed, each.open_at_end) for each in now.agents] == [
        (BAYU, 1, 1, 1),
        (RINA, 1, 1, 0),
    ]
    assert [(each.team, each.opened, each.received, each.closed, each.escalated) for each in now.teams] == [
        ("frontline", 1, 1, 1, 1),
        ("payments", 1, 0, 1, 0),
    ]
    frontline = now.teams[0]
    assert AGES == (1, 3, 7, 14, 30)
    assert frontline.ages == (0, 0, 1, 1, 0, 0)  # 6.6 days and 12
    assert [(day.date.day, day.opened, day.closed) for day in now.days[:2]] == [(23, 2, 1), (24, 0, 1)]
    assert len(now.days) == 8  # from Monday 10:00 to Monday 10:00: eight dates have a part in it


def test_a_teams_report_holds_what_happened_while_it_had_the_ticket() -> None:
    payments, frontline = made(TICKETS, team="payments").figures, made(TICKETS, team="frontline").figures

    assert (payments.opened, payments.closed, payments.open_at_end) == (1, 1, 0)
    assert (frontline.opened, frontline.closed, frontline.open_at_end) == (1, 1, 2)
    assert made(TICKETS, team="payments").before.open_at_end == 1


def test_acknowledgements_are_timed_from_receipt_to_the_relay() -> None:
    maker = Maker(WEEK, lambda _: ALWAYS)
    for received, left in ((1, 1.5), (2, 2.1), (3, None), (-1, 0)):
        maker.acknowledged(at(received), None if left is None else at(left))
    now = maker.report(WEEK.until).figures

    assert now.acknowledgements == 3
    assert now.acknowledgement.count == 2
    assert now.acknowledgement.mean == timedelta(minutes=18)


def test_compensation_is_that_of_the_period_and_the_team() -> None:
    def line(later: float, kind: Kind, team: str) -> Entry:
        return Entry(at(later), kind, 1, "T", "c", "payment", team, Money(50_000), EKO, RINA, "L1")  # type: ignore[arg-type]

    def told(team: str) -> int:
        maker = Maker(WEEK, lambda _: ALWAYS, team)
        for later, of in ((-1, "payments"), (1, "payments"), (2, "frontline")):
            maker.compensated(line(later, Kind.GRANTED, of))
        return maker.report(WEEK.until).compensation.granted.count

    assert (told(""), told("payments"), told("x")) == (2, 1, 0)


def test_a_spread_is_mean_median_and_the_ninth_tenth() -> None:
    found = spread(HOUR * each for each in (5, 1, 2, 3, 4))

    assert (found.count, found.mean, found.median) == (5, 3 * HOUR, 3 * HOUR)
    assert found.p90 == 4.6 * HOUR  # 4 + 0.6 of the way to 5
    assert spread([]).median is None
    assert quantile([HOUR], 0.9) == HOUR


def test_causes_are_compared_with_the_four_weeks_before_of_which_the_openings_are_enough() -> None:
    older = [[opened(-24 * days), routed(-24 * days), closed(-24 * days + 1)] for days in (8, 27, 29)]
    maker = Maker(WEEK, lambda _: ALWAYS)
    for number, life in enumerate(TICKETS):
        maker.add(str(number), life)
    for life in older:
        maker.opened("older", life[:2])
    found = maker.report(WEEK.until)

    assert found == made([*TICKETS, *older])
    [saldo] = [each for each in found.causes if each.name == "payment"]
    assert (saldo.count, saldo.count_before) == (2, 4)
    assert found.compared.since == at(-24 * 27)


# --- properties -------------------------------------------------------------------------------------------

many = st.lists(lives(), max_size=6)
PERIODS = st.tuples(st.integers(-200, 40), st.integers(1, 150), st.integers(1, 150)).map(
    lambda each: (at(each[0]), at(each[0] + each[1]), at(each[0] + each[1] + each[2]))
)
ADDITIVE = ("opened", "closed", "merged", "reopened", "returned", "gone", "answers", "escalated")
ADDITIVE_TOO = ("confirmed", "unconfirmed")


def flow(figures: Figures) -> int:
    came = figures.opened + figures.reopened + figures.returned
    return came - figures.closed - figures.merged - figures.gone


@given(many, PERIODS)
def test_the_open_tickets_at_the_end_are_those_at_the_beginning_and_what_came_less_what_went(
    tickets: list[list[Event]], period: tuple[object, ...]
) -> None:
    since, _, until = period
    found = made(tickets, Period(since, until, "Asia/Jakarta"))  # type: ignore[arg-type]

    assert found.figures.open_at_end == found.before.open_at_end + flow(found.figures)


@given(lives(), st.integers(-250, 600))
def test_a_ticket_counts_as_open_as_in_the_lifecycle(life: list[Event], border: int) -> None:
    past = [event for event in life if event.at < at(border)]
    stood = [each for each in facts(life, [at(border)], lambda _: ALWAYS) if isinstance(each, Stood)]
    ticket = folded(past) if past else None

    expected = ticket is not None and not ticket.held_for and ticket.status not in OVER
    assert [each.is_open for each in stood] in ([expected], [] if not expected else None)


@given(many, PERIODS)
def test_the_counts_of_two_halves_are_those_of_the_whole(
    tickets: list[list[Event]], period: tuple[object, ...]
) -> None:
    since, middle, until = period
    first, second, whole = (
        made(tickets, Period(low, high, "UTC")).figures  # type: ignore[arg-type]
        for low, high in ((since, middle), (middle, until), (since, until))
    )

    for name in (*ADDITIVE, *ADDITIVE_TOO):
        assert getattr(first, name) + getattr(second, name) == getattr(whole, name), name
    for target in (FIRST, Target.NEXT_RESPONSE, WHOLE):
        assert first.kept(target).kept + second.kept(target).kept == whole.kept(target).kept
        assert first.kept(target).missed + second.kept(target).missed == whole.kept(target).missed
    # A ticket that was rated in both halves counts once in the whole.
    assert whole.satisfaction.count <= first.satisfaction.count + second.satisfaction.count
    assert sum(day.opened for day in whole.days) == whole.opened
    assert sum(team.closed for team in whole.teams) == whole.closed


@given(many, st.randoms(use_true_random=False))
def test_the_order_of_tickets_is_of_no_matter(tickets: list[list[Event]], chance: object) -> None:
    shuffled = list(tickets)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]

    assert made(tickets) == made(shuffled)


@given(many)
def test_every_share_lies_between_none_and_all(tickets: list[list[Event]]) -> None:
    for figures in (made(tickets).figures, made(tickets).before):
        shares = [figures.reopen_rate, figures.kept_share, *(each.share for each in figures.promises)]
        shares += [figures.satisfaction.satisfied, figures.satisfaction.response_rate]
        assert all(each is None or 0 <= each <= 1 for each in shares)
        assert figures.satisfaction.mean is None or 1 <= figures.satisfaction.mean <= 5
        for timing in (figures.first_response, figures.next_response, figures.resolution):
            assert timing.work.count == timing.wall.count
            if timing.wall.median is not None and timing.wall.p90 is not None:
                assert timedelta() <= timing.wall.median <= timing.wall.p90


@given(lives())
def test_events_without_an_effect_on_figures_may_be_left_out(life: list[Event]) -> None:
    noise = [e.NoteAdded(life[-1].at, EKO, "..."), e.PeopleNotified(life[-1].at, POLICY, (), NoticeKind.NEW)]

    assert made([[*life, *noise]]) == made([life])


@pytest.mark.parametrize("wrong", [WEEK.since, WEEK.since - HOUR])
def test_a_period_that_is_empty_or_runs_backward_is_refused(wrong: object) -> None:
    with pytest.raises(ValueError, match="is not after"):
        replace(WEEK, until=wrong)
