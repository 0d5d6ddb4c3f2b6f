"""Mails the weekly report to managers: once a week, from whichever node is first, late after downtime.

Only the newest week counts: after a month of downtime there is one report, of the last week. Where nothing
was recorded before that week ended (a fresh installation), there is nothing to report yet.
"""

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from mailbot import log
from mailbot.domain.model import Attachment
from mailbot.domain.notices import Bulletin
from mailbot.domain.policy import Policy, WeeklyReport
from mailbot.store.service import installation
from mailbot.workers import admin_mail
from mailbot.workers.admin_mail import Announcement
from mailbot.workers.runtime import Deps, Snapshot

if TYPE_CHECKING:
    from mailbot.reports.figures.api import Report

# Longest rest: a reload may ask for a report that is due already.
LOOK_AGAIN = timedelta(minutes=1)
PATIENCE = timedelta(minutes=10)  # for each statement over all tickets of a week


class WeeklyReports:
    """The worker. `wake_delivery` is called when mail was enqueued."""

    name: Final = "weekly report"
    stop_stage: Final = "process"

    def __init__(self, deps: Deps) -> None:
        self._deps, self._store = deps, deps.store
        self._sent = ""  # the newest occasion that is known to be mailed

    async def run_once(self) -> timedelta:
        snapshot, now = self._deps.runtime.snapshot, self._deps.now()
        settings = snapshot.policy.weekly
        if settings is None:
            return LOOK_AGAIN
        from mailbot.reports.figures.api import Weekly, week_name  # few ask for it: no start waits for it

        zone, weekly = snapshot.policy.zone_of(), Weekly(settings.weekday, settings.at)
        due_at = weekly.last(now, zone)
        occasion = f"weekly report {week_name(due_at, zone)}"
        if occasion != self._sent:
            await self._send(snapshot, settings, occasion, due_at)
        return min(LOOK_AGAIN, max(timedelta(), weekly.next(now, zone) - now))

    async def _send(
        self, snapshot: Snapshot, settings: WeeklyReport, occasion: str, due_at: datetime
    ) -> None:
        from mailbot.reports import read
        from mailbot.reports.figures.api import last_week

        policy = snapshot.policy
        if not await self._store.read(installation.is_done, occasion):
            if not await self._store.read(read.any_before, due_at):
                return  # asked again later: another node may have mail that it has not recorded yet
            period = last_week(due_at, policy.zone_of())
            report = await self._store.read(read.report, period, policy, self._deps.now(), patience=PATIENCE)
            mails = await asyncio.to_thread(report_mails, report, policy, settings)
            announcement = Announcement(occasion, mails, snapshot, self._deps.now())
            if await self._store.write(admin_mail.enqueue_once, announcement, alone=True):
                log.weekly_report_queued(week=occasion.rpartition(" ")[2], mails=len(mails))
                self._deps.wake_delivery()
        self._sent = occasion


def report_mails(report: "Report", policy: Policy, settings: WeeklyReport) -> list[Bulletin]:
    """Build the mail for each recipient: as text, as HTML, its charts as a picture."""
    from mailbot.reports import render

    box = next(iter(policy.mailboxes.values()))
    language = settings.language
    png = render.poster(report, language).png()
    chart = Attachment("report.png", "image/png", len(png), hashlib.sha256(png).hexdigest(), png)
    return [
        Bulletin(
            mailbox=box.address,
            to=recipient,
            language=language,
            subject=f"{box.brand}: {render.title(report, language)}",
            text=render.text(report, language),
            html=render.for_mail(report, language),
            attachments=(chart,),
        )
        for recipient in settings.to
    ]
