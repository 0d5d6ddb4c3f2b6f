"""Money and questions, decided by reply: within every limit, and no word of it reaches a customer."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain.compensation.requests import Kind
from mailbot.domain.model import Target
from mailbot.domain.policy import Agent, Authority, Moment, Step, Team
from mailbot.domain.routing.money import Money
from mailbot.store import compensations
from mailbot.store.schema import events, messages
from mailbot.store.store import Store
from mailbot.workers.deadlines import Deadlines
from mailbot.workers.inbound.intake import Intake
from tests.builders import BAYU, DEWI, RINA, SARI, STANDARD
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, Desk
from tests.workers.test_one_tap import links, tap

PUTRI = Agent("Putri", "putri@tim.example", "management", ("en",))
ALL_TEAMS = {
    "frontline": Team("frontline", "always", (RINA, BAYU)),
    "payments": Team("payments", "always", (DEWI,)),
    "management": Team("management", "always", (SARI, PUTRI)),
}


def rp(amount: int) -> Money:
    return Money(Decimal(amount))


LIMITS = Authority(
    per_ticket={"": {"L1": rp(100_000), "L2": rp(500_000), "management": rp(9_000_000)}},
    per_team={"frontline": rp(4_000_000)},
    two_persons_above=rp(1_000_000),
)
ASKING = replace(
    STANDARD,
    steps=(
        Step(
            Moment(Target.FIRST_RESPONSE, 0.5),
            ask_decision="L2",
            question="Boleh dibekukan?",
            options=("bekukan", "tunggu dulu"),
        ),
    ),
)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, teams=ALL_TEAMS, authority=LIMITS, ladders={"standard": ASKING})


async def wrote(desk: Desk, agent: str, number: str, body: str, **headers: str) -> None:
    """Receive an agent's mail that names the ticket by its number alone."""
    headers = {"Subject": f"Re: Barang [{number}]", **headers}
    await desk.receive(sender=agent, peer=AGENTS_NETWORK, body=body.replace("\n", "\r\n"), **headers)


async def replied(desk: Desk, row: Any, body: str, **headers: str) -> None:
    """Receive the reply of a notice's reader to it, as mail programs write it."""
    notice = desk.content(row)
    quoted = "\n".join(f"> {line}" for line in notice.get_body(("plain",)).get_content().splitlines())
    whole = f"{body}\n\nPada Senin, TokoDompet menulis:\n{quoted}"
    headers = {
        "sender": row.recipient,
        "to": str(notice["Reply-To"]),
        "Subject": f"Re: {notice['Subject']}",
        "In_Reply_To": str(notice["Message-ID"]),
        **headers,
    }
    await desk.receive(peer=AGENTS_NETWORK, body=whole.replace("\n", "\r\n"), **headers)


def text_of(desk: Desk, row: Any) -> str:
    return str(desk.content(row).get_body(("plain",)).get_content())


def to_customer(desk: Desk) -> list[str]:
    """Return the kinds of all mails to the customer but the acknowledgement."""
    rows = [row for kind in ("answer", "closing", "progress") for row in desk.outbox_rows(kind)]
    return [row.kind for row in rows if row.recipient == BUDI]


def lines(desk: Desk) -> list[tuple[str, int, str]]:
    found = desk.store.read_now(compensations.entries)
    return [(each.entry.kind, int(each.entry.amount.amount), each.entry.agent) for each in found]


async def test_an_agent_grants_by_mail_what_the_own_limit_allows(desk: Desk) -> None:
    number = (await desk.receive()).number
    await wrote(
        desk, RINA.address, number, "#kompensasi Rp 50.000 paket rusak\n\nMaaf, Rp 50.000 kami kembalikan."
    )

    assert [kind for kind, *_ in lines(desk)] == ["asked", "approved", "granted"]
    (answer,) = desk.outbox_rows("answer")
    assert "Rp 50.000 kami kembalikan" in text_of(desk, answer)
    assert "paket rusak" not in text_of(desk, answer)
    assert "kompensasi" not in text_of(desk, answer).lower()
    (receipt,) = desk.outbox_rows("receipt")
    assert receipt.recipient == RINA.address


