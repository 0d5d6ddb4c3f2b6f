"""One day by mail alone: two agents, a manager, five customers in both languages, every verb, refusals, undo."""

import asyncio
import re
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

from mailbot.domain.commands.registry import BY_WORD, VERBS
from tests.scenarios.day import AYU, EKO, PUTU, STAFF, UNDO, Day, Read, desk, next_minute
from tests.scenarios.harness import eventually, settled
from tests.sink import SinkSmtp

SITI, BUDI, DEWI = "siti@surel.example", "budi@pos.example", "dewi@kotak.example"
ROBOT = "away@mesin.example"
JOHN, MARY, BOSS = "john@post.example", "mary@letters.example", "boss@letters.example"
NOTE = "pelanggan ini sering mengeluh"
# What colleagues wrote to each other, and words of ours that no customer may read.
INTERNAL = (
    *STAFF,
    NOTE,
    "catatan",
    "nominalnya besar",
    "bukti kurang",
    "tanya bank",
    "charged by mistake",
    "L1",
    "L2",
)
INTERNAL += (
    "management",
    "#",
    "mailbot",
    "Bekukan",
    "kurir tidak",
    "needs a call",
    "frontline",
    "salah tulis",
)


async def test_a_day_by_mail_alone(tmp_path: Path) -> None:
    async with SinkSmtp() as sink, desk(tmp_path, sink.port) as daemon:
        day = Day(daemon, sink)
        waiting = await a_parcel_waits_for_the_courier(day)
        await asyncio.gather(
            money_for_two_persons(day),
            a_decision_of_the_manager(day),
            a_ticket_that_changes_hands(day),
            mistakes_and_what_is_taken_back(day),
            what_machines_wrote(day),
        )
        await a_claim_that_is_rejected(day, waiting)
        await the_wait_ends(day, waiting)
        await settled(daemon)
        nothing_internal_reached_a_customer(day)
        nobody_got_a_mail_twice(day)
        every_verb_was_used(day)


async def a_parcel_waits_for_the_courier(day: Day) -> str:
    await day.customer(SITI, "Paket saya", "Halo, paket saya sudah seminggu di gudang kurir. Mohon dibantu.")
    await day.gets(SITI, "Kami balas paling lambat")
    number = day.number_of(SITI)
    await day.gets(AYU, number)
    help_mail = await day.acts(AYU, number, "#bantuan", "#tugaskan")
    assert "#setuju" not in help_mail
    words, _ = next_minute()
    await day.acts(
        AYU, number, f"#ambil\n#prioritas high\n#tag +kurir\n#tunggu pihak ketiga {words}", "pihak ketiga"
    )
    found = day.ticket(number)
    assert (found["turn"], found["priority"], found["assignee"]) == ("third_party", "high", AYU)

    before = {address: len(day.got(address)) for address in STAFF}
    ack = day.got(SITI)[0]
    await day.customer(SITI, "", "STATUS", answers=ack)
    await day.gets(SITI, number, after=1)
    assert {address: len(day.got(address)) for address in STAFF} == before
    return number


async def the_wait_ends(day: Day, number: str) -> None:
    before = len(day.got(AYU))
    await eventually(lambda: day.ticket(number)["turn"] == "ours", 70)
    await day.gets(AYU, number, after=before - 1)
    await day.acts(AYU, number, "#selesai slow-courier\nPaket Anda sudah tiba hari ini.", number)
    closing = await day.gets(SITI, "Paket Anda sudah tiba hari ini.")
    await day.customer(SITI, "", "5\nterima kasih", answers=closing)
    rated = "SELECT 1 FROM events WHERE ticket = ? AND kind LIKE 'survey_answered%' OR kind LIKE '%rated%'"
    await eventually(lambda: day.daemon.rows(rated, number))


