"""A worklist has what is to be done, the earliest promise first."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from mailbot.domain.day.worklist import worklist
from mailbot.domain.model import Clock, Status, Target, Ticket, Turn
from tests.builders import BOX, NOW, policy

HOUR = timedelta(hours=1)


def ticket(number: str, promised_in: float | None = 1, **changes: object) -> Ticket:
    clocks = ()
    if promised_in is not None:
        clocks = (Clock(Target.RESOLUTION, promised_in * HOUR + HOUR, timedelta(), NOW - HOUR),)
    made = Ticket(number, BOX.address, "budi@pelanggan.example", "Barang", "id", NOW - HOUR, clocks=clocks)
    return replace(made, team="frontline", ladder="standard", status=Status.OPEN, **changes)  # type: ignore[arg-type]


def listed(*tickets: Ticket, everything: bool = False) -> list[str]:
    return [item.ticket.number for item in worklist(tickets, policy(), NOW, everything=everything)]


def test_overdue_promises_come_first_and_tickets_without_one_last() -> None:
    assert listed(ticket("later", 3), ticket("none", None), ticket("late", -0.5), ticket("soon", 1)) == [
        "late",
        "soon",
        "later",
        "none",
    ]


def test_snoozed_tickets_and_the_customers_turn_are_left_out_until_asked_for() -> None:
    resting = (
        ticket("snoozed", snoozed_until=NOW + HOUR),
        ticket("customer", turn=Turn.CUSTOMER),
    )
    shown = (ticket("awake", snoozed_until=NOW - HOUR), ticket("bank", turn=Turn.THIRD_PARTY))
    assert listed(*resting, *shown) == ["awake", "bank"]
    assert set(listed(*resting, *shown, everything=True)) == {"snoozed", "customer", "awake", "bank"}


def test_a_ticket_that_is_over_is_on_no_worklist() -> None:
    assert listed(replace(ticket("closed"), status=Status.CLOSED), everything=True) == []


def test_a_line_names_the_next_step() -> None:
    (item,) = worklist([ticket("one", 1)], policy(), NOW, everything=False)
    assert item.next_step is not None
    assert item.next_step[0] == item.promised_at == NOW + HOUR


@given(st.lists(st.floats(-100, 100), max_size=8))
def test_the_order_is_that_of_the_promises(hours: list[float]) -> None:
    made = [ticket(str(place), spent) for place, spent in enumerate(hours)]
    promised = [item.promised_at for item in worklist(made, policy(), NOW, everything=False)]
    assert len(promised) == len(hours)
    assert promised == sorted(at for at in promised if at)
