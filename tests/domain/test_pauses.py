"""Clocks that stand still and go on: whatever the turns and the calendars, spent time is open seconds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.model import Clock, Status, Target, Ticket, Turn
from mailbot.domain.policy import Ladder
from mailbot.domain.worktime import ALWAYS, Calendar
from tests.domain.test_worktime import STEADY, calendars, cases, stepped_add, stepped_between

MINUTE = timedelta(minutes=1)
LONG = timedelta(hours=30)
RESOLVE = Ladder("resolve", {Target.RESOLUTION: LONG}, ())
TURNS = tuple(Turn)


def ticket(at: datetime) -> Ticket:
    return Ticket("TOKO-48217390-8", "", "", "", "id", at, Status.OPEN, team="team")


def turned(before: Ticket, turn: Turn, calendar: Calendar, now: datetime) -> Ticket:
    """Set the next turn; it may be the same one again, which must have no effect."""
    after = replace(before, turn=turn)
    return replace(after, clocks=ticket_clocks.clocks_for(after, RESOLVE, calendar, now))


def resolution(of: Ticket) -> Clock:
    return next(clock for clock in of.clocks if clock.target is Target.RESOLUTION)


def spent(of: Ticket, calendar: Calendar, now: datetime) -> timedelta:
    return ticket_clocks.pause(resolution(of), calendar, now).spent


gaps = st.lists(st.tuples(st.integers(0, 400), st.sampled_from(TURNS)), min_size=1, max_size=10)


@given(cases(), gaps)
def test_any_sequence_of_pauses_is_plain_arithmetic_on_open_time(
    case: tuple[Calendar, datetime], turns: list[tuple[int, Turn]]
) -> None:
    calendar, now = case
    it, counted = turned(ticket(now), Turn.OURS, calendar, now), timedelta()
    for minutes, turn in turns:
        then = now + minutes * MINUTE
        if it.turn is not Turn.CUSTOMER:
            counted += stepped_between(calendar, now, then, MINUTE)
        it, now = turned(it, turn, calendar, then), then

    assert spent(it, calendar, now) == counted
    if it.turn is not Turn.CUSTOMER and counted < LONG:
        left = timedelta(minutes=(LONG - counted) // MINUTE)
        end = stepped_add(calendar, now, left, MINUTE)
        due = [each for each in ladder.deadlines(it, RESOLVE, calendar) if each.target is Target.RESOLUTION]
        assert end is None or due[0].due_at == end


instants = st.datetimes(
    datetime.fromisoformat("2025-01-01"), datetime.fromisoformat("2026-06-01"), timezones=st.just(UTC)
)


@given(
    instants,
    st.lists(st.tuples(st.timedeltas(timedelta(), timedelta(hours=9)), st.sampled_from(TURNS)), max_size=30),
)
def test_pausing_loses_not_a_microsecond(now: datetime, turns: list[tuple[timedelta, Turn]]) -> None:
    it, counted = turned(ticket(now), Turn.OURS, ALWAYS, now), timedelta()
    for gap, turn in turns:
        counted += gap if it.turn is not Turn.CUSTOMER else timedelta()
        now += gap
        it = turned(it, turn, ALWAYS, now)

    assert spent(it, ALWAYS, now) == counted


@given(st.lists(st.tuples(calendars(STEADY), st.integers(0, 900)), min_size=2, max_size=4), instants)
def test_after_a_change_of_team_what_was_spent_by_the_old_hours_stays_spent(
    stays: list[tuple[Calendar, int]], start: datetime
) -> None:
    now = start.replace(second=0, microsecond=0)
    it, counted = turned(ticket(now), Turn.OURS, stays[0][0], now), timedelta()
    for calendar, minutes in stays:
        then = now + minutes * MINUTE
        counted += stepped_between(calendar, now, then, MINUTE)
        it, now = replace(it, clocks=ticket_clocks.change_calendar(it.clocks, calendar, then)), then

    assert resolution(it).spent == counted