async def money_for_two_persons(day: Day) -> None:
    await day.customer(JOHN, "Charged twice", "Hello, I was charged twice for one order. Please help me.")
    number = await told(day, JOHN)
    await day.gets(EKO, number)
    await day.acts(
        EKO, number, "#kompensasi Rp 2.000.000 charged by mistake", "ditolak"
    )  # a limit of two managers
    await day.acts(EKO, number, "#kompensasi Rp 90.000 charged by mistake", "90.000")
    wanted = await day.gets(PUTU, number, "90.000")

    await asyncio.sleep(1)
    await day.agent(wanted, "Silakan, tetapi ini rahasia: kurir tidak salah.")  # no verb: a note
    await day.gets(PUTU, number, "#setuju", "rekan kerja")
    await day.agent(wanted, "#setuju\nTetapi ini rahasia: kurir tidak salah.")
    await day.gets(EKO, number, "90.000", "disetujui")
    granted = day.daemon.rows("SELECT agent, second FROM compensations WHERE kind = 'granted'")
    assert [{row["agent"], row["second"]} for row in granted] == [{EKO, PUTU}]
    assert len(day.got(JOHN)) == 1

    await day.acts(EKO, number, '#makro double-payment amount="Rp 90.000"', number)
    await day.gets(JOHN, "we received two payments")
    await day.acts(EKO, number, "#close gateway-error", number)
    closing = await day.gets(JOHN, number, "How did we do?")
    before = len(day.got(PUTU))
    await day.customer(JOHN, "", "1\nIt took too long.", answers=closing)
    await day.gets(PUTU, number, "It took too long.", after=before)


async def a_decision_of_the_manager(day: Day) -> None:
    await day.customer(BUDI, "Tolong", "Akun saya dibajak orang, saldo saya habis. Mohon segera dibantu.")
    number = await told(day, BUDI)
    question = await day.gets(PUTU, number, "Bekukan akunnya?")
    await day.gets(EKO, number)
    await day.acts(EKO, number, "#putuskan bekukan", "Management")  # it is not for the level below
    await asyncio.sleep(1)
    await day.agent(question, "#putuskan bekukan\nSaya sudah tanya bank.")
    decided = "SELECT data FROM events WHERE ticket = ? AND kind = 'decision_made'"
    await eventually(lambda: day.daemon.rows(decided, number))
    await day.acts(EKO, number, "#naik management nominalnya besar", number)
    assert day.ticket(number)["level"] == "management"
    await day.gets(PUTU, number, "nominalnya besar")


async def a_ticket_that_changes_hands(day: Day) -> None:
    await day.customer(MARY, "My order", "Hello, could you please tell me how I can change my order?")
    number = await told(day, MARY)
    await day.gets(AYU, number)
    await day.acts(AYU, number, f"#peserta +{BOSS}\n#oper payments needs a call", number)
    await day.gets(EKO, number)
    assert day.ticket(number)["team"] == "payments"
    await day.acts(EKO, number, f"#assign {AYU.partition('@')[0]}", number)
    await day.gets(AYU, number, after=0)
    await eventually(lambda: day.ticket(number)["assignee"] == AYU)
    await day.acts(AYU, number, "#tunggu pelanggan\n#tunda besok 09.00\n\nWhich order do you mean?", number)
    for address in (MARY, BOSS):
        await day.gets(address, "Which order do you mean?")
    await eventually(lambda: day.ticket(number)["turn"] == "customer")
    await day.customer(MARY, "", "Order 17, thank you.", answers=day.got(MARY)[-1])
    await day.gets(AYU, "Order 17")
    assert day.ticket(number)["turn"] == "ours"
    await day.acts(AYU, number, f"#pelanggan {BOSS}\n#kategori payment\n#proses sampai besok 10.00", number)
    assert (day.ticket(number)["customer"], day.ticket(number)["category"]) == (BOSS, "payment")
    await day.acts(AYU, number, "#selesai gateway-error", number)
    await day.acts(AYU, number, "#penyebab slow-courier", number)
    await day.acts(AYU, number, "#buka salah tulis", number)
    assert day.ticket(number)["status"] != "closed"


