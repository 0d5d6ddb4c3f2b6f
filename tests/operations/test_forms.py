"""Acts of pages in the store, on both engines: once for a key, with files, after what came meanwhile."""

import threading
from typing import Any

import pytest
from sqlalchemy import select

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import Act
from mailbot.domain.commands.registry import Below
from mailbot.domain.reasons import Refusal
from mailbot.mail.parsing import attachments
from mailbot.operations.merge_split import MergeCommand, join
from mailbot.operations.ticket_commands import ON_A_PAGE, OUTCOME, TicketCommand, run_command
from mailbot.store import conversation, queries
from mailbot.store.console import drafts, forms, sent_files
from mailbot.store.console.drafts import Draft
from mailbot.store.schema import messages
from mailbot.store.store import Store
from tests.builders import BAYU, RINA
from tests.workers.test_intake import BUDI, Desk

BY = Actor.agent(RINA.address)
ANSWER = Act((), "Sudah dikirim ulang.")


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def act(desk: Desk, number: str, act: Act = ANSWER, **options: Any) -> Acted | Refusal | None:
    by = options.pop("by", BY)
    command = TicketCommand(number, act, by, desk.clock, source=ON_A_PAGE, **options)
    return run_command(desk.store, desk.runtime, command)


def code(found: Acted | Refusal | None) -> str:
    assert isinstance(found, Refusal), found
    return found.reason.code


async def test_a_form_acts_once_and_keeps_what_came_of_it(desk: Desk) -> None:
    number = (await desk.receive()).number
    assert isinstance(act(desk, number, once="k"), Acted)
    assert code(act(desk, number, once="k")) == "already_done"
    assert len(desk.outbox_rows("answer")) == 1

    done = desk.store.read_now(forms.find, "k", BY)
    assert done is not None
    assert OUTCOME.load_text(done.result).text == "Sudah dikirim ulang."
    assert desk.store.read_now(forms.find, "k", Actor.agent(BAYU.address)) is None


async def test_two_clicks_at_once_are_one_act(desk: Desk) -> None:
    number = (await desk.receive()).number
    found: list[Acted | Refusal | None] = []
    clicks = [threading.Thread(target=lambda: found.append(act(desk, number, once="k"))) for _ in range(4)]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert sorted(type(each).__name__ for each in found) == ["Acted", "Refusal", "Refusal", "Refusal"]
    assert len(desk.outbox_rows("answer")) == 1


async def test_a_refused_form_may_be_sent_again(desk: Desk) -> None:
    number = (await desk.receive()).number
    assert code(act(desk, number, Act((c.Close(cause="?"), c.Reopen("x"), c.HandOver("nowhere"))), once="k"))
    assert isinstance(act(desk, number, once="k"), Acted)


async def test_an_answer_waits_where_its_author_has_not_read_what_came(desk: Desk) -> None:
    number = (await desk.receive()).number
    seen = desk.store.read_now(conversation.newest_message, number)
    await desk.receive(Subject=f"[{number}] Barang", sender=BUDI, body="Sudah sampai, terima kasih.")

    assert code(act(desk, number, seen=seen)) == "message_since"
    assert isinstance(act(desk, number, Act((c.AddNote("x"),), below=Below.NOTE), seen=seen), Acted)
    newest = desk.store.read_now(conversation.newest_message, number)
    assert isinstance(act(desk, number, seen=newest), Acted)
    assert isinstance(act(desk, number, seen=newest), Acted), "one's own answer is known"


async def test_what_was_sent_is_no_draft_any_more(desk: Desk) -> None:
    number = (await desk.receive()).number
    for note, text in ((False, ANSWER.text), (True, "Tanya bank")):
        desk.store.write_now(drafts.save, Draft(number, RINA.address, note, text, desk.clock))
    act(desk, number)
    # A page saves while it is being sent.
    desk.store.write_now(
        drafts.save, Draft(number, RINA.address, note=False, text=ANSWER.text, at=desk.clock)
    )
    assert list(desk.store.read_now(drafts.on_ticket, number, RINA.address)) == [True]


async def test_files_of_an_answer_are_found_by_its_message(desk: Desk) -> None:
    number = (await desk.receive()).number
    files = (
        attachments.make("../bukti.png", "image/png", b"\x89PNG\r\n\x1a\n" + b"x" * 300),
        attachments.make("daftar.csv", "text/csv", b"satu,dua\r\n" * 20),
    )
    act(desk, number, files=files)
    (row,) = desk.all(select(messages).where(messages.c.direction == "out"))
    listed = sent_files.listed(row.evidence)
    assert [(each.name, each.type) for each in listed] == [
        ("bukti.png", "image/png"),
        ("daftar.csv", "text/csv"),
    ]
    for file in files:
        assert desk.store.read_now(sent_files.load, row.home, file.digest) == file.content
    assert desk.store.read_now(sent_files.load, row.home, "0" * 64) is None


async def test_a_merge_by_form_is_done_once(desk: Desk) -> None:
    first, second = [(await desk.receive(Subject=each)).number for each in ("Barang", "Barang kedua")]
    command = MergeCommand(second, c.Merge(first), BY, desk.clock, once="k")
    join(desk.store, desk.runtime, command)
    again = join(desk.store, desk.runtime, command)
    assert isinstance(again, Refusal)
    assert again.reason.code == "already_done"
    done = desk.store.read_now(forms.find, "k", BY)
    assert done is not None
    (result,) = OUTCOME.load_text(done.result).done
    assert str(result.reason) == f"{second} is part of {first} now"
    merged = desk.store.read_now(queries.ticket, second)
    assert merged is not None
    assert merged.merged_into == first
