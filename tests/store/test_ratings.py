"""The newest mark of each ticket in a period, with the customer's words."""

from datetime import timedelta

from mailbot.domain.actor import CUSTOMER
from mailbot.domain.events import SatisfactionRated
from mailbot.domain.lifecycle import Decision, evolve
from mailbot.store.lists import ratings
from mailbot.store.store import Store
from mailbot.store.tickets import load
from tests.builders import NOW
from tests.reports.test_read import DAY, keep, opened


def rate(store: Store, number: str, days: float, score: int, words: str = "") -> None:
    ticket = store.read_now(load, [number])[number]
    event = SatisfactionRated(NOW + days * DAY, CUSTOMER, score, words)
    keep(store, ticket, Decision(evolve(ticket, event), (event,), ()))


def test_the_newest_mark_of_each_ticket_in_the_period_counts(store: Store) -> None:
    first, second, third = (
        opened(store, digits, -9, closed_after=1) for digits in ("11111111", "22222222", "33333333")
    )
    rate(store, first, -3, 1, "lama")
    rate(store, first, -2, 2, "masih lama")
    rate(store, second, -1, 1)
    rate(store, second, 1, 5, "kini beres")
    rate(store, third, -1, 1, "tidak ditanya")

    found = store.read_now(ratings.newest, [first, second, first], NOW - 7 * DAY, NOW)
    assert [(each.ticket, each.score, each.words) for each in found] == [
        (second, 1, ""),
        (first, 2, "masih lama"),
    ]
    assert found[0].at == NOW - timedelta(days=1)
    assert store.read_now(ratings.newest, [], NOW - 7 * DAY, NOW) == []
