"""Drafts and presence on both engines."""

from datetime import timedelta

import pytest

from mailbot.store.console import drafts, presence
from mailbot.store.console.drafts import Draft
from mailbot.store.console.presence import GONE, Present, Seen
from mailbot.store.store import Store
from tests.builders import BAYU, DEWI, NOW, RINA
from tests.workers.test_intake import Desk

HALF = "Sedang kami cek, "


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def test_an_answer_and_a_note_are_begun_side_by_side(desk: Desk) -> None:
    number = (await desk.receive(Subject="Barang")).number
    for note, text in ((False, HALF), (True, "Tanya bank"), (False, HALF + "sebentar.")):
        desk.store.write_now(drafts.save, Draft(number, RINA.address, note, text, NOW))

    found = desk.store.read_now(drafts.on_ticket, number, RINA.address)
    assert {note: draft.text for note, draft in found.items()} == {
        False: HALF + "sebentar.",
        True: "Tanya bank",
    }
    assert desk.store.read_now(drafts.on_ticket, number, BAYU.address) == {}
    listed = desk.store.read_now(drafts.of_agent, RINA.address)
    assert [(each.ticket, each.subject, each.note) for each in listed] == [
        (number, "Barang", False),
        (number, "Barang", True),
    ]


async def test_an_emptied_draft_is_gone(desk: Desk) -> None:
    number = (await desk.receive()).number
    desk.store.write_now(drafts.save, Draft(number, RINA.address, note=False, text=HALF, at=NOW))
    assert desk.store.read_now(drafts.of_agent, RINA.address)
    desk.store.write_now(drafts.save, Draft(number, RINA.address, note=False, text=" \n", at=NOW))
    assert not desk.store.read_now(drafts.of_agent, RINA.address)
    writing = desk.store.read_now(presence.others, number, BAYU.address, NOW)
    assert writing == [Present(RINA.address, writes=True)]


async def test_who_reports_is_there_until_three_reports_are_missing(desk: Desk) -> None:
    number = (await desk.receive()).number

    def others(later: timedelta) -> list[Present]:
        return desk.store.read_now(presence.others, number, RINA.address, NOW + later)

    desk.store.write_now(presence.report, Seen(number, RINA.address, NOW))
    desk.store.write_now(presence.report, Seen(number, BAYU.address, NOW, wrote=True))
    desk.store.write_now(presence.report, Seen(number, DEWI.address, NOW))
    assert others(timedelta()) == [Present(BAYU.address, writes=True), Present(DEWI.address, writes=False)]

    desk.store.write_now(presence.report, Seen(number, BAYU.address, NOW + GONE - timedelta(seconds=1)))
    assert others(GONE) == [Present(BAYU.address, writes=False)]
    assert others(2 * GONE) == []
