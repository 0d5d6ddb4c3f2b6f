"""WhatsApp's calls at the pages' address: who is let in, how much, and when they get their 2xx."""

from dataclasses import replace

from sqlalchemy import select

from mailbot.channels.whatsapp.channel import build
from mailbot.config.model import Whatsapp
from mailbot.console.app import build as build_app
from mailbot.store.schema import channel_events
from mailbot.store.store import Store
from tests.builders import BOX
from tests.console.office import Office
from tests.fakes.whatsapp import APP_SECRET, NUMBER, TOKEN, VERIFY, FakeWhatsapp, signed

ADDRESS = "/channels/whatsapp"


def office_of(store: Store) -> Office:
    office = Office(store)
    settings = Whatsapp(BOX.address, NUMBER, token=TOKEN, app_secret=APP_SECRET, verify_token=VERIFY)
    office.desk = replace(office.desk, channels={"whatsapp": build(settings)})
    office.app = build_app(office.desk)
    return office


async def test_a_signed_call_is_kept_before_its_reply_and_others_leave_nothing(store: Store) -> None:
    office, fake = office_of(store), FakeWhatsapp()
    body = fake.body(fake.message("Halo"))
    large = b" " * 10_000_000
    async with office.visitor() as whatsapp:
        assert (await whatsapp.post(ADDRESS, content=large, headers=signed(large))).status_code == 413
        assert (
            await whatsapp.post(ADDRESS, content=body, headers=signed(body, "a guess"))
        ).status_code == 401
        assert office.intake.all(select(channel_events)) == []
        assert (await whatsapp.post(ADDRESS, content=body, headers=signed(body))).status_code == 200
    assert [each.external_id for each in office.intake.all(select(channel_events))] == ["wamid.in1"]


async def test_metas_question_is_answered_in_plain_text(store: Store) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": VERIFY, "hub.challenge": "<b>1</b>"}
    async with office_of(store).visitor() as whatsapp:
        right = await whatsapp.get(ADDRESS, params=query)
        wrong = await whatsapp.get(ADDRESS, params=query | {"hub.verify_token": "guess"})

    assert (right.status_code, right.text) == (200, "<b>1</b>")
    assert right.headers["content-type"].startswith("text/plain")
    assert (wrong.status_code, "<b>" in wrong.text) == (403, False)