async def test_two_persons_approve_by_reply_and_the_customer_gets_nothing_of_it(desk: Desk) -> None:
    number = (await desk.receive()).number
    await wrote(desk, RINA.address, number, "#kompensasi 2 juta barang hilang")
    first = desk.outbox_rows("compensation_wanted")
    assert {row.recipient for row in first} == {SARI.address, PUTRI.address}

    await replied(desk, first[0], "#setuju\nJangan sampai pelanggan tahu batas kita.")
    assert [kind for kind, *_ in lines(desk)] == ["asked", "approved"]
    again = desk.outbox_rows("compensation_wanted")[-1]
    await replied(desk, first[0], "#setuju")  # one person is one person
    assert [kind for kind, *_ in lines(desk)] == ["asked", "approved"]
    await replied(desk, again, f"#approve {again and 1} fine")

    assert lines(desk)[2:] == [
        ("approved", 2_000_000, again.recipient),
        ("granted", 2_000_000, again.recipient),
    ]
    assert [row.recipient for row in desk.outbox_rows("compensation_decided")] == [RINA.address]
    assert to_customer(desk) == []
    kept = desk.all(select(messages).where(messages.c.direction == "out"))
    assert kept == []


async def test_a_refusal_takes_its_reason_from_the_line_or_the_text_below(desk: Desk) -> None:
    number = (await desk.receive()).number
    await wrote(desk, RINA.address, number, "#kompensasi 300rb barang rusak")
    await replied(desk, desk.outbox_rows("compensation_wanted")[0], "#tolak\nFotonya tidak jelas.")

    assert lines(desk)[-1] == ("refused", 300_000, BAYU.address)
    (decided,) = desk.outbox_rows("compensation_decided")
    assert "Fotonya tidak jelas." in text_of(desk, decided)
    assert to_customer(desk) == []


@pytest.mark.parametrize(
    "body", ["Setuju, berikan saja.", "#ambil\nSetuju, berikan saja.", "ok", "#catat\nok"]
)
@pytest.mark.parametrize("how", ["reply", "no reference", "only reference", "forwarded"])
async def test_an_approvers_words_never_go_to_the_customer(desk: Desk, body: str, how: str) -> None:
    number = (await desk.receive()).number
    await wrote(desk, RINA.address, number, "#kompensasi 300rb barang rusak")
    (wanted,) = desk.outbox_rows("compensation_wanted")
    if how == "reply":
        await replied(desk, wanted, body)
    elif how == "no reference":
        await replied(desk, wanted, body, In_Reply_To="<lost@x.example>")
    elif how == "only reference":  # sent to the mailbox's plain address
        await replied(desk, wanted, body, to="support@dukungan.example")
    else:  # a colleague who got it forwarded, and answers all
        await replied(desk, wanted, body, sender=DEWI.address)

    assert to_customer(desk) == []
    assert [kind for kind, *_ in lines(desk)] == ["asked"]
    told = [*desk.outbox_rows("refusal"), *desk.outbox_rows("receipt")][-1]
    assert told.recipient != BUDI
    last = desk.all(select(messages).order_by(messages.c.id))[-1]
    assert last.direction == "note"


async def test_a_forwarded_request_gives_its_reader_no_authority(desk: Desk) -> None:
    number = (await desk.receive()).number
    await wrote(desk, RINA.address, number, "#kompensasi 2 juta barang hilang")
    await replied(desk, desk.outbox_rows("compensation_wanted")[0], "#setuju", sender=DEWI.address)
    await replied(desk, desk.outbox_rows("compensation_wanted")[0], "#setuju", sender=BUDI)

    assert [kind for kind, *_ in lines(desk)] == ["asked"]


async def test_a_question_is_decided_by_reply_by_its_level_or_above(desk: Desk) -> None:
    number = (await desk.receive()).number
    desk.clock += timedelta(minutes=31)
    await Deadlines(desk.deps).run_once()
    (question,) = desk.outbox_rows("question")
    assert question.recipient == BAYU.address
    assert "#putuskan bekukan" in text_of(desk, question)

    await replied(desk, question, "#putuskan hapus saja")
    await wrote(desk, RINA.address, number, "#putuskan bekukan")
    kinds = [row.kind for row in desk.all(select(events).where(events.c.ticket == number))]
    assert "decision_made" not in kinds
    await replied(desk, question, "#putuskan Tunggu dulu\nSaya tanya bank dulu.")

    (made,) = desk.all(select(events).where(events.c.kind == "decision_made"))
    assert (made.by, made.data["option"]) == (f"agent:{BAYU.address}", "tunggu dulu")
    assert "Saya tanya bank dulu." in str(made.data)
    assert to_customer(desk) == []


