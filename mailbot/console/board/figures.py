"""The report behind the board: of one period and team, computed once for all who look."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from mailbot.console.desk import Desk
from mailbot.domain.closing.rating import LOW
from mailbot.domain.policy import Policy
from mailbot.store.lists import ratings
from mailbot.store.lists.ratings import Rating
from mailbot.store.schema import EPOCH, MICROSECOND

if TYPE_CHECKING:  # the daemon starts without it
    from mailbot.reports.figures.api import Period, Report

LASTS = timedelta(minutes=1)
PATIENCE = timedelta(minutes=5)  # for each statement
SPANS: Mapping[str, timedelta] = {name: timedelta(days=int(name[:-1])) for name in ("7d", "30d", "90d")}
LONGEST = timedelta(days=366)
MOST_RATINGS = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """Which report: of the last days (`span`, a key of SPANS), or of whole days from `first` to `last`.

    `team`: "" for all. `at`: when the report was made whose tickets are listed; None is now.
    """

    span: str = "7d"
    first: date | None = None
    last: date | None = None
    team: str = ""
    at: datetime | None = None

    def query(self, at: datetime | None = None) -> list[tuple[str, str]]:
        """Return the parameters of an address that asks for it, with `at` for the report as it was then."""
        days = [("from", str(self.first)), ("to", str(self.last))]
        found = days if self.first else [("since", self.span)]
        found += [("team", self.team)] if self.team else []
        return found + ([("at", str((at - EPOCH) // MICROSECOND))] if at else [])


@dataclass(frozen=True, slots=True)
class Made:
    """A report with the newest comments of dissatisfied customers."""

    asked: Asked
    report: "Report"
    low: Sequence[Rating]


def read_asked(query: Mapping[str, str], policy: Policy, now: datetime) -> Asked | None:
    """Read the parameters of a request. None where they name no period that can be computed."""
    team = query.get("team", "")
    if team and team not in policy.teams:
        return None
    try:
        at = EPOCH + int(query["at"]) * MICROSECOND if "at" in query else None
        if query.get("from") or query.get("to"):
            first, last = (date.fromisoformat(query.get(name, "")) for name in ("from", "to"))
            asked = Asked("", first, last, team, at)
            return asked if period_of(asked, policy, now).length <= LONGEST else None
    except (ValueError, OverflowError):  # also for days to come, or in the wrong order
        return None
    span = query.get("since", "7d")
    return Asked(span, team=team, at=at) if span in SPANS else None


async def load(desk: Desk, asked: Asked) -> Made:
    """Return the report, computed on a thread of its own where nobody has asked for it in the last LASTS."""
    policy, key = desk.policy, _key(desk, replace(asked, at=None))
    last: Made | None = desk.shared.last(key)
    if asked.at and last and last.report.made_at == asked.at:
        return last
    now = min(asked.at, desk.now()) if asked.at else desk.now()

    async def make() -> Made:
        return await asyncio.to_thread(desk.deps.store.read_now, _make, asked, policy, now, patience=PATIENCE)

    return await desk.shared.get(_key(desk, asked), LASTS, desk.now(), make, alone=True)


def ready(desk: Desk, asked: Asked) -> Made | None:
    """Return the report where it was computed already and is fresh."""
    found: Made | None = desk.shared.last(_key(desk, asked), desk.now())
    return found


def _key(desk: Desk, asked: Asked) -> tuple[Asked, str]:
    return asked, desk.policy.version


def _make(connection: Connection, asked: Asked, policy: Policy, now: datetime) -> Made:
    from mailbot.reports import read

    period = period_of(asked, policy, now)
    report = read.report(connection, period, policy, now, asked.team)
    numbers = [each for score in range(1, LOW + 1) for each in report.tickets.get(("mark", str(score)), ())]
    low = ratings.newest(connection, numbers, period.since, period.until)
    return Made(asked, report, [each for each in low if each.words][:MOST_RATINGS])


def period_of(asked: Asked, policy: Policy, now: datetime) -> "Period":
    """Return the period of a report that is made now. Days are those of the first calendar.

    Raises ValueError for days to come, or in the wrong order.
    """
    from mailbot.reports.figures.api import Period, midnight

    zone = policy.zone_of()
    if asked.first is None or asked.last is None:
        return Period(now - SPANS[asked.span], now, zone)
    end = midnight(asked.last + timedelta(days=1), zone)
    return Period(midnight(asked.first, zone), min(end, now), zone)
