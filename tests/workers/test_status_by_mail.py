"""A customer asks by mail how far we are: answered at once by a machine, and nothing else changes."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain.policy import AnswerLimits, Rate
from mailbot.store.schema import deadlines, events, messages, tickets
from mailbot.store.store import Store
from mailbot.workers.runtime import Trust
from tests.builders import BOX, RINA, policy
from tests.mail.agent_programs import LANGUAGES, PROGRAMS, Notice, reply
from tests.workers.test_intake import BUDI, Desk

LIMITS = AnswerLimits(status=(Rate(3, timedelta(minutes=10)),))
PROVEN = {"Authentication_Results": "mx.example; dmarc=pass header.from=pelanggan.example"}
HELPERS = {"id": "tim bantuan", "en": "our help desk"}
TEAMS = {**policy().teams, "frontline": replace(policy().teams["frontline"], public=HELPERS)}


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, trust=Trust(authserv_ids=("mx.example",)), answers=LIMITS, teams=TEAMS)


def state(desk: Desk, number: str) -> tuple[Any, ...]:
    """Return all that a question must leave as it is: the ticket but for its count of events, and its deadline."""
    row = desk.one(select(tickets).where(tickets.c.number == number))._asdict()
    due = desk.all(select(deadlines).where(deadlines.c.ticket == number))
    return (
        {name: value for name, value in row.items() if name != "events"},
        due,
        len(desk.outbox_rows("team")),
    )


def kinds(desk: Desk, number: str) -> list[str]:
    query = select(events.c.kind).where(events.c.ticket == number).order_by(events.c.seq)
    return [row.kind for row in desk.all(query)]


def answers(desk: Desk) -> list[Any]:
    return [desk.content(row) for row in desk.outbox_rows("status")]


@pytest.mark.parametrize(
    "ask",
    [
        {"Subject": "Status {number}", "body": ""},
        {"Subject": "", "body": "gmn status tiket sy {number}"},
        {"Subject": "tanya", "In_Reply_To": "<1@x.example>", "body": "udah sampe mana ya kak? makasih"},
    ],
)
async def test_a_question_is_answered_and_changes_nothing(desk: Desk, ask: dict[str, str]) -> None:
    first = await desk.receive()
    before = state(desk, first.number)
    asked = await desk.receive(**{name: value.format(number=first.number) for name, value in ask.items()})

    assert asked.number == first.number
    (answer,) = answers(desk)
    assert answer["To"] == BUDI
    assert answer["In-Reply-To"] == "<2@x.example>"
    assert answer["Auto-Submitted"] == "auto-replied"
    text = answer.get_body(("plain",)).get_content()
    assert "Ditangani oleh: tim bantuan" in text
    assert "Diterima: Senin, 23 November" in text
    assert "Kabar berikutnya paling lambat: Senin, 23 November" in text
    assert state(desk, first.number) == before
    assert kinds(desk, first.number)[-1] == "status_asked"
    assert desk.all(select(messages.c.direction).where(messages.c.ticket == first.number)) == [
        ("in",),
        ("in",),
    ]
    assert len(desk.outbox_rows("acknowledgement")) == 1


@pytest.mark.parametrize(
    ("program", "language"), [*zip(sorted(PROGRAMS), LANGUAGES, strict=True), ("gmail", "id")]
)
async def test_the_question_is_found_above_what_any_program_quotes(
    desk: Desk, program: str, language: str
) -> None:
    first = await desk.receive(Subject="Barang hilang")
    (row,) = desk.outbox_rows("acknowledgement")
    mail = desk.content(row)
    plain, page = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    quoted = Notice(mail["Subject"], plain, page, BOX.address, mail["Message-ID"])
    raw = message_from_bytes(reply(quoted, program, language, "STATUS", True, 1).raw)
    head = {
        name.replace("-", "_"): " ".join(str(value).split())
        for name, value in raw.items()
        if name not in ("From", "To")
    }
    _, _, body = raw.as_bytes().partition(b"\n\n")
    asked = await desk.receive(**head, body=body.decode().replace("\n", "\r\n"))

    assert asked.number == first.number
    assert len(answers(desk)) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"body": "STATUS? Uang saya belum kembali."},
        {"body": "STATUS", "Subject": "Akun saya dibajak {number}"},
        {"body": "status dan TOKO-51157299-3"},
        {"body": "STATUS", "Precedence": "bulk", "List_Id": "<x.example>"},
        {"body": "STATUS", "return_path": "lain@penipu.example"},
    ],
)
async def test_what_is_more_than_the_question_reaches_the_team(desk: Desk, more: dict[str, str]) -> None:
    first = await desk.receive()
    mail = {"Subject": "Re: [{number}]", **more}
    again = await desk.receive(**{name: value.format(number=first.number) for name, value in mail.items()})

    assert again.number == first.number
    assert answers(desk) == []
    assert desk.outbox_rows("team")[-1].why == "customer_wrote"


async def test_over_the_limit_a_person_reads_the_question(desk: Desk) -> None:
    first = await desk.receive()
    for _ in range(5):
        await desk.receive(Subject=f"Re: [{first.number}]", body="STATUS")

    assert len(answers(desk)) == 3
    assert [row.why for row in desk.outbox_rows("team")][-2:] == ["customer_wrote"] * 2


async def test_a_stranger_gets_what_every_stranger_gets(desk: Desk) -> None:
    first = await desk.receive()
    for number in (
        first.number,
        "TOKO-11111111-1",
        first.number[:-1] + str((int(first.number[-1]) + 1) % 10),
    ):
        await desk.receive(sender=f"lain{number}@orang.example".lower(), Subject=number, body="STATUS")

    assert answers(desk) == []
    known, unknown, mistyped = (desk.content(row) for row in desk.outbox_rows("acknowledgement")[1:])
    texts = [
        mail.get_body(("plain",)).get_content().replace(mail["Subject"].split("[")[1][:15], "N")
        for mail in (known, unknown, mistyped)
    ]
    assert texts[0] == texts[1] == texts[2]


async def test_another_spelling_of_the_same_person_is_answered_at_the_address_that_takes_part(
    desk: Desk,
) -> None:
    first = await desk.receive(sender="budi.santoso@gmail.com")
    await desk.receive(sender="budisantoso+x@gmail.com", Subject=f"[{first.number}]", body="status")
    assert [mail["To"] for mail in answers(desk)] == ["budi.santoso@gmail.com"]


async def test_the_answer_about_a_closed_ticket_reopens_nothing(desk: Desk) -> None:
    first = await desk.receive()
    number = first.number
    desk.store.write_now(
        lambda c, _: [c.execute(tickets.update().values(status="closed", closed_at=desk.clock))], None
    )
    before, _, notified = state(desk, number)
    await desk.receive(Subject=f"Re: [{number}]", body="any update?")

    (answer,) = answers(desk)
    text = answer.get_body(("plain",)).get_content()
    assert "Your report was closed on Monday 23 November" in text
    assert "before Monday 7 December" in text
    assert state(desk, number) == (before, [], notified)


async def test_nothing_internal_stands_in_the_answer(desk: Desk) -> None:
    first = await desk.receive()
    await desk.receive(Subject=f"Re: [{first.number}]", body="STATUS")
    raw = answers(desk)[0].as_string()
    for internal in (RINA.name, RINA.address, "L1", "frontline", "everything else", "standard"):
        assert internal not in raw


@pytest.mark.parametrize(
    ("count", "proven", "is_answered"), [(1, True, True), (2, True, False), (1, False, False)]
)
async def test_a_proven_customer_with_one_open_ticket_need_not_name_it(
    desk: Desk, count: int, proven: bool, is_answered: bool
) -> None:
    opened = [await desk.receive(Subject=f"Barang {n}") for n in range(count)]
    asked = await desk.receive(Subject="STATUS", body="Sudah sampai mana ya?", **(PROVEN if proven else {}))

    assert len(answers(desk)) == is_answered
    assert (asked.number in [each.number for each in opened]) is is_answered
