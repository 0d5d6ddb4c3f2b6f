"""Test who gets a ticket: on duty, skill, language, then the way of assignment."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.assignment import Load, choose, is_on_duty, next_duty
from mailbot.domain.decisions import on_deadline, on_mail
from mailbot.domain.events import TicketAssigned
from mailbot.domain.model import Ticket
from mailbot.domain.policy import ASSIGN, Actions, Agent, Policy, Rule, Team
from mailbot.domain.worktime import ALWAYS, Calendar, hours
from tests.builders import NOW, NUMBER, envelope, facts, mail, policy

MORNING = Calendar("morning", "Asia/Jakarta", ((hours("06:00-14:00"),),) * 7)
EVENING = Calendar("evening", "Asia/Jakarta", ((hours("14:00-22:00"),),) * 7)
MAKASSAR = Calendar("makassar", "Asia/Makassar", ((hours("08:00-17:00"),),) * 5 + ((), ()))
CALENDARS = {"always": ALWAYS, "morning": MORNING, "evening": EVENING, "makassar": MAKASSAR}
TODAY = date(2026, 11, 23)  # NOW is 10:00 in Jakarta


def agent(name: str, **changes: Any) -> Agent:
    return replace(Agent(name, f"{name}@tim.example", "L1"), **changes)


def desk(*agents: Agent, calendar: str = "always", assign: str = "spread") -> Policy:
    teams = {"frontline": Team("frontline", calendar, agents, assign)}
    return policy(teams=teams, calendars=CALENDARS)


def ticket(number: str = NUMBER, **changes: Any) -> Ticket:
    standing = Ticket(number, "", "", "", "id", NOW, team="frontline", level="L1")
    return replace(standing, **changes)


def chosen(standing: Policy, wanted: Ticket | None = None, at: datetime = NOW, **more: Any) -> str:
    found = choose(wanted or ticket(), standing, at, **more)
    return found.agent.name if found else ""


@pytest.mark.parametrize(
    ("ana", "budi", "wanted", "who"),
    [
        ({"calendar": "evening"}, {}, {}, "budi"),  # off duty
        ({"away": frozenset({TODAY})}, {}, {}, "budi"),
        ({}, {"skills": ("fraud",)}, {"skill": "fraud"}, "budi"),
        ({}, {"languages": ("id",)}, {}, "budi"),
        ({"languages": ("id",)}, {"skills": ("fraud",)}, {"skill": "fraud"}, "budi"),  # skill before language
        ({}, {"calendar": "evening", "skills": ("fraud",)}, {"skill": "fraud"}, "ana"),  # duty before skill
        ({}, {"calendar": "evening", "languages": ("id",)}, {}, "ana"),  # duty before language
    ],
)
def test_each_criterion_narrows_the_choice_while_an_agent_is_left(
    ana: dict[str, Any], budi: dict[str, Any], wanted: dict[str, Any], who: str
) -> None:
    standing = desk(agent("ana", **ana), agent("budi", **budi))

    numbers = [f"TOKO-{n:08d}-0" for n in range(20)]
    assert {chosen(standing, ticket(number, **wanted)) for number in numbers} == {who}


def test_an_agents_own_hours_go_before_the_teams() -> None:
    early = agent("ana", calendar="morning")
    standing = desk(early, agent("budi"), calendar="evening")

    assert chosen(standing) == "ana"
    assert chosen(standing, at=NOW + timedelta(hours=5)) == "budi"


def test_a_day_off_is_a_day_of_the_agents_own_zone() -> None:
    west, east = Calendar("w", "Asia/Jakarta", ALWAYS.week), Calendar("e", "Asia/Jayapura", ALWAYS.week)
    away = frozenset({TODAY})
    standing = policy(
        teams={
            "frontline": Team(
                "frontline", "w", (agent("ana", away=away), agent("eko", away=away, calendar="e"))
            )
        },
        calendars={"w": west, "e": east},
    )
    at = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)  # 22:30 in Jakarta, 00:30 of the next day in Jayapura

    assert [is_on_duty(each, standing, at) for each in standing.agents.values()] == [False, True]
    assert chosen(standing, at=at) == "eko"


def test_when_no_agent_is_on_duty_the_first_one_back_gets_it() -> None:
    standing = desk(agent("ana", calendar="evening"), agent("budi", calendar="morning"))
    night = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # 00:00 in Jakarta

    found = choose(ticket(), standing, night)
    assert found
    assert (found.agent.name, str(found.reason)) == (
        "budi",
        "nobody is on duty, back first: 2026-11-24 06:00 WIB; nobody there has the language Indonesian",
    )


def test_at_night_an_agent_away_tomorrow_is_no_candidate_and_one_away_today_the_last() -> None:
    night = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)  # 23:00 in Jakarta
    tomorrow = TODAY + timedelta(days=1)
    ana, budi = agent("ana", away=frozenset({tomorrow})), agent("budi", away=frozenset({TODAY}))

    assert chosen(desk(ana, budi, calendar="morning"), at=night) == "budi"
    assert chosen(desk(agent("citra"), budi, calendar="morning"), at=night) == "citra"
    assert next_duty(ana, desk(ana, calendar="morning"), night) == datetime(2026, 11, 24, 23, tzinfo=UTC)


def test_a_team_without_a_present_agent_still_has_an_owner_for_each_ticket() -> None:
    everybody = frozenset(TODAY + timedelta(days=n) for n in range(400))
    standing = desk(agent("ana", away=everybody), calendar="morning")
    closed = replace(MORNING, week=((),) * 7)

    assert chosen(standing) == "ana"
    assert chosen(replace(standing, calendars=CALENDARS | {"morning": closed})) == "ana"


def test_a_team_without_agents_at_the_level_gets_those_of_other_teams_by_their_own_hours() -> None:
    boss, deputy = agent("sari", level="L2", calendar="evening"), agent("tono", level="L2")
    standing = policy(
        teams={
            "frontline": Team("frontline", "always", (agent("ana"),)),
            "management": Team("management", "morning", (boss, deputy)),
        },
        calendars=CALENDARS,
    )

    assert chosen(standing, ticket(level="L2")) == "tono"
    assert choose(ticket(level="L9"), standing, NOW) is None


def test_an_excluded_agent_does_not_get_it() -> None:
    standing = desk(agent("ana"), agent("budi"))

    assert chosen(standing, without={"ana@tim.example"}) == "budi"
    assert choose(ticket(), standing, NOW, without={"ana@tim.example", "budi@tim.example"}) is None


def test_the_numbers_digits_spread_tickets_evenly() -> None:
    standing = desk(*(agent(name) for name in ("ana", "budi", "citra")))

    given_to = Counter(chosen(standing, ticket(f"TOKO-{n:08d}-0")) for n in range(300))
    assert given_to == {"ana": 100, "budi": 100, "citra": 100}


def test_the_rules_assignment_goes_before_the_teams() -> None:
    standing = desk(agent("ana"), agent("budi"), assign="round_robin")
    loads = {"ana@tim.example": Load(0, NOW), "budi@tim.example": Load(9, None)}

    assert chosen(standing, loads=loads) == "budi"
    assert chosen(standing, ticket(assign="least_load"), loads=loads) == "ana"


@pytest.mark.parametrize(
    ("loads", "who"),
    [
        ({}, {"ana", "budi", "citra"}),
        ({"ana": Load(3), "budi": Load(1), "citra": Load(2)}, {"budi"}),
        ({"ana": Load(3), "citra": Load(2)}, {"budi"}),
        ({"ana": Load(1, NOW), "budi": Load(1, NOW - timedelta(hours=1)), "citra": Load(2)}, {"budi"}),
    ],
)
def test_least_load_chooses_the_fewest_tickets_then_the_longest_wait(
    loads: dict[str, Load], who: set[str]
) -> None:
    standing = desk(*(agent(name) for name in ("ana", "budi", "citra")), assign="least_load")
    held = {f"{name}@tim.example": load for name, load in loads.items()}

    assert {chosen(standing, ticket(f"TOKO-{n:08d}-0"), loads=held) for n in range(20)} == who


def test_the_assignment_has_its_reason() -> None:
    standing = desk(
        agent("ana", skills=("fraud",), languages=("id",)), agent("budi"), agent("citra", calendar="evening")
    )
    found = choose(ticket(skill="fraud"), standing, NOW)

    assert found
    assert str(found.reason) == "1 of 2 on duty; the skill fraud; the language Indonesian"


def test_a_rules_skill_and_assignment_stay_with_the_ticket() -> None:
    rule = Rule("all", None, Actions(team="frontline", skill="fraud", assign="least_load"))
    people = (
        agent("ana"),
        *(agent(name, level="L2", skills=skills) for name, skills in (("b", ()), ("f", ("fraud",)))),
    )
    standing = replace(desk(*people), rules=(rule,), levels=("L1", "L2"))

    opened = on_mail(None, mail(), envelope(), facts(), standing, NOW).decision.ticket
    late = on_deadline(opened, standing, NOW + timedelta(hours=1))

    assert (opened.skill, opened.assign, opened.assigned_at) == ("fraud", "least_load", NOW)
    assert (late.ticket.level, late.ticket.assignee) == ("L2", "f@tim.example")
    assert [str(e.reason) for e in late.events if isinstance(e, TicketAssigned)] == [
        "1 of 2 on duty; the skill fraud; nobody there has the language Indonesian"
    ]


SHIFTS = tuple(CALENDARS)
DAYS = [TODAY + timedelta(days=n) for n in range(-2, 5)]


@st.composite
def people(draw: st.DrawFn) -> tuple[Agent, ...]:
    return tuple(
        Agent(
            f"a{n}",
            f"a{n}@tim.example",
            draw(st.sampled_from(["L1", "L2"])),
            tuple(draw(st.sets(st.sampled_from(["id", "en"])))),
            tuple(draw(st.sets(st.sampled_from(["fraud", "refund"])))),
            draw(st.sampled_from(["", *SHIFTS])),
            frozenset(draw(st.sets(st.sampled_from(DAYS), max_size=3))),
        )
        for n in range(draw(st.integers(1, 6)))
    )


@given(
    people(),
    st.sampled_from(SHIFTS),
    st.sampled_from(ASSIGN),
    st.sampled_from(["", "fraud", "unheard-of"]),
    st.integers(0, 4 * 24 * 60),
    st.dictionaries(
        st.sampled_from([f"a{n}@tim.example" for n in range(6)]), st.builds(Load, st.integers(0, 3))
    ),
)
def test_no_agent_off_duty_gets_a_ticket_while_a_suitable_one_is_on_duty(
    agents: tuple[Agent, ...], shift: str, how: str, skill: str, minutes: int, loads: dict[str, Load]
) -> None:
    standing = desk(*agents, calendar=shift, assign=how)
    at, wanted = NOW + timedelta(minutes=minutes), ticket(skill=skill)
    at_level = [each for each in agents if each.level == "L1"] or list(agents)
    wanted = replace(wanted, level=at_level[0].level)

    found = choose(wanted, standing, at, loads)

    assert found
    assert found.agent in at_level
    here = [each for each in at_level if on_the_wall(each, shift, at)]
    assert found.agent in here or not here
    able = [each for each in here if skill in each.skills]
    assert found.agent in able or not able
    speakers = [each for each in able or here if "id" in each.languages]
    assert found.agent in speakers or not speakers


def on_the_wall(who: Agent, shift: str, at: datetime) -> bool:
    """Check with a wall clock whether the agent is on duty."""
    calendar = CALENDARS[who.calendar or shift]
    hour_there = {"Asia/Jakarta": 7, "Asia/Makassar": 8, "UTC": 0}[calendar.zone]
    clock = at + timedelta(hours=hour_there)
    if clock.date() in who.away:
        return False
    opens, closes = {"always": (0, 24), "morning": (6, 14), "evening": (14, 22), "makassar": (8, 17)}[
        calendar.name
    ]
    return opens <= clock.hour < closes and (calendar.name != "makassar" or clock.weekday() < 5)