async def mistakes_and_what_is_taken_back(day: Day) -> None:
    await day.customer(DEWI, "Tanya", "Halo, bagaimana cara mengubah alamat pengiriman di aplikasi?")
    number = await told(day, DEWI)
    notice = await day.gets(AYU, number)
    await day.acts(AYU, number, "#selesaii\n\nSudah beres.", "#selesai")
    await day.acts(AYU, number, f"#catatan {NOTE}", number)
    await day.agent(notice, "#selesai gateway-error\nPalsu.", proven=False)  # somebody else in Ayu's name
    await day.writes(AYU, number, "Alamat diubah di menu Akun.")
    await day.acts(AYU, number, "#batal", number)
    await asyncio.sleep(UNDO + 1)
    assert [read.subject for read in day.got(DEWI)][1:] == []
    await day.acts(AYU, number, "#kompensasi Rp 80.000 paket rusak", "80.000")
    wanted = await day.gets(PUTU, number, "80.000")
    await asyncio.sleep(1)
    await day.agent(wanted, "#tolak bukti kurang")
    await day.gets(AYU, number, "bukti kurang")
    await day.acts(AYU, number, "#ambil\n\nAlamat diubah di menu Profil.", number)
    await day.gets(DEWI, "menu Profil")


async def what_machines_wrote(day: Day) -> None:
    await day.machine(ROBOT, "Out of office", "I am out of the office until Monday.")
    (row,) = await eventually(lambda: day.daemon.rows("SELECT number FROM tickets WHERE status = 'filed'"))
    await day.names(AYU, row["number"], "#lepaskan")
    assert day.ticket(row["number"])["status"] != "filed"
    await day.gets(AYU, row["number"])
    assert day.got(ROBOT) == []


async def a_claim_that_is_rejected(day: Day, number: str) -> None:
    before = len(day.got(DEWI))
    await day.customer(DEWI, f"Tanya lagi [{number}]", "Halo, apakah paket tetangga saya sudah sampai?")
    await day.gets(DEWI, "TOKO-", after=before)
    held = (
        await eventually(lambda: day.daemon.rows("SELECT number FROM tickets WHERE held_for = ?", number))
    )[0]
    notice = await day.gets(AYU, held["number"])
    await asyncio.sleep(1)
    await day.taps(notice, "Tolak")
    assert not day.ticket(held["number"])["held_for"]
    assert not [read for read in day.got(DEWI) if number in read.subject]


def every_verb_was_used(day: Day) -> None:
    lines = [line.split()[0] for _, text in day.written for line in text.splitlines() if line.startswith("#")]
    used = {BY_WORD[word].name for line in lines if (word := line.strip("#:")) in BY_WORD}
    # An incident needs hundreds of complaints, a collision another setting; a tap rejected what could be accepted.
    elsewhere = {"link", "unlink", "via"}  # of identities: see test_one_matter
    assert {verb.name for verb in VERBS} - used == {"resolve", "detach", "accept", "send", *elsewhere}


async def told(day: Day, customer: str) -> str:
    """Return the number that a new customer is told."""
    await day.gets(customer, "TOKO-")
    return day.number_of(customer)


def all_mails(day: Day) -> list[Read]:
    return [
        Read(mail.recipients[0], message_from_bytes(mail.content, policy=policy.default))
        for mail in day.sink.taken
    ]


def nothing_internal_reached_a_customer(day: Day) -> None:
    outside = [read for read in all_mails(day) if read.to not in STAFF]
    assert {SITI, BUDI, DEWI, JOHN, MARY, BOSS} >= {read.to for read in outside}
    for read in outside:
        whole = read.mail.get_body(("html",)).get_content() if read.mail.get_body(("html",)) else ""
        shown = re.sub(r"<style.*?</style>|<[^>]*>|&#[0-9]+;", " ", whole, flags=re.DOTALL)
        for words in INTERNAL:
            assert words not in read.subject, (read.to, words)
            assert words not in read.text, (read.to, words, read.text)
            assert words not in shown, (read.to, words)
        assert not [name for name, value in read.mail.items() for each in STAFF if each in str(value)]


def nobody_got_a_mail_twice(day: Day) -> None:
    seen = Counter((read.to, read.subject, read.text) for read in all_mails(day))
    assert [key for key, count in seen.items() if count > 1] == []