async def test_the_level_above_decides_by_naming_the_ticket(desk: Desk) -> None:
    number = (await desk.receive()).number
    desk.clock += timedelta(minutes=31)
    await Deadlines(desk.deps).run_once()
    await wrote(desk, SARI.address, number, "#decide bekukan")

    (made,) = desk.all(select(events).where(events.c.kind == "decision_made"))
    assert made.by == f"agent:{SARI.address}"


async def test_help_lists_what_applies_and_is_the_only_mail(desk: Desk) -> None:
    number = (await desk.receive()).number
    await wrote(desk, RINA.address, number, "#bantuan")
    (listed,) = desk.outbox_rows("agent_help")
    assert listed.recipient == RINA.address
    assert "#kompensasi JUMLAH alasan" in text_of(desk, listed)
    assert "#setuju" not in text_of(desk, listed)
    assert desk.outbox_rows("receipt") == []

    await wrote(desk, RINA.address, number, "#kompensasi 300rb barang rusak")
    await wrote(desk, SARI.address, number, "#help")
    assert "#setuju [NOMOR]" in text_of(desk, desk.outbox_rows("agent_help")[-1])
    assert to_customer(desk) == []


async def test_p14_requests_by_mail_on_two_nodes_keep_the_budget_without_deadlock(store: Store) -> None:
    """Let two nodes decide mails about the same tickets in opposite order, with one budget for all."""
    other = Store(store.url)
    limits = replace(LIMITS, per_team={"frontline": rp(250_000)})
    nodes = [Desk(each, teams=ALL_TEAMS, authority=limits) for each in (store, other)]
    nodes[1].intake = Intake(nodes[1].deps, "n2")
    nodes[1]._kept = 100
    numbers = [(await nodes[0].receive(sender=f"p{each}@pelanggan.example")).number for each in range(4)]

    async def work(node: Desk, order: list[str], agent: str) -> None:
        for number in order:
            await node.keep(
                sender=agent,
                peer=AGENTS_NETWORK,
                Subject=f"Re: Barang [{number}]",
                body="#kompensasi 90rb barang rusak",
            )
        await node.work()

    async with asyncio.timeout(30):
        await asyncio.gather(
            work(nodes[0], numbers, RINA.address), work(nodes[1], numbers[::-1], BAYU.address)
        )
        for node in nodes:
            await node.work()
    other.close()

    found = [each.entry for each in store.read_now(compensations.entries)]
    assert sum(each.kind is Kind.ASKED for each in found) == 8
    granted = sum(int(each.amount.amount) for each in found if each.kind is Kind.GRANTED)
    assert granted == 180_000
    assert store.read_now(compensations.first_fault) is None


# --- by one tap -------------------------------------------------------------------------------------------


async def test_two_persons_approve_by_one_tap_each(desk: Desk) -> None:
    number = (await desk.receive()).number
    await wrote(desk, RINA.address, number, "#kompensasi 2 juta barang hilang")
    for row in desk.outbox_rows("compensation_wanted"):
        (approve, *_) = links(desk, row).values()
        await tap(desk, approve, sender=row.recipient, body="Baik.")
        await tap(desk, approve, sender=row.recipient, Message_ID=f"<again{row.id}@x.example>")

    assert [kind for kind, *_ in lines(desk)] == ["asked", "approved", "approved", "granted"]
    assert to_customer(desk) == []


async def test_a_link_of_an_approver_is_of_no_use_to_who_asked(desk: Desk) -> None:
    number = (await desk.receive()).number
    await wrote(desk, RINA.address, number, "#kompensasi 2 juta barang hilang")
    for row in desk.outbox_rows("compensation_wanted"):
        for link in links(desk, row).values():
            await tap(desk, link, sender=RINA.address, body="ok")

    assert [kind for kind, *_ in lines(desk)] == ["asked"]
    assert to_customer(desk) == []


async def test_a_question_is_decided_by_a_tap_on_an_option(desk: Desk) -> None:
    await desk.receive()
    desk.clock += timedelta(minutes=31)
    await Deadlines(desk.deps).run_once()
    (question,) = desk.outbox_rows("question")
    found = links(desk, question)
    assert list(found) == ["bekukan", "tunggu dulu"]
    await tap(desk, found["tunggu dulu"], sender=question.recipient)

    made = desk.one(select(events).where(events.c.kind == "decision_made"))
    assert made.data["option"] == "tunggu dulu"
    await tap(desk, found["bekukan"], sender=question.recipient)
    assert len(desk.all(select(events).where(events.c.kind == "decision_made"))) == 1
    assert to_customer(desk) == []
