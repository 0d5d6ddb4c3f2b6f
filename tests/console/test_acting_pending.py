"""What waits for a word on a ticket's page: money, claims of strangers, questions, machines' mail, held answers."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from mailbot.domain.model import Status, Target
from mailbot.domain.policy import Authority, IncidentRule, Moment, Rate, Step
from mailbot.domain.routing.money import Money
from mailbot.store import compensations
from mailbot.store.schema import tickets
from mailbot.workers.deadlines import Deadlines
from mailbot.workers.incidents.worker import Incidents
from tests.builders import BAYU, BOX, RINA, SARI, STANDARD
from tests.console.acting_forms import after, offered, send
from tests.console.office import Office, Visitor
from tests.workers.test_incidents import TEXTS
from tests.workers.test_intake import AGENTS_NETWORK, tag


def rp(amount: int) -> Money:
    return Money(Decimal(amount))


LIMITS = Authority(per_ticket={"": {"L1": rp(100_000), "L2": rp(500_000), "management": rp(9_000_000)}})
QUESTION = Step(
    Moment(Target.FIRST_RESPONSE, 0.5),
    ask_decision="L2",
    question="Boleh dibekukan?",
    options=("bekukan", "tunggu"),
)


@pytest.fixture
def office(office: Office) -> Office:
    box = replace(BOX, strangers="hold", collision=timedelta(minutes=10))
    changes = {"mailboxes": {BOX.address: box}, "authority": LIMITS}
    policy = replace(office.desk.policy, **changes)
    office.intake.runtime.replace(policy, office.intake.runtime.snapshot.composer.templates)
    return office


@pytest.fixture
async def rina(office: Office) -> AsyncIterator[Visitor]:
    async with office.visitor(RINA.address) as visitor:
        yield visitor


@pytest.fixture
async def bayu(office: Office) -> AsyncIterator[Visitor]:
    async with office.visitor(BAYU.address) as visitor:
        yield visitor


async def page_of(visitor: Visitor, number: str) -> str:
    return (await visitor.get(f"/tickets/{number}")).text


async def test_money_is_decided_with_one_button_by_those_alone_who_may(
    office: Office, rina: Visitor, bayu: Visitor
) -> None:
    number = (await office.receive()).number
    page = await after(
        rina, await send(rina, number, "compensate", words="Rp 300.000", because="paket <rusak> & basah")
    )
    assert "Rp300.000" in page
    assert offered(page) & {"approve", "refuse"} == {"refuse"}, "who asked may take it back"
    page = await page_of(bayu, number)
    assert {"approve", "refuse"} <= offered(page)
    assert "Rp300.000" in page
    assert "paket &lt;rusak&gt; &amp; basah" in page
    await after(bayu, await send(bayu, number, "approve", page))
    entries = [each.entry.kind for each in office.store.read_now(compensations.entries)]
    assert entries == ["asked", "approved", "granted"]
    assert not offered(await page_of(bayu, number)) & {"approve", "refuse"}


async def test_a_strangers_claim_is_accepted_or_rejected(office: Office, rina: Visitor) -> None:
    first = (await office.receive()).number
    claims = [
        await office.receive(sender=f"asing{n}@lain.example", Subject=f"Re: [{first}]", body="Ini saya juga.")
        for n in range(2)
    ]
    for claim in claims:
        assert {"accept", "refuse"} <= offered(await page_of(rina, claim.number))
    page = await after(rina, await send(rina, claims[0].number, "accept"))
    assert f"sekarang bagian dari {first}" in page
    assert office.ticket(claims[0].number).merged_into == first
    await after(rina, await send(rina, claims[1].number, "refuse"))
    assert office.ticket(claims[1].number).held_for is None


async def test_a_machines_mail_is_released(office: Office, rina: Visitor) -> None:
    mail = {"sender": "mailer-daemon@mx.example", "body": "Your mail to x@y.example could not be delivered."}
    number = (await office.receive(**mail, Subject="Undelivered Mail Returned to Sender")).number
    async with office.visitor(SARI.address) as sari:
        assert offered(await page_of(sari, number)) == {"release", "note"}
        await after(sari, await send(sari, number, "release"))
    assert office.ticket(number).status is Status.NEW


async def test_an_answer_that_was_held_by_mail_is_sent_from_the_page(
    office: Office, rina: Visitor, bayu: Visitor
) -> None:
    number = (await office.receive()).number
    await after(rina, await send(rina, number, "answer", text="Sudah dikirim."))
    await office.receive(
        sender=BAYU.address,
        to=tag(number, BAYU.address),
        peer=AGENTS_NETWORK,
        Subject=f"Re: [{number}] Barang",
        body="Belum dikirim.",
    )
    assert "send" not in offered(await page_of(rina, number))
    page = await after(bayu, await send(bayu, number, "send"))
    assert "Belum dikirim." in page
    assert len(office.intake.outbox_rows("answer")) == 2
    assert "send" not in offered(page)


async def test_a_question_is_answered_by_its_level(office: Office, rina: Visitor, bayu: Visitor) -> None:

    ladder = replace(STANDARD, steps=(QUESTION,))
    policy = replace(office.desk.policy, ladders={"standard": ladder})
    office.intake.runtime.replace(policy, office.intake.runtime.snapshot.composer.templates)
    number = (await office.receive()).number
    office.intake.clock += timedelta(minutes=31)
    await Deadlines(office.intake.deps).run_once()
    assert "decide" not in offered(await page_of(rina, number))
    page = await page_of(bayu, number)
    assert "Boleh dibekukan?" in page
    page = await after(bayu, await send(bayu, number, "decide", page, words="bekukan", because="ada polisi"))
    assert "bekukan" in page
    assert "decide" not in offered(page)


async def test_an_incident_is_resolved_with_one_text_and_a_complaint_taken_out(
    office: Office, bayu: Visitor
) -> None:
    intake = office.intake
    box = replace(BOX, incident=IncidentRule(Rate(10, timedelta(minutes=10))))
    policy = replace(office.desk.policy, mailboxes={BOX.address: box})
    intake.runtime.replace(policy, intake.runtime.snapshot.composer.templates)
    worker = Incidents(intake.deps)
    await worker.run_once()
    for person in range(20):
        intake.clock += timedelta(seconds=1)
        subject, body = TEXTS[person % len(TEXTS)]
        await office.receive(sender=f"p{person}@x{person}.example", Subject=subject, body=body)
        while await worker.run_once() == timedelta():
            pass
    joined = intake.all(select(tickets.c.number, tickets.c.incident).where(tickets.c.incident.is_not(None)))
    incident, number = next((row.incident, row.number) for row in joined if row.number != row.incident)
    async with office.visitor(SARI.address) as sari:
        await after(sari, await send(sari, number, "detach"))
    assert office.ticket(number).incident is None
    page = await page_of(bayu, incident)
    assert not offered(page) & {"close", "wait", "detach"}
    empty = await send(bayu, incident, "resolve", page)
    assert empty.status_code == 422
    page = await after(bayu, await send(bayu, incident, "resolve", page, text="Top up sudah normal."))
    assert "Gangguan selesai" in page
    assert office.ticket(incident).status is Status.CLOSED
