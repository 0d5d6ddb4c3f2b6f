"""Who is absent, and which of their tickets go to whom."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.assignment import NO_LOADS, next_duty
from mailbot.domain.day import absence
from mailbot.domain.events import PeopleNotified, TicketAssigned
from mailbot.domain.model import Clock, Status, Target, Ticket, Turn
from mailbot.domain.policy import Agent, Policy, Team
from mailbot.domain.reasons import codes
from mailbot.domain.worktime import Calendar, hours
from tests.builders import BOX, NUMBER, SARI, policy

DAYS = Calendar("office", "UTC", ((hours("08:00-16:00"),),) * 5 + ((),) * 2)
TUESDAY = date(2026, 11, 24)
AYU = Agent("Ayu", "ayu@tim.example", "L1", away=frozenset([TUESDAY]))
CITRA, GILANG = Agent("Citra", "citra@tim.example", "L1"), Agent("Gilang", "gilang@tim.example", "L2")
HOUR = timedelta(hours=1)


def at(day: int, hour: float) -> datetime:
    return datetime(2026, 11, day, tzinfo=UTC) + hour * HOUR


def desk(*agents: Agent) -> Policy:
    teams = {
        "frontline": Team("frontline", "office", agents),
        "management": Team("management", "office", (SARI,)),
    }
    return policy(teams=teams, calendars={"office": DAYS})


def ticket(promised_in_work_hours: float = 1, **changes: object) -> Ticket:
    clock = Clock(Target.RESOLUTION, promised_in_work_hours * HOUR, timedelta(), at(23, 15))
    made = Ticket(NUMBER, BOX.address, "budi@pelanggan.example", "Barang", "id", at(23, 15), clocks=(clock,))
    changes = {"status": Status.OPEN, "level": "L1", "assignee": AYU.address, **changes}
    return replace(made, team="frontline", ladder="standard", **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "back"),
    [
        (at(23, 9), None),  # on duty the day before
        (at(23, 15.9), None),
        (at(23, 16.5), at(25, 8)),  # after the last hours before the day off
        (at(24, 9), at(25, 8)),
        (at(24, 17), None),  # the night after it is like any night
        (at(25, 9), None),
    ],
)
def test_an_agent_is_absent_from_the_last_hours_before_a_day_off_until_the_next(
    now: datetime, back: datetime | None
) -> None:
    assert absence.absent_until(AYU, desk(AYU, CITRA), now) == back


def test_a_day_off_on_which_nobody_works_makes_no_absence() -> None:
    saturday = replace(AYU, away=frozenset([date(2026, 11, 28)]))
    assert absence.absent_until(saturday, desk(saturday), at(27, 17)) is None


@pytest.mark.parametrize(
    ("found", "moves"),
    [
        (ticket(2), True),  # Tuesday 09:00
        (ticket(0.5), True),  # late already
        (ticket(10), False),  # Wednesday 09:00: Ayu is back by then
        (ticket(2, turn=Turn.CUSTOMER, status=Status.WAITING), False),
        (ticket(2, turn=Turn.THIRD_PARTY, status=Status.WAITING), True),
        (ticket(2, status=Status.CLOSED), False),
        (ticket(2, assignee=CITRA.address), False),
        (ticket(2, assignee=None), False),
    ],
)
def test_a_ticket_moves_when_its_promise_ends_before_its_owner_is_back(found: Ticket, moves: bool) -> None:
    known = desk(AYU, CITRA)
    absent = absence.absences(known, at(23, 17))
    assert absence.must_move(found, absent, known) is moves


def colleague(found: Ticket, *agents: Agent) -> str | None:
    known, now = desk(*agents), at(23, 17)
    move = absence.find_colleague(found, absence.absences(known, now), known, now, NO_LOADS)
    return move.agent.name if move else None


def test_it_goes_to_the_same_level_first_then_above_then_below() -> None:
    assert colleague(ticket(), AYU, GILANG, CITRA) == "Citra"
    assert colleague(ticket(), AYU, GILANG) == "Gilang"
    boss = replace(AYU, level="L2")
    assert colleague(ticket(level="L2"), boss, CITRA) == "Citra"


def test_it_stays_where_no_colleague_of_the_team_is_back_sooner() -> None:
    assert colleague(ticket(), AYU) is None
    assert colleague(ticket(), AYU, replace(CITRA, away=AYU.away)) is None


@pytest.mark.parametrize("apart", [True, False])
def test_it_is_recorded_with_its_reason_and_only_our_people_are_notified(apart: bool) -> None:
    known, now = desk(AYU, CITRA), at(23, 17)
    move = absence.find_colleague(ticket(), absence.absences(known, now), known, now, NO_LOADS)
    assert move is not None
    decision = absence.hand_over(move, known, now, notified_apart=apart)
    assigned, notified = decision.events
    assert isinstance(assigned, TicketAssigned)
    assert (assigned.assignee, codes(assigned.reason)[1]) == (CITRA.address, "away_until")
    assert isinstance(notified, PeopleNotified)
    assert [(each.name, each.to) for each in decision.notices] == ([] if apart else [("team", CITRA.address)])
    assert decision.ticket.clocks == ticket().clocks


@given(
    days=st.lists(st.frozensets(st.integers(20, 30)), min_size=2, max_size=4),
    hour=st.floats(0, 240),
    promise=st.floats(0.1, 60),
)
def test_nobody_absent_gets_a_ticket_and_nobody_gets_it_later_than_its_owner_is_back(
    days: list[frozenset[int]], hour: float, promise: float
) -> None:
    agents = tuple(
        Agent(f"a{place}", f"a{place}@tim.example", "L1", away=frozenset(date(2026, 11, day) for day in off))
        for place, off in enumerate(days)
    )
    known, moment = desk(*agents), at(20, hour)
    absent = absence.absences(known, moment)
    found = ticket(promise, assignee="a0@tim.example")
    if not absence.must_move(found, absent, known):
        return
    move = absence.find_colleague(found, absent, known, moment, NO_LOADS)
    others = [agent for agent in agents[1:] if next_duty(agent, known, moment) < absent["a0@tim.example"]]
    assert (move is not None) == bool(others)
    assert move is None or move.agent in others
