"""Mail that was given up is recorded on its ticket, and its people are notified, once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from mailbot.domain import decisions
from mailbot.domain.notices import Notice, TeamNotice
from mailbot.mail.compose.compose import Composer, OutboundMail
from mailbot.store import suppressions
from mailbot.store.outbox import AttemptResult, Claim, Retry, claim, record_results, retry
from mailbot.store.schema import events, outbox
from mailbot.store.store import Store
from mailbot.workers.failed_mail import FailedMail
from tests.builders import BAYU, RINA, policy
from tests.workers.test_intake import BUDI, KEYS, TEMPLATES, Desk


class FailedMailDesk(Desk):
    """A desk with the worker beside it."""

    def __init__(self, store: Store, composer: Composer | None = None) -> None:
        super().__init__(store, composer)
        self.worker = self.another()

    def another(self) -> FailedMail:
        return FailedMail(self.deps)

    def fail(self, row: Any, code: int | None = 550, reply: str = "5.1.1 no such user") -> None:
        """Let the relay refuse this mail; all other mail that is due continues to wait."""
        self.store.write_now(claim, Claim("n1", 100, self.clock))
        done = self.store.write_now(
            record_results, AttemptResult(row.id, "n1", "failed", self.clock, code, reply)
        )
        assert done
        self.store.write_now(_wait, "")

    async def report(self) -> None:
        while await self.worker.run_once() == 0:
            pass

    def event_kinds(self, number: str) -> list[str]:
        query = select(events.c.kind).where(events.c.ticket == number).order_by(events.c.seq)
        return [row.kind for row in self.all(query)]

    def notices(self) -> list[Any]:
        return [row for row in self.outbox_rows("team") if row.why == "undeliverable"]


def _wait(connection: Any, items: Any) -> list[None]:
    held = update(outbox).where(outbox.c.state == "sending").values(state="due", claimed_by=None)
    connection.execute(held)
    return [None] * len(items)


@pytest.fixture
def helpdesk(store: Store) -> FailedMailDesk:
    return FailedMailDesk(store)


async def test_an_acknowledgement_that_the_relay_refuses_is_reported_to_the_owner_once(
    helpdesk: FailedMailDesk,
) -> None:
    ticket = await helpdesk.receive()
    (row,) = helpdesk.outbox_rows("acknowledgement")
    helpdesk.fail(row)
    await helpdesk.report()
    await helpdesk.report()

    assert helpdesk.event_kinds(ticket.number)[-2:] == ["delivery_failed", "people_notified"]
    (notice,) = helpdesk.notices()
    text = helpdesk.content(notice).get_body(("plain",)).get_content()
    assert notice.recipient == RINA.address
    assert "5.1.1 no such user" in text
    assert BUDI in text
    assert helpdesk.store.read_now(suppressions.load, [BUDI], helpdesk.clock)[BUDI].until is None


async def test_two_failures_of_one_ticket_and_recipient_in_one_turn_are_two_events_and_one_notice(
    helpdesk: FailedMailDesk,
) -> None:
    ticket = await helpdesk.receive()
    late = decisions.on_deadline(ticket, policy(), helpdesk.clock + timedelta(days=3))
    assert late.notices
    (row,) = helpdesk.outbox_rows("acknowledgement")
    helpdesk.fail(row)
    helpdesk.store.write_now(_copy_as_progress, row.id)
    await helpdesk.report()

    assert helpdesk.event_kinds(ticket.number).count("delivery_failed") == 2
    assert len(helpdesk.notices()) == 1


def _copy_as_progress(connection: Any, ids: Any) -> list[None]:
    for id_ in ids:
        row = connection.execute(select(outbox).where(outbox.c.id == id_)).one()._mapping
        new = {name: row[name] for name in row if name != "id"} | {"nonce": "copy", "kind": "progress"}
        connection.execute(outbox.insert().values(new))
    return [None] * len(ids)


async def test_a_refused_notice_goes_to_another_agent_and_a_refused_notice_about_that_to_none(
    helpdesk: FailedMailDesk,
) -> None:
    ticket = await helpdesk.receive()
    (row,) = helpdesk.outbox_rows("team")
    helpdesk.fail(row)
    await helpdesk.report()
    (notice,) = helpdesk.notices()
    assert (row.recipient, notice.recipient) == (RINA.address, BAYU.address)

    helpdesk.fail(notice)
    await helpdesk.report()
    assert len(helpdesk.notices()) == 1
    assert helpdesk.event_kinds(ticket.number).count("delivery_failed") == 2
    assert helpdesk.store.read_now(suppressions.load, [RINA.address, BAYU.address], helpdesk.clock) == {}


async def test_two_nodes_report_a_failure_once(helpdesk: FailedMailDesk) -> None:
    ticket = await helpdesk.receive()
    helpdesk.fail(helpdesk.outbox_rows("acknowledgement")[0])
    await asyncio.gather(helpdesk.worker.run_once(), helpdesk.another().run_once())
    await helpdesk.report()

    assert helpdesk.event_kinds(ticket.number).count("delivery_failed") == 1


async def test_what_an_operator_tries_again_and_fails_again_is_an_event_again(
    helpdesk: FailedMailDesk,
) -> None:
    ticket = await helpdesk.receive()
    (row,) = helpdesk.outbox_rows("acknowledgement")
    helpdesk.fail(row)
    await helpdesk.report()
    helpdesk.clock += timedelta(minutes=1)
    helpdesk.store.write_now(retry, Retry(row.id, helpdesk.clock))
    helpdesk.fail(row, reply="5.1.1 still nobody")
    await helpdesk.report()

    assert helpdesk.event_kinds(ticket.number).count("delivery_failed") == 2
    assert len(helpdesk.notices()) == 1


async def test_mail_that_was_tried_for_too_long_is_reported_and_suppresses_no_address(
    helpdesk: FailedMailDesk,
) -> None:
    ticket = await helpdesk.receive()
    helpdesk.fail(helpdesk.outbox_rows("acknowledgement")[0], 450, "4.2.1 try later")
    await helpdesk.report()

    assert "delivery_failed" in helpdesk.event_kinds(ticket.number)
    assert helpdesk.store.read_now(suppressions.load, [BUDI], helpdesk.clock) == {}


class Poisoned(Composer):
    """A composer with a bug that one customer's mail triggers."""

    def compose(self, notice: Notice, *, nonce: str, now: Any, page_url: str = "") -> OutboundMail:
        if isinstance(notice, TeamNotice) and (notice.why, notice.customer) == (
            "undeliverable",
            "racun@x.example",
        ):
            raise ZeroDivisionError("a bug of ours")
        return super().compose(notice, nonce=nonce, now=now, page_url=page_url)


async def test_p5_a_failure_that_raises_an_error_keeps_no_other_from_being_reported(
    store: Store,
) -> None:
    helpdesk = FailedMailDesk(store, Poisoned(TEMPLATES, KEYS, policy()))
    bad = await helpdesk.receive(sender="racun@x.example")
    good = await helpdesk.receive()
    for row in helpdesk.outbox_rows("acknowledgement"):
        helpdesk.fail(row)
    await helpdesk.report()

    assert "delivery_failed" in helpdesk.event_kinds(good.number)
    assert "delivery_failed" not in helpdesk.event_kinds(bad.number)
    assert await helpdesk.worker.run_once() != 0
