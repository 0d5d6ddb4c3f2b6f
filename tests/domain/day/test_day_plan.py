"""Who reads in the plan of the day that something waits for their decision."""

from dataclasses import replace
from datetime import timedelta

from mailbot.domain.day import day_plan
from mailbot.domain.day.day_plan import Approval, DayFacts
from mailbot.domain.model import Clock, Target, Ticket
from mailbot.domain.policy import Ladder, Moment, Step
from tests.builders import BAYU, BOX, NOW, NUMBER, RINA, SARI, STANDARD, policy

HOUR = timedelta(hours=1)
ASKING: Ladder = replace(
    STANDARD,
    steps=(
        Step(Moment(Target.FIRST_RESPONSE), ask_decision="management", question="Refund?", options=("yes",)),
    ),
)
POLICY = policy(ladders={"standard": ASKING})
TICKET = Ticket(
    NUMBER,
    BOX.address,
    "budi@pelanggan.example",
    "Barang",
    "id",
    NOW - HOUR,
    team="frontline",
    ladder="standard",
    assignee=RINA.address,
    clocks=(Clock(Target.DECISION, 2 * HOUR, timedelta(), NOW - HOUR, (0,)),),
)


def codes(agent: object, facts: DayFacts) -> list[str]:
    plan = day_plan.plan(agent, facts, POLICY, NOW)  # type: ignore[arg-type]
    return [f"{each.heading.code} {each.because}" for each in plan.entries] if plan else []


def test_an_open_question_is_for_the_people_of_its_level() -> None:
    facts = DayFacts([TICKET])
    assert codes(SARI, facts) == ["day_decide Refund?"]
    assert codes(BAYU, facts) == []


def test_a_request_for_money_is_for_those_who_were_asked() -> None:
    ticket = replace(TICKET, clocks=())
    facts = DayFacts([ticket], [Approval(ticket, "Rp 250.000", frozenset([BAYU.address]))])
    assert codes(BAYU, facts) == ["day_decide approve or refuse Rp 250.000"]
    assert codes(SARI, facts) == []


def test_a_long_day_is_cut_with_a_count() -> None:
    many = [replace(TICKET, number=f"TOKO-{place:08}-0") for place in range(day_plan.MOST + 3)]
    plan = day_plan.plan(SARI, DayFacts(many), POLICY, NOW)
    assert plan is not None
    assert (len(plan.entries), plan.older) == (day_plan.MOST, 3)
