"""What was done about causes, on both engines, and its effect in a report."""

from datetime import timedelta

from sqlalchemy import update

from mailbot.reports import read
from mailbot.reports.figures.api import Period, Report
from mailbot.reports.figures.cause_actions import WEEK, effect
from mailbot.store.schema import tickets as tickets_table
from mailbot.store.service import cause_actions
from mailbot.store.service.cause_actions import CauseAction
from mailbot.store.store import Store
from tests.builders import NOW, policy
from tests.reports.test_read import opened

DAY = timedelta(days=1)
NO_LINES = CauseAction("bank-delay", NOW, "operator:eko", "kontrak baru dengan bank")


def closed(store: Store, digits: str, days: float, cause: str = "bank-delay") -> None:
    number = opened(store, digits, days - 0.5, closed_after=0.5)
    with store.engine.begin() as connection:
        connection.execute(update(tickets_table).where(tickets_table.c.number == number).values(cause=cause))


def report(store: Store, until: float, team: str = "") -> Report:
    period = Period(NOW + (until - 7) * DAY, NOW + until * DAY, "Asia/Jakarta")
    return store.read_now(read.report, period, policy(), period.until, team)


def test_a_report_shows_how_many_tickets_a_week_there_were_before_and_after(store: Store) -> None:
    for place, days in enumerate((-14, -13, -12, -8, -2, -1, 3, 20)):
        closed(store, f"{place:08d}", days)
    closed(store, "77777777", -3, "app-fault")
    store.write_now(cause_actions.add, NO_LINES)

    (found,) = report(store, 28).actions
    assert (found.cause, found.text) == ("bank-delay", NO_LINES.text)
    assert found.weeks_before == 14.5 / 7  # the first ticket came then
    assert found.per_week_before == 6 / found.weeks_before
    assert (found.weeks_after, found.per_week_after) == (4, 0.5)
    assert report(store, 3).actions[0].per_week_after is None
    assert report(store, -1).actions == ()
    assert [each.per_week_after for each in report(store, 28, "payments").actions] == [0]
    assert store.read_now(cause_actions.counts) == {"bank-delay": 8, "app-fault": 1}


def test_at_most_eight_weeks_are_compared_on_either_side() -> None:
    moments = [NOW + each * WEEK for each in (-20, -8, -1, 0, 7.9, 8, 30)]
    found = effect("a", NOW, "x", moments, NOW - 40 * WEEK, NOW + 52 * WEEK)

    assert (found.weeks_before, found.weeks_after) == (8, 8)
    assert (found.per_week_before, found.per_week_after) == (2 / 8, 2 / 8)


def test_before_the_first_ticket_there_is_no_rate() -> None:
    found = effect("a", NOW, "x", [NOW], NOW + DAY, NOW + 2 * WEEK)

    assert (found.per_week_before, found.per_week_after) == (None, 0.5)
