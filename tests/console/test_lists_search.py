"""The search: what is found and shown, for whom, and what no search gives away."""

from datetime import timedelta

import pytest

from mailbot.console.lists.search import as_typed, marked
from mailbot.store.search import index
from mailbot.workers.search_index import SearchIndex
from tests.builders import DEWI, RINA, SARI
from tests.console.office import Office
from tests.console.test_lists_pages import PAYMENT, listed, numbers


async def fill_index(office: Office) -> None:
    worker = SearchIndex(office.desk.deps)
    while office.store.read_now(index.waiting):
        await worker.run_once()


@pytest.mark.parametrize("is_indexed", [False, True])
async def test_a_search_finds_words_customers_and_files_with_the_words_marked(
    office: Office, *, is_indexed: bool
) -> None:
    ticket = await office.receive(sender="Siti <siti@pelanggan.example>", body="Kapan barang <b>dikirim</b>?")
    office.intake.clock += timedelta(minutes=1)
    await office.receive(sender="dian@pelanggan.example", Subject="Voucher")
    if is_indexed:
        await fill_index(office)
    async with office.visitor(RINA.address) as rina:
        for words in ("kirim", "mengirimkan", "barang kir", "siti@pelanggan.example", "customer:siti"):
            assert await listed(rina, "/search", q=words) == [ticket.number], words
        html = (await rina.get("/search?q=kirim")).text
        assert "&lt;b&gt;<mark>dikirim</mark>&lt;/b&gt;" in html
        assert "1 tiket ditemukan" in html
        assert "Tidak ada tiket yang memuat ini" in (await rina.get("/search?q=unta")).text


async def test_a_number_that_is_written_whole_opens_its_ticket_in_any_spelling(office: Office) -> None:
    ticket = await office.receive()
    prefix, digits, check = ticket.number.split("-")
    async with office.visitor(RINA.address) as rina:
        for written in (
            ticket.number,
            f"{prefix.lower()} {digits} {check}",
            f"{digits}-{check}",
            digits + check,
        ):
            answer = await rina.get("/search", params={"q": written})
            assert (answer.status_code, answer.headers["location"]) == (303, f"/tickets/{ticket.number}")
            typed = await rina.get("/search", params={"q": written}, headers={"HX-Request": "true"})
            assert numbers(typed.text) == [ticket.number]


async def test_a_search_gives_nothing_of_other_teams_away(office: Office) -> None:
    ticket = await office.receive(**PAYMENT, body="Rahasia sekali.")
    await fill_index(office)
    async with office.visitor(RINA.address) as rina:
        for words in ("rahasia", ticket.number, "team:payments", "is:open", "rahasia OR saldo"):
            there = (await rina.get("/search", params={"q": words})).text
            assert numbers(there) == []
            assert "Tidak ada tiket yang memuat ini" in there
    for address in (DEWI.address, SARI.address):
        async with office.visitor(address) as visitor:
            assert await listed(visitor, "/search", q="rahasia") == [ticket.number]


async def test_pages_of_a_search_are_full_and_lead_on(office: Office) -> None:
    for n in range(45):
        payment = PAYMENT if n % 2 else {}
        office.intake.clock += timedelta(minutes=20)
        await office.receive(sender=f"siti{n}@pelanggan.example", body=f"barang {n}", **payment)
    await fill_index(office)
    async with office.visitor(RINA.address) as rina:
        first, second = (
            await listed(rina, "/search", q="barang", page=1),
            await listed(rina, "/search", q="barang", page=2),
        )
        assert (len(first), len(second), len({*first, *second})) == (20, 3, 23)
        html = (await rina.get("/search?q=barang")).text
    assert "23 tiket ditemukan; nomor 1 sampai 20" in html
    assert "q=barang&amp;sort=best&amp;page=2" in html


async def test_a_search_that_cannot_be_read_says_why_and_an_empty_one_shows_examples(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        assert "did you mean team" in (await rina.get("/search?q=teem:refund")).text
        assert "Semua kata harus ada" in (await rina.get("/search")).text


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("kir", "kir OR kir*"),
        ("barang kir", "barang kir OR kir*"),
        ("ki", "ki"),
        ("kirim OR", "kirim OR"),
        ('"barang rus', '"barang rus'),
        ("-refund", "-refund"),
        ("team:refund", "team:refund"),
        ("INV2026", "INV2026"),
    ],
)
def test_only_a_plain_word_at_the_end_may_be_half_typed(written: str, asked: str) -> None:
    assert as_typed(written) == asked


def test_marks_in_a_customers_text_break_no_markup() -> None:
    assert marked("a » b « c «d» <i>") == "a » b « c <mark>d</mark> &lt;i&gt;"
