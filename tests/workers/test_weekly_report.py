"""The weekly report: enqueued once a week, by whichever node, also after downtime."""

from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest

from mailbot.domain.policy import WeeklyReport
from mailbot.domain.worktime import ALL_DAY, Calendar
from mailbot.store.store import Store
from mailbot.workers.weekly_report import LOOK_AGAIN, WeeklyReports
from tests.builders import policy
from tests.workers.test_intake import TEMPLATES, Desk

SARI, ADI = "sari@tim.example", "adi@pimpinan.example"
MONDAYS = WeeklyReport((SARI, ADI), 0, timedelta(hours=8), "id")
JAKARTA = Calendar("always", "Asia/Jakarta", ((ALL_DAY,),) * 7)
WEEK = timedelta(days=7)
MONDAY_8 = datetime.fromisoformat("2026-11-30T08:00+07:00")


@pytest.fixture
def desk(store: Store) -> Desk:
    """Build a desk whose clock shows Monday, 23 November, 10:00 in Jakarta."""
    return Desk(store, weekly=MONDAYS, calendars={"always": JAKARTA})


def node(desk: Desk) -> WeeklyReports:
    return WeeklyReports(desk.deps)


async def test_it_is_enqueued_when_due_for_each_recipient(desk: Desk) -> None:
    await desk.receive(Subject="Saldo terpotong")
    worker = node(desk)
    desk.clock = MONDAY_8 - timedelta(seconds=20)
    rest = await worker.run_once()

    assert desk.outbox_rows("bulletin") == []
    assert rest == timedelta(seconds=20)
    desk.clock, woken = MONDAY_8, desk.woken
    assert await worker.run_once() == LOOK_AGAIN
    assert [row.recipient for row in desk.outbox_rows("bulletin")] == [SARI, ADI]
    assert desk.woken == woken + 1


async def test_it_reports_the_seven_days_before_in_text_tables_and_a_chart(desk: Desk) -> None:
    await desk.receive(Subject="Saldo terpotong")
    desk.clock = MONDAY_8
    await node(desk).run_once()

    mail: EmailMessage = desk.content(desk.outbox_rows("bulletin")[0])
    assert mail["Subject"] == "TokoDompet: Laporan 23 sampai 29 November 2026"
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain
    assert page
    [opened] = [line.split() for line in plain.get_content().splitlines() if line.startswith("masuk")]
    assert opened[:3] == ["masuk", "1", "0"]
    assert "<table>" in page.get_content()
    [picture] = mail.iter_attachments()
    assert picture.get_content_type() == "image/png"
    assert picture.get_content().startswith(b"\x89PNG")


async def test_however_many_nodes_ask_it_is_enqueued_once_a_week(desk: Desk) -> None:
    await desk.receive()
    for week in (1, 2):
        for late in (0, 1, 3):
            desk.clock = MONDAY_8 + (week - 1) * WEEK + timedelta(days=late)
            for worker in (node(desk), node(desk)):
                await worker.run_once()
                await worker.run_once()
        assert len(desk.outbox_rows("bulletin")) == 2 * week


async def test_after_downtime_it_comes_late_and_only_for_the_last_week(desk: Desk) -> None:
    await desk.receive()
    desk.clock = MONDAY_8 + 3 * WEEK + timedelta(days=2)
    await node(desk).run_once()

    mails = [desk.content(row) for row in desk.outbox_rows("bulletin")]
    assert {mail["Subject"] for mail in mails} == {"TokoDompet: Laporan 14 sampai 20 Desember 2026"}


async def test_another_moment_in_the_same_week_brings_no_second_report(desk: Desk) -> None:
    await desk.receive()
    desk.clock = MONDAY_8
    worker = node(desk)
    await worker.run_once()
    wednesdays = WeeklyReport((SARI,), 2, timedelta(hours=9), "en")
    desk.runtime.replace(policy(weekly=wednesdays, calendars={"always": JAKARTA}), TEMPLATES)
    desk.clock = MONDAY_8 + timedelta(days=3)
    await worker.run_once()

    assert len(desk.outbox_rows("bulletin")) == 2


async def test_nothing_is_enqueued_without_a_setting_or_without_earlier_mail(desk: Desk) -> None:
    desk.clock = MONDAY_8 + timedelta(hours=1)
    await desk.receive()  # after the moment of this week
    await node(desk).run_once()
    assert desk.outbox_rows("bulletin") == []

    without = Desk(desk.store)
    without.clock = MONDAY_8 + WEEK
    assert await node(without).run_once() == LOOK_AGAIN
    assert desk.outbox_rows("bulletin") == []
