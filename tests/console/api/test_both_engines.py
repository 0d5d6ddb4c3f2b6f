"""The API on SQLite and on PostgreSQL: lists, search, figures, and a key that comes several times at once."""

import asyncio

from mailbot.domain.people.token_scope import ALL, READ
from mailbot.store.store import Store
from tests.builders import SARI
from tests.console.office import Office
from tests.console.program import make_token, program

FILTERS = "status=new&team=frontline&level=L1&category=general&tag=vip&turn=ours&unassigned=1&late=1&priority=normal"
KEY = {"Idempotency-Key": "one"}


async def test_reading_and_acting(store: Store) -> None:
    office = Office(store)
    first, second = (await office.receive()).number, (await office.receive(Subject="Lain")).number
    secret = make_token(store, office.intake.clock, SARI.address, READ, ALL)
    async with program(office.app, secret) as robot:
        assert len((await robot.get("/tickets")).json()) == 2
        assert (await robot.get(f"/tickets?{FILTERS}")).json() == []
        assert len((await robot.get("/search?q=pesanan")).json()) == 2
        assert (await robot.get("/figures?since=7d")).is_success
        assert (await robot.get("/me")).json()["token"]["id"] == 1
        sent = [robot.post(f"/tickets/{first}/note", {"text": "satu"}, headers=KEY) for _ in range(6)]
        elsewhere = [robot.post(f"/tickets/{second}/note", {"text": "satu"}, headers=KEY) for _ in range(2)]
        answers = await asyncio.gather(*sent, *elsewhere)
        by_status = sorted(each.status_code for each in answers)
        assert by_status in ([200] * 6 + [409] * 2, [200] * 2 + [409] * 6)
        notes = [
            each
            for number in (first, second)
            for each in (await robot.get(f"/tickets/{number}/messages")).json()
            if each["direction"] == "note"
        ]
    assert len(notes) == 1
