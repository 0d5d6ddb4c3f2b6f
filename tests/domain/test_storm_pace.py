"""When notices about similar complaints wait: at the pace of a storm, not before."""

from datetime import timedelta

from mailbot.domain.incidents.window import Complaint, Window
from mailbot.domain.policy import Rate
from tests.builders import BOX, NOW

WORDS = frozenset({"saldo", "hilang", "gangguan"})


def rising_after(count: int, every: timedelta, after: Rate) -> bool:
    window = Window(after)
    for n in range(count):
        at = NOW + n * every
        complaint = Complaint(f"N{n}", BOX.address, "payment", f"c{n}@x.example", at, WORDS)
        window.add(complaint, at)
    return window.is_rising(WORDS, NOW + count * every)


def test_notices_wait_when_complaints_come_as_fast_as_an_incident_needs() -> None:
    assert rising_after(4, timedelta(milliseconds=500), Rate(100, timedelta(minutes=1)))
    assert rising_after(4, timedelta(seconds=20), Rate(20, timedelta(minutes=10)))


def test_notices_of_few_or_slow_complaints_do_not_wait() -> None:
    assert not rising_after(3, timedelta(milliseconds=500), Rate(100, timedelta(minutes=1)))
    assert not rising_after(50, timedelta(seconds=2), Rate(100, timedelta(minutes=1)))
