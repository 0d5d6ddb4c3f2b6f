"""The weekly report to managers: owed once a week by whichever node is first, late after downtime, not twice.

Only the newest moment counts: who was away for a month gets the report of the last week. Where nothing was
recorded before that moment (a fresh installation), there is nothing to report yet.
"""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from mailbot import log
from mailbot.domain.model import Attachment
from mailbot.domain.notices import Bulletin
from mailbot.domain.policy import Policy, WeeklyReport
from mailbot.reports import read
from mailbot.reports.figures.api import Report, Weekly, last_week, week_name
from mailbot.store import installation
from mailbot.store.store import Store
from mailbot.workers import admin_mail
from mailbot.workers.admin_mail import Announcement
from mailbot.workers.runtime import Runtime, Snapshot, Wake

# Longest rest: a reload may ask for a report that is due already.
LOOK_AGAIN = timedelta(minutes=1)


class WeeklyReports:
    """The worker. `wake_delivery` is called when mail is in line."""

    name = "weekly report"

    def __init__(
        self, store: Store, runtime: Runtime, wake_delivery: Wake, now: Callable[[], datetime]
    ) -> None:
        self._store, self._runtime, self._now = store, runtime, now
        self._wake_delivery = wake_delivery
        self._told = ""  # the newest occasion that we know to be told

    async def run_once(self) -> timedelta:
        snapshot, now = self._runtime.snapshot, self._now()
        policy = snapshot.policy
        if policy.weekly is None:
            return LOOK_AGAIN
        zone, weekly = zone_of(policy), Weekly(policy.weekly.weekday, policy.weekly.at)
        due_at = weekly.last(now, zone)
        occasion = f"weekly report {week_name(due_at, zone)}"
        if occasion != self._told:
            await self._tell(snapshot, policy.weekly, occasion, due_at)
        return min(LOOK_AGAIN, max(timedelta(), weekly.next(now, zone) - now))

    async def _tell(self, snapshot: Snapshot, wanted: WeeklyReport, occasion: str, due_at: datetime) -> None:
        policy = snapshot.policy
        if not await self._store.read(installation.was, occasion):
            if not await self._store.read(read.any_before, due_at):
                return  # asked again: another node may have mail that it has not recorded yet
            period = last_week(due_at, zone_of(policy))
            made = await self._store.read(read.report, period, policy, self._now())
            letters = await asyncio.to_thread(letters_of, made, policy, wanted)
            told = Announcement(occasion, letters, snapshot, self._now())
            if await self._store.write(admin_mail.enqueue_once, told, alone=True):
                log.weekly_report_queued(week=occasion.rpartition(" ")[2], mails=len(letters))
                self._wake_delivery()
        self._told = occasion


def zone_of(policy: Policy) -> str:
    """The default calendar's: the first."""
    return next(iter(policy.calendars.values())).zone


def letters_of(report: Report, policy: Policy, wanted: WeeklyReport) -> list[Bulletin]:
    """The report for each who wants it: as text, as HTML, its charts as a picture."""
    from mailbot.reports import render  # once a week: no start waits for it

    box = next(iter(policy.mailboxes.values()))
    language = wanted.language
    png = render.poster(report, language).png()
    chart = Attachment("report.png", "image/png", len(png), hashlib.sha256(png).hexdigest(), png)
    return [
        Bulletin(
            mailbox=box.address,
            to=to,
            language=language,
            subject=f"{box.brand}: {render.title(report, language)}",
            text=render.text(report, language),
            html=render.for_mail(report, language),
            attachments=(chart,),
        )
        for to in wanted.to
    ]
