"""A mail that names a macro, from the raw mail to the answer that leaves."""

from typing import Any

import pytest

from mailbot.domain.events import NewsPromised
from mailbot.domain.model import Turn
from mailbot.store.store import Store
from mailbot.store.tickets import events_of
from tests.builders import RINA
from tests.workers.test_command_mails import command, text_of
from tests.workers.test_intake import BUDI, Desk

BODY = "Pesanan saya belum sampai, mohon dibantu ya kak."
UTF_8 = {"Content_Type": "text/plain; charset=utf-8"}


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def answered(desk: Desk, body: str) -> list[str]:
    number = (await desk.receive(body=BODY)).number
    await command(desk, number, body, **UTF_8)
    return [text_of(desk, row).replace("\r\n", "\n") for row in desk.outbox_rows("answer")]


@pytest.mark.parametrize(
    "line",
    [
        '#makro refund-sent amount="Rp 250.000" to=BCA',
        "#makro refund-sent amount=\u201cRp 250.000\u201d to=\u201cBCA\u201d",
        "#Macro: Refund-Sent amount=Rp 250.000 to=BCA",
        "# makro refund-sent to=BCA amount=Rp 250.000",
    ],
)
async def test_a_macro_is_the_answer_with_the_agents_words_below(desk: Desk, line: str) -> None:
    (answer,) = await answered(desk, f"{line}\n\nSalam, Rina")
    assert answer.startswith("Halo,\n\nDana Rp 250.000 sudah kami kembalikan ke BCA.")
    assert 0 < answer.index("periksa lagi.") < answer.index("Salam, Rina")
    assert "#" not in answer
    (receipt,) = desk.outbox_rows("receipt")
    assert "Dana Rp 250.000 sudah kami kembalikan ke BCA." in text_of(desk, receipt)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("#makro refund-sent", 'amount="..."'),
        ("#makro refund-sent amount=", 'amount="..."'),
        ("#makro refund-snt amount=1", "refund-sent"),
        ("#makro refund-sent sum=1", "amount, to, order_number"),
        ("#makro", "checking, need-details, solved"),
        ("#makro refund-sent Rp 250.000", 'amount="Rp 50.000"'),
        ('#makro refund-sent amount="Rp', 'amount="Rp 50.000"'),
        ("#makro refund-sent amount=1\n#makro nobody", "nobody"),
        ("#catatan\n#makro thank-you", ""),
    ],
)
async def test_a_macro_that_cannot_be_used_sends_nothing(desk: Desk, lines: str, reason: str) -> None:
    assert await answered(desk, f"{lines}\n\nSalam, Rina") == []
    (receipt,) = desk.outbox_rows("receipt")
    assert (receipt.recipient, reason in text_of(desk, receipt)) == (RINA.address, True)
    assert all(row.recipient != BUDI or row.kind == "acknowledgement" for row in _all(desk))


def _all(desk: Desk) -> list[Any]:
    return [
        row for kind in ("answer", "progress", "closing", "acknowledgement") for row in desk.outbox_rows(kind)
    ]


async def test_a_macro_that_names_a_time_promises_it_and_the_customer_hears_it_once(desk: Desk) -> None:
    (answer,) = await answered(desk, "#makro checking")
    ticket = desk.ticket_of(2)
    recorded = [each.event for each in desk.store.read_now(events_of, ticket.number)]
    (promised,) = [event for event in recorded if isinstance(event, NewsPromised)]
    assert "Kami kabari paling lambat" in answer
    assert (ticket.informed_until, ticket.turn) == (promised.until, Turn.OURS)
    assert desk.outbox_rows("progress") == []


async def test_the_time_of_the_same_mail_goes_before_the_running_promise(desk: Desk) -> None:
    (answer,) = await answered(desk, "#makro checking\n#proses sampai 30 menit")
    assert "Senin, 23 November, pukul 03.30 UTC" in answer
    assert desk.outbox_rows("progress") == []
