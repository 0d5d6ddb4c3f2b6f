"""Notices that are collected into one mail for an agent."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from mailbot.domain.policy import Team
from mailbot.store.store import Store
from mailbot.workers.digests import Digests
from tests.builders import BAYU, RINA
from tests.workers.test_intake import Desk

PATIENT = replace(RINA, notify=timedelta(minutes=15))


def desk_of(store: Store, **changes: object) -> Desk:
    return Desk(store, teams={"frontline": Team("frontline", "always", (PATIENT, BAYU))}, **changes)


async def flush(desk: Desk) -> list[str]:
    """Let the worker run once and return the texts of all digests so far."""
    await Digests(desk.deps).run_once()
    mails = map(desk.content, desk.outbox_rows("bulletin"))
    return [str(mail.get_body(("plain",)).get_content()) for mail in mails]


async def test_notices_of_a_quarter_of_an_hour_go_out_as_one_mail(store: Store) -> None:
    desk = desk_of(store)
    first = await desk.receive(Subject="Barang rusak", body="Kotaknya penyok.")
    other = await desk.receive(sender="siti@x.example", Subject="Belum sampai")
    await desk.receive(Subject=f"Re: [{first.number}] Barang rusak", body="Layarnya juga retak.")

    assert (desk.outbox_rows("team"), await flush(desk)) == ([], [])
    desk.clock += timedelta(minutes=16)
    (digest,) = await flush(desk)

    assert "2 tiket untuk Anda" in digest
    assert f"Barang rusak [{first.number}]" in digest
    assert "tiket baru, pelanggan menulis lagi" in digest
    assert "Layarnya juga retak." in digest
    assert f"Belum sampai [{other.number}]" in digest
    assert await flush(desk) == [digest]


async def test_the_address_in_a_digest_takes_the_agents_answer(store: Store) -> None:
    desk = desk_of(store)
    ticket = await desk.receive(Subject="Barang rusak")
    desk.clock += timedelta(minutes=16)
    (digest,) = await flush(desk)
    address = digest.partition("Balas ke: ")[2].split()[0]
    await desk.receive(
        sender=RINA.address,
        to=address,
        peer="10.20.0.9",
        Subject=f"Re: Barang rusak [{ticket.number}]",
        body="Kami kirim ulang hari ini.",
    )

    assert [row.ticket for row in desk.outbox_rows("answer")] == [ticket.number]


async def test_an_urgent_ticket_never_waits_for_a_digest(store: Store) -> None:
    desk = desk_of(store)
    rules = tuple(
        replace(rule, then=replace(rule.then, priority="urgent")) for rule in desk.runtime.policy.rules
    )
    other = Desk(store, teams=desk.runtime.policy.teams, rules=rules)
    await other.receive(Subject="Akun dibajak")

    assert len(other.outbox_rows("team")) == 1
    assert other.one(text("SELECT count(*) AS n FROM digest_items")).n == 0


async def test_who_wants_each_notice_again_gets_what_was_collected_at_once(store: Store) -> None:
    desk = desk_of(store)
    ticket = await desk.receive(Subject="Barang rusak")
    later = Desk(store)
    (digest,) = await flush(later)

    assert ticket.number in digest


async def test_a_ticket_closed_meanwhile_is_left_out(store: Store) -> None:
    desk = desk_of(store)
    await desk.receive(Subject="Barang rusak")
    desk.store.write_now(lambda c, items: [c.execute(text("UPDATE tickets SET status = 'closed'"))], None)
    desk.clock += timedelta(minutes=16)

    assert await flush(desk) == []
    assert desk.one(text("SELECT count(*) AS n FROM digest_items")).n == 0
