"""Drafts, who else is there, macros, several tickets at once, and forms in the middle of a crash."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.console.desk import Desk
from mailbot.errors import CommitUnknown, StoreUnavailable
from mailbot.store.console.presence import GONE
from mailbot.store.schema import outbox
from tests.builders import BAYU, RINA
from tests.console.acting_forms import form_fields
from tests.console.office import Office, Visitor

ANSWER = "Barang Anda sudah kami kirim ulang pagi ini."
HTMX = {"HX-Request": "true"}


@pytest.fixture
async def rina(office: Office) -> AsyncIterator[Visitor]:
    async with office.visitor(RINA.address) as visitor:
        yield visitor


def sent(office: Office) -> list[Any]:
    return office.intake.all(select(outbox).where(outbox.c.kind == "answer"))


# --- drafts and presence ----------------------------------------------------------------------------------


async def test_what_is_typed_survives_until_it_is_sent(office: Office, rina: Visitor) -> None:
    number = (await office.receive(Subject="Barang")).number
    path = f"/tickets/{number}"
    saved = await rina.post(f"{path}/draft", {"verb": "answer", "text": ANSWER}, headers=HTMX)
    assert "Draf tersimpan" in saved.text
    await rina.post(f"{path}/draft", {"verb": "note", "text": "tanya gudang"}, headers=HTMX)
    async with office.visitor(RINA.address) as later:  # a crash of the browser, and a new log-in
        page = (await later.get(path)).text
        assert ANSWER in page
        assert "tanya gudang</textarea>" in page
        listed = (await later.get("/tickets/drafts")).text
        assert (listed.count(path), "Barang" in listed) == (2, True)
        fields = form_fields(page, 'value="note"')
        await later.post(f"{path}/act", fields | {"text": "tanya gudang"})
        page = (await later.get(path)).text
        assert ANSWER in page
        assert "tanya gudang</textarea>" not in page
    async with office.visitor(BAYU.address) as bayu:
        assert ANSWER not in (await bayu.get(path)).text
        assert "Tidak ada yang belum terkirim" in (await bayu.get("/tickets/drafts")).text


async def test_colleagues_see_who_writes_and_who_left(office: Office, rina: Visitor) -> None:
    path = f"/tickets/{(await office.receive()).number}"
    async with office.visitor(BAYU.address) as bayu:
        await bayu.post(f"{path}/presence")
        assert "Bayu juga membuka tiket ini" in (await rina.post(f"{path}/presence")).text
        await bayu.post(f"{path}/draft", {"verb": "answer", "text": "Kami"}, headers=HTMX)
        assert "Bayu sedang menulis" in (await rina.get(path)).text
        assert "Rina juga membuka" in (await bayu.get(path)).text
    office.intake.clock += GONE
    assert "Bayu juga" not in (await rina.get(path)).text


@pytest.mark.parametrize(
    ("words", "shown"),
    [("besok 10.00", "Terbaca: Selasa, 24 November, pukul 10.00 UTC"), ("kapan-kapan", "kapan-kapan")],
)
async def test_a_moment_is_shown_as_it_was_read(
    office: Office, rina: Visitor, words: str, shown: str
) -> None:
    number = (await office.receive()).number
    answer = await rina.get(f"/tickets/{number}/moment", params={"words": words})
    assert shown in answer.text


# --- macros -----------------------------------------------------------------------------------------------


async def test_a_macro_is_shown_in_the_customers_language_and_put_into_the_text(
    office: Office, rina: Visitor
) -> None:
    number = (await office.receive()).number
    form = form_fields((await rina.get(f"/tickets/{number}")).text, 'value="answer"')
    path = f"/tickets/{number}/macro"
    asked = {**form, "text": "Halo,", "macro": "refund-sent", "do": "preview"}
    shown = await rina.post(path, asked)
    assert "argument." in shown.text
    assert "Isi dulu yang masih kosong" in shown.text
    names = [part.split('"')[0] for part in shown.text.split('name="argument.')[1:]]
    values = {f"argument.{name}": f"nilai-{name}" for name in names}
    preview = await rina.post(path, asked | values, headers=HTMX)
    assert all(value in preview.text for value in values.values())
    assert preview.text.lstrip().startswith("<div")

    put = await rina.post(path, asked | values | {"do": "insert"}, headers=HTMX)
    area = put.text.split("<textarea")[1].split("</textarea>")[0]
    assert "Halo," in area
    assert all(value in area for value in values.values())
    assert "nilai-" in (await rina.get(f"/tickets/{number}")).text, "kept as a draft"


async def test_an_unknown_macro_names_those_near_it(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    answer = await rina.post(
        f"/tickets/{number}/macro", {"macro": "refnd-sent", "do": "insert", "text": "Halo"}
    )
    assert "refund-sent" in answer.text
    assert "Halo" in answer.text


async def test_a_time_that_a_macro_names_becomes_a_promise_while_it_stands_there(
    office: Office, rina: Visitor
) -> None:
    number = (await office.receive()).number
    form = form_fields((await rina.get(f"/tickets/{number}")).text, 'value="answer"')
    put = await rina.post(f"/tickets/{number}/macro", {**form, "macro": "checking", "do": "insert"})
    area = put.text.split("<textarea")[1].split("</textarea>")[0].split(">", 1)[1]
    hidden = form_fields(put.text, 'value="answer"')
    assert hidden["promised"]
    without = {**hidden, "text": "Kami cek dulu."}
    await rina.post(f"/tickets/{number}/act", without)
    assert office.ticket(number).informed_until is None
    await rina.post(f"/tickets/{number}/act", hidden | {"text": area})
    assert office.ticket(number).informed_until is not None
    assert len(sent(office)) == 2


# --- several tickets --------------------------------------------------------------------------------------


async def test_each_of_several_tickets_is_done_or_refused_by_itself(office: Office, rina: Visitor) -> None:
    numbers = [
        (await office.receive(Subject=f"Barang {n}", sender=f"b{n}@x.example")).number for n in range(3)
    ]
    foreign = (await office.receive(Subject="Saldo terpotong")).number
    await rina.post(f"/tickets/{numbers[0]}/act", {"verb": "close", "words": "selesai", "once": "k"})
    chosen = [*numbers, foreign, "TOKO-00000000-0"]
    asked = await rina.post("/tickets/bulk", {"number": chosen})
    assert "3 tiket sekaligus" in asked.text
    assert foreign not in asked.text
    fields = {**form_fields(asked.text, 'value="wait"'), "number": chosen, "words": ["pelanggan", ""]}
    result = (await rina.post("/tickets/bulk", fields)).text
    assert "2 dari 5 tiket" in result
    assert result.count("tidak ada tiket ini") == 2
    assert result.count(">Sudah<") == 2
    again = (await rina.post("/tickets/bulk", fields)).text
    assert again.count("Sudah sebelumnya") == 2
    assert office.ticket(foreign).turn == "ours"


async def test_one_ticket_of_a_list_leads_to_its_page(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    fields = {"number": number, "verb": "escalate", "words": "L2", "once": "k"}
    answer = await rina.post("/tickets/bulk", fields)
    assert answer.headers["location"].startswith(f"/tickets/{number}?done=")
    again = await rina.post("/tickets/bulk", fields)
    assert "again=1" in again.headers["location"]
    refused = await rina.post("/tickets/bulk", fields | {"words": "L1", "once": "l"})
    assert refused.status_code == 422


async def test_more_than_a_hundred_tickets_are_not_touched(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    many = [number, *(f"TOKO-{n:08}-0" for n in range(100))]
    answer = await rina.post("/tickets/bulk", {"number": many, "verb": "take", "once": "k"})
    assert answer.status_code == 422
    assert "Paling banyak 100" in answer.text


# --- crashes ----------------------------------------------------------------------------------------------


class CrashingStore:
    """The store, whose next decision is committed or not, and then gives no answer."""

    def __init__(self, office: Office, error: Exception, *, committed: bool) -> None:
        self._store, self._error, self._committed = office.store, error, committed
        self.crashes = 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def write(self, operation: Any, item: Any, **options: Any) -> Any:
        if operation.__name__ != "op" or not self.crashes:
            return await self._store.write(operation, item, **options)
        self.crashes -= 1
        if self._committed:
            await self._store.write(operation, item, **options)
        raise self._error


def crash(office: Office, error: Exception, *, committed: bool) -> None:
    desk: Desk = office.desk
    store: Any = CrashingStore(office, error, committed=committed)
    office.app.state.desk = replace(desk, deps=replace(desk.deps, store=store))


@pytest.mark.parametrize("committed", [True, False])
async def test_after_a_crash_in_the_middle_the_same_form_never_acts_twice(
    office: Office, rina: Visitor, *, committed: bool
) -> None:
    number = (await office.receive()).number
    form = form_fields((await rina.get(f"/tickets/{number}")).text, 'value="answer"')
    crash(office, CommitUnknown("the connection was lost"), committed=committed)
    doubt = await rina.post(f"/tickets/{number}/act", {**form, "text": ANSWER})
    assert doubt.status_code == 503
    assert "Mungkin sudah dilakukan" in doubt.text
    assert ANSWER in doubt.text

    # Even when the text was changed meanwhile: nobody knows whether the first left.
    again = form_fields(doubt.text, 'value="answer"')
    answer = await rina.post(f"/tickets/{number}/act", {**again, "text": ANSWER + " Maaf."})
    page = (await rina.get(answer.headers["location"])).text
    assert ("tidak dua kali" in page) is committed
    assert len(sent(office)) == 1


async def test_without_a_database_nothing_is_lost(office: Office, rina: Visitor) -> None:
    number = (await office.receive()).number
    form = form_fields((await rina.get(f"/tickets/{number}")).text, 'value="answer"')
    crash(office, StoreUnavailable("the connection was lost"), committed=False)
    answer = await rina.post(f"/tickets/{number}/act", {**form, "text": ANSWER})
    assert (answer.status_code, ANSWER in answer.text) == (503, True)
    assert "Tidak ada yang berubah" in answer.text
    assert sent(office) == []
