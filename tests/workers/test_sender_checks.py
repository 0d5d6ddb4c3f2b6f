"""Checks of senders beside the intake, against a DNS server: their results, and no delay of other mail."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.config.model import Trust
from mailbot.domain.model import Authentication, Envelope
from mailbot.mail.auth.dns_lookup import Lookup
from mailbot.mail.parsing.parse import parse
from mailbot.metrics import Metrics
from mailbot.store.codec import reason_of
from mailbot.store.schema import events, messages
from mailbot.store.schema import inbox as inbox_table
from mailbot.store.store import Store
from mailbot.workers.inbound.intake import Intake
from mailbot.workers.inbound.sender_checks import ERROR, THREADS, TIMEOUT, SenderChecks
from mailbot.workers.resolver import Resolver
from tests.builders import BOX, NOW
from tests.dns_server import SERVFAIL, SILENT, DnsServer
from tests.mail.senders import BUDI, MAIL, record, rsa, signed
from tests.workers.test_intake import Desk

PASS, FAIL, NONE = Authentication.PASS, Authentication.FAIL, Authentication.NONE
PEER = "192.0.2.7"
REJECT = "v=DMARC1; p=reject"
ZONE: dict[str, str | list[str]] = {
    "bank.example": "v=spf1 include:_spf.bank.example -all",
    "_spf.bank.example": "v=spf1 include:_more.bank.example -all",
    "_more.bank.example": "v=spf1 mx:mx.bank.example -all",
    "mx.bank.example": ["MX 10 out.bank.example."],
    "out.bank.example": ["A 192.0.2.7"],
    "_dmarc.bank.example": REJECT,
    "s1._domainkey.bank.example": record(rsa()),
    "broken.example": SERVFAIL,
    "_dmarc.broken.example": REJECT,
    **{f"slow{n}.example": SILENT for n in range(100)},
    **{f"_dmarc.slow{n}.example": SILENT for n in range(100)},
    "recursion.example": "v=spf1 include:recursion.example a:a.recursion.example -all",
    "_dmarc.recursion.example": REJECT,
}


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer(ZONE) as running:
        yield running


class Checks:
    """The checks against that server, and what they counted. The limit leaves room for a loaded machine."""

    def __init__(self, server: DnsServer, **trust: Any) -> None:
        self.metrics = Metrics()
        until = Resolver(("127.0.0.1", server.port)).until
        limit = timedelta(seconds=2)
        self.senders = SenderChecks(Trust(verify=True, **trust), until, self.metrics, limit=limit)

    async def ask(
        self, raw: bytes = MAIL, *, sender: str = BUDI, peer: str = PEER
    ) -> tuple[Authentication, tuple[str, ...]]:
        mail = parse(raw.replace(BUDI.encode(), sender.encode()))
        found = await self.senders(Envelope(sender, (BOX.address,), peer, NOW), raw, mail)
        return found.authentication, found.flags

    def counted(self, result: str) -> float:
        return self.metrics.registry.get_sample_value("mailbot_sender_checks_total", {"result": result}) or 0


@pytest.fixture
def checks(server: DnsServer) -> Iterator[Checks]:
    made = Checks(server)
    yield made
    made.senders.close()


@pytest.mark.parametrize(
    ("raw", "peer", "says"),
    [
        (MAIL, PEER, PASS),
        (MAIL, "198.51.100.9", FAIL),
        (signed(), "198.51.100.9", PASS),
        (signed().replace(b"kali", b"kala"), "198.51.100.9", FAIL),
        (MAIL, "127.0.0.1", NONE),
        (signed(), "127.0.0.1", PASS),
        (MAIL, "", NONE),
        (signed(), "", PASS),
    ],
)
async def test_a_real_dns_authenticates_the_sender(
    checks: Checks, raw: bytes, peer: str, says: Authentication
) -> None:
    assert await checks.ask(raw, peer=peer) == (says, ())
    assert checks.counted(says.value) == 1


@pytest.mark.parametrize("networks", ["agent_networks", "front_networks", "proxy_networks"])
async def test_a_peer_of_our_own_is_not_held_against_the_sender(server: DnsServer, networks: str) -> None:
    checks = Checks(server, **{networks: (ip_network("198.51.100.0/24"),)})

    assert await checks.ask(peer="198.51.100.9") == (NONE, ())
    checks.senders.close()


async def test_the_result_of_a_trusted_host_is_used_without_a_dns_query(server: DnsServer) -> None:
    checks = Checks(server)
    for match in (PASS, FAIL):
        mail = replace(parse(MAIL), authentication=match)
        assert await checks.senders(Envelope(BUDI, (), "198.51.100.9", NOW), MAIL, mail) is mail
    assert server.asked == []
    checks.senders.close()


@pytest.mark.parametrize("sender", ["budi@broken.example", "budi@recursion.example", "budi@nowhere.example"])
async def test_a_dns_that_is_broken_or_a_bomb_ends_at_once(
    checks: Checks, server: DnsServer, sender: str
) -> None:
    started = time.monotonic()
    found, flags = await checks.ask(sender=sender)

    assert found is (FAIL if "recursion" in sender else NONE)
    assert flags == ()
    assert time.monotonic() - started < 5  # without bounds: minutes
    assert len(server.asked) <= 20


async def test_a_slow_dns_is_waited_for_once_and_then_left_alone(checks: Checks, server: DnsServer) -> None:
    started = time.monotonic()
    first = await checks.ask(sender="budi@slow1.example")
    waited = time.monotonic() - started
    second = await checks.ask(sender="siti@slow1.example")

    assert first == second == (NONE, (TIMEOUT,))
    assert waited < 10
    assert time.monotonic() - started - waited < waited
    assert checks.counted("timeout") == 2
    assert await checks.ask() == (PASS, ())


async def test_stuck_checks_delay_no_other_checks_and_no_other_threads(checks: Checks) -> None:
    stuck = [asyncio.create_task(checks.ask(sender=f"budi@slow{n}.example")) for n in range(12)]
    await asyncio.sleep(0)  # all of them begin
    assert await checks.ask() == (PASS, ())
    await asyncio.to_thread(time.sleep, 0)

    assert not any(task.done() for task in stuck)
    assert {await each for each in stuck} == {(NONE, (TIMEOUT,))}


async def test_with_every_thread_stuck_the_others_go_on_unchecked_in_time(checks: Checks) -> None:
    stuck = [asyncio.create_task(checks.ask(sender=f"budi@slow{n}.example")) for n in range(2 * THREADS)]
    await asyncio.sleep(0)  # all of them begin
    started = time.monotonic()
    found, _ = await checks.ask()

    assert found in (NONE, PASS)
    assert time.monotonic() - started < 10
    await asyncio.gather(*stuck)


async def test_a_check_that_breaks_costs_the_mail_nothing() -> None:
    def broken(end: float) -> Lookup:
        raise ZeroDivisionError("a bug of ours")

    senders = SenderChecks(Trust(verify=True), broken, Metrics())
    mail = parse(MAIL)
    found = await senders(Envelope(BUDI, (), PEER, NOW), MAIL, mail)

    assert (found.authentication, found.flags) == (NONE, (ERROR,))
    senders.close()


# --- through the intake -----------------------------------------------------------------------------------


class CheckedDesk(Desk):
    """A desk whose intake checks senders against the server."""

    def __init__(self, store: Store, checks: Checks, **box: Any) -> None:
        super().__init__(store, trust=Trust(verify=True), mailboxes={BOX.address: replace(BOX, **box)})
        self.intake = Intake(replace(self.deps, metrics=checks.metrics), "n1", checks.senders)

    async def work(self) -> None:
        async with asyncio.timeout(10):
            while self.all(select(inbox_table.c.id).where(inbox_table.c.state == "new")):
                await self.intake.run_once()
                await asyncio.sleep(0.01)


async def test_a_forged_mail_of_a_customer_does_not_reach_the_customers_ticket(
    store: Store, checks: Checks
) -> None:
    desk = CheckedDesk(store, checks)
    first = await desk.receive(sender=BUDI, peer=PEER)
    forged = await desk.receive(
        sender=BUDI, peer="198.51.100.9", Subject=f"Re: [{first.number}]", References="<1@x.example>"
    )
    real = await desk.receive(sender=BUDI, peer=PEER, Subject=f"Re: [{first.number}]")

    assert forged.number != first.number
    assert real.number == first.number
    opened = desk.one(
        select(events.c.data).where(events.c.kind == "ticket_opened", events.c.ticket == forged.number)
    )
    assert opened.data["claims"] == first.number


@pytest.mark.parametrize("strangers", ["thread", "hold"])
async def test_a_forged_mail_is_not_threaded_where_strangers_are(
    store: Store, checks: Checks, strangers: str
) -> None:
    desk = CheckedDesk(store, checks, strangers=strangers)
    first = await desk.receive(sender=BUDI, peer=PEER)
    forged = await desk.receive(sender=BUDI, peer="198.51.100.9", Subject=f"Re: [{first.number}]")

    assert forged.number != first.number


async def test_the_subject_is_quoted_only_to_an_authenticated_sender(store: Store, checks: Checks) -> None:
    desk = CheckedDesk(store, checks, rich_acknowledgements=True)
    evil = "=?UTF-8?Q?=0D=0ABcc:_korban@x.example?= <b>Saldo</b> {{ 7*7 }} https://x.example"
    passed = await desk.receive(sender=BUDI, peer=PEER, Subject=evil)
    failed = await desk.receive(sender=BUDI, peer="198.51.100.9", Subject="Beli obat murah")
    nobody = await desk.receive(sender="siti@nowhere.example", Subject="Beli obat murah")
    elsewhere = await desk.receive(
        sender=BUDI, peer=PEER, return_path="korban@bank.example", Subject="Beli obat"
    )
    mails = {row.ticket: desk.content(row) for row in desk.outbox_rows("acknowledgement")}

    rich = mails[passed.number]
    text, html = (rich.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "Bcc: korban@x.example <b>Saldo</b> {{ 7*7 }} https://x.example" in text
    assert "&lt;b&gt;Saldo&lt;/b&gt; {{ 7*7 }}" in html
    assert "Bcc" not in rich
    assert rich["Subject"].startswith("Re: Bcc: ")
    (to,) = [row.recipient for row in desk.outbox_rows("acknowledgement") if row.ticket == elsewhere.number]
    assert to == BUDI  # the author is proven: no other return path gets the answer
    for ticket in (failed, nobody):
        assert "Beli" not in mails[ticket.number].as_string()
        assert "Beli" not in mails[ticket.number].get_body(("plain",)).get_content()


@pytest.mark.parametrize("choice", ["held", "none"])
async def test_who_is_not_authenticated_gets_a_ticket_and_no_mail(
    store: Store, checks: Checks, choice: str
) -> None:
    desk = CheckedDesk(store, checks, unauthenticated=choice)
    known = await desk.receive(sender=BUDI, peer=PEER)
    unknown = await desk.receive(sender="siti@nowhere.example")
    rows = {row.ticket: row for row in desk.outbox_rows("acknowledgement")}

    assert rows[known.number].state == "due"
    assert (rows[unknown.number].state, str(reason_of(rows[unknown.number].reason))) == (
        "suppressed",
        "sender not authenticated",
    )


def state_of(desk: Desk, inbox_id: int) -> str:
    return str(desk.one(select(inbox_table.c.state).where(inbox_table.c.id == inbox_id)).state)


async def test_twelve_stuck_senders_delay_no_other_mail_and_get_their_tickets(
    store: Store, checks: Checks
) -> None:
    desk = CheckedDesk(store, checks)
    stuck = [await desk.keep(sender=f"budi@slow{n}.example") for n in range(12)]
    good = [await desk.keep(sender=BUDI, peer=PEER) for n in range(5)]
    async with asyncio.timeout(20):
        while {state_of(desk, id_) for id_ in good} != {"done"}:
            await desk.intake.run_once()
    assert {state_of(desk, id_) for id_ in stuck} == {"new"}  # they wait, the others did not wait for them
    await desk.work()

    flags = {desk.one(select(messages.c.flags).where(messages.c.inbox_id == id_)).flags[-1] for id_ in stuck}
    assert flags == {TIMEOUT}
    assert all(desk.ticket_of(id_) for id_ in stuck)


async def test_mail_with_a_running_check_is_released_at_the_stop(store: Store, checks: Checks) -> None:
    desk = CheckedDesk(store, checks)
    id_ = await desk.keep(sender="budi@slow1.example")
    await desk.intake.run_once()
    await desk.intake.release()
    row = desk.one(select(inbox_table).where(inbox_table.c.id == id_))

    assert (row.state, row.claimed_by, row.attempts) == ("new", None, 0)
    await desk.work()
    assert desk.ticket_of(id_)
