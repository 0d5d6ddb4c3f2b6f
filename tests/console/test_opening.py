"""The page for a new ticket: it opens one, keeps what was typed, and acts once."""

from sqlalchemy import select

from mailbot.store.schema import tickets
from tests.builders import RINA
from tests.console.office import Office

TYPED = {
    "customer": "Siti@Pelanggan.example",
    "name": "Siti",
    "said": "Saldo saya hilang.",
    "once": "k1",
    "take": "on",
}


async def test_an_agent_opens_a_ticket_for_a_customer_who_called(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        shown = await rina.get("/tickets/new?customer=siti@pelanggan.example")
        assert 'value="siti@pelanggan.example"' in shown.text
        first = await rina.post("/tickets/new", TYPED)
        again = await rina.post("/tickets/new", TYPED)
    (row,) = office.intake.all(select(tickets))
    assert first.headers["location"] == again.headers["location"] == f"/tickets/{row.number}"
    assert (row.customer, row.subject, row.assignee) == (
        "siti@pelanggan.example",
        "Saldo saya hilang.",
        RINA.address,
    )


async def test_a_refused_form_comes_back_with_its_text(office: Office) -> None:
    async with office.visitor(RINA.address) as rina:
        answer = await rina.post("/tickets/new", {**TYPED, "customer": RINA.address, "said": "<b>halo"})
    assert answer.status_code == 422
    assert "&lt;b&gt;halo" in answer.text
    assert "alamat kita sendiri" in answer.text
    assert office.intake.all(select(tickets)) == []
