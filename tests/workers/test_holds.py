"""Mail of agents that a colleague's work has overtaken is held, and sent after all by its author's word alone."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from sqlalchemy import select, update

from mailbot.domain import commands as c
from mailbot.domain.actor import Actor
from mailbot.domain.commands.carry_out import Acted
from mailbot.domain.commands.grammar import MONEY, Act
from mailbot.domain.commands.registry import Below
from mailbot.domain.model import Status
from mailbot.domain.policy import Team
from mailbot.domain.reasons import Refusal
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.store.codec import event_of
from mailbot.store.schema import events, messages, outbox
from mailbot.store.store import Store
from tests.builders import BAYU, BOX, RINA, policy
from tests.profile import NIGHTLY
from tests.workers.test_intake import AGENTS_NETWORK, BUDI, Desk, tag

MINUTE = timedelta(minutes=1)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, mailboxes={BOX.address: replace(BOX, collision=10 * MINUTE)})


async def write(desk: Desk, number: str, body: str, agent: str = BAYU.address, **headers: str) -> None:
    headers = {"Subject": f"Re: [{number}] Barang", "body": body.replace("\n", "\r\n"), **headers}
    await desk.receive(sender=agent, to=tag(number, agent), peer=AGENTS_NETWORK, **headers)


def held(desk: Desk) -> list[str]:
    rows = desk.all(select(events).where(events.c.kind == "agent_mail_held").order_by(events.c.seq))
    found: list[Any] = [event_of(row.kind, row.at, row.by, row.data) for row in rows]
    return [event.reason.code for event in found]


def texts(desk: Desk, kind: str = "answer") -> list[str]:
    rows = desk.outbox_rows(kind)
    return [str(desk.content(row).get_body(("plain",)).get_content()) for row in rows]


def notice_to(desk: Desk, agent: str) -> str:
    """Let the newest notice to the agent have left now, and return its Message-ID."""
    row = [each for each in desk.all(select(outbox).order_by(outbox.c.id)) if each.recipient == agent][-1]
    settled = update(outbox).where(outbox.c.id == row.id).values(settled_at=desk.clock)
    desk.store.write_now(lambda connection, _: [connection.execute(settled)], None)
    return str(row.message_id)


async def test_a_second_answer_is_held_and_both_are_notified(desk: Desk) -> None:
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    desk.clock += 9 * MINUTE
    await write(desk, number, "Belum dikirim.")

    assert held(desk) == ["colleague_answered"]
    assert len(desk.outbox_rows("answer")) == 1
    author, colleague = desk.outbox_rows("answer_held")
    assert (author.recipient, colleague.recipient) == (BAYU.address, RINA.address)
    first, second = texts(desk, "answer_held")
    assert "Rina sudah menjawab pelanggan pukul 03.00" in first
    assert "#kirim" in first
    assert "Belum dikirim." in first
    assert "Sudah dikirim." in first
    assert "Belum dikirim." in second
    assert desk.content(author)["Reply-To"] == tag(number, BAYU.address)
    kept = desk.one(select(messages).where(messages.c.author == BAYU.address))
    assert (kept.direction, kept.visible) == ("note", "Belum dikirim.")


@pytest.mark.parametrize(
    ("agent", "body", "minutes"),
    [
        (RINA.address, "Tambahan.", 1),  # one's own
        (BAYU.address, "#catatan Saya juga sudah menulis.", 1),
        (BAYU.address, "#selesai", 1),  # no text: the customer reads one answer
        (BAYU.address, "Sudah sampai?", 11),
    ],
)
async def test_these_are_not_held(desk: Desk, agent: str, body: str, minutes: int) -> None:
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    desk.clock += minutes * MINUTE
    await write(desk, number, body, agent)

    assert held(desk) == []


async def test_an_answer_to_a_notice_from_before_a_colleagues_answer_is_held(desk: Desk) -> None:
    number = (await desk.receive()).number
    old = notice_to(desk, BAYU.address) if desk.outbox_rows("team")[0].recipient == BAYU.address else ""
    if not old:  # the notice went to the other agent of the team
        desk.store.write_now(
            lambda connection, _: [
                connection.execute(
                    update(outbox).where(outbox.c.kind == "team").values(recipient=BAYU.address)
                )
            ],
            None,
        )
        old = notice_to(desk, BAYU.address)
    desk.clock += MINUTE
    await write(desk, number, "Sudah dikirim.", RINA.address)
    desk.clock += timedelta(hours=3)
    await write(desk, number, "Belum dikirim.", In_Reply_To=old)

    assert held(desk) == ["colleague_answered"]


@pytest.mark.parametrize("word", ["#kirim", "#send", "#Kirim:"])
async def test_its_author_sends_it_after_all_once(desk: Desk, word: str) -> None:
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    await write(desk, number, "Belum dikirim.")
    desk.clock += MINUTE
    await write(desk, number, word)
    await write(desk, number, word)

    assert held(desk) == ["colleague_answered", "nothing_held"]
    assert ["Belum dikirim." in text for text in texts(desk)] == [False, True]
    assert not any("#" in text for text in texts(desk))
    sent = desk.all(select(messages).where(messages.c.author == BAYU.address, messages.c.direction == "out"))
    assert [row.visible for row in sent] == ["Belum dikirim."]


async def test_commands_and_files_of_what_was_held_come_along(desk: Desk) -> None:
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    mime = (
        "--b\nContent-Type: text/plain\n\n#selesai\n\nIni buktinya.\n"
        '--b\nContent-Type: application/pdf; name="bukti.pdf"\nContent-Transfer-Encoding: base64\n'
        'Content-Disposition: attachment; filename="bukti.pdf"\n\nJVBERi0xLjQK\n--b--'
    )
    await write(desk, number, mime, Content_Type="multipart/mixed; boundary=b", MIME_Version="1.0")
    assert held(desk) == ["colleague_answered"]
    await write(desk, number, "#kirim")

    assert desk.ticket_of(4).status is Status.CLOSED
    (closing,) = desk.outbox_rows("closing")
    mail = desk.content(closing)
    assert "Ini buktinya." in str(mail.get_body(("plain",)).get_content())
    assert [part.get_filename() for part in mail.iter_attachments()] == ["bukti.pdf"]


@pytest.mark.parametrize(
    ("agent", "later", "body", "code"),
    [
        (RINA.address, MINUTE, "#kirim", "nothing_held"),  # another's
        (BAYU.address, timedelta(days=1), "#kirim", "nothing_held"),
        (BAYU.address, MINUTE, "#kirim\nSudah dikirim semua.", "send_takes_no_text"),
    ],
)
async def test_nobody_else_and_nothing_else_is_sent(
    desk: Desk, agent: str, later: timedelta, body: str, code: str
) -> None:
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    await write(desk, number, "Belum dikirim.")
    desk.clock += later
    await write(desk, number, body, agent)

    assert held(desk)[-1] == code
    assert len(desk.outbox_rows("answer")) == 1


async def test_who_was_held_learns_that_the_answer_before_was_taken_back(store: Store) -> None:
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, collision=10 * MINUTE, undo=2 * MINUTE)})
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    await write(desk, number, "Belum dikirim.")
    await write(desk, number, "#batal", RINA.address)

    notice = [row for row in desk.outbox_rows("team") if row.why == "notify"]
    assert [row.recipient for row in notice] == [BAYU.address]
    assert "#kirim" in texts(desk, "team")[-1]
    assert "Ditarik sebelum terkirim" in texts(desk, "team")[-1]
    assert "jawaban" not in texts(desk, "team")[-1].partition("Sudah dikirim.")[0].rpartition("Rina")[2]


async def test_a_link_that_a_former_owner_taps_does_nothing_and_sends_nothing(desk: Desk) -> None:
    number = (await desk.receive()).number
    shell(desk, number, Act((c.Assign(RINA.address),)), "eko")
    notice = next(row for row in reversed(desk.outbox_rows("team")) if row.recipient == RINA.address)
    html = str(desk.content(notice).get_body(("html",)).get_content())
    link = unquote(re.findall(r'href="mailto:([^?"]*(?:\+|%2B)a\.[^?"]*)', html)[0])
    desk.clock += MINUTE
    shell(desk, number, Act((c.Assign(BAYU.address),)), "eko")
    await desk.receive(
        sender=RINA.address,
        to=link,
        peer=AGENTS_NETWORK,
        Subject="Selesai",
        body="Kirim email ini apa adanya.",
    )
    await write(desk, number, "#kirim", RINA.address)

    assert desk.outbox_rows("answer") == []
    assert held(desk) == ["ticket_lost", "nothing_held"]


async def test_a_former_owner_is_one_without_a_named_notice_too(desk: Desk) -> None:
    number, _ = await lost(desk, c.Assign(BAYU.address))
    await write(desk, number, "Sudah dikirim.", RINA.address)

    assert held(desk) == ["ticket_lost"]


async def test_after_an_undo_a_colleague_may_answer_at_once(store: Store) -> None:
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, collision=10 * MINUTE, undo=2 * MINUTE)})
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    await write(desk, number, "#batal", RINA.address)
    await write(desk, number, "Belum dikirim.")

    assert held(desk) == []
    assert [row.state for row in desk.outbox_rows("answer")] == ["suppressed", "due"]


async def test_an_answer_and_its_undo_in_one_batch_are_taken_in_turn(store: Store) -> None:
    """After a downtime both wait in the inbox."""
    desk = Desk(store, mailboxes={BOX.address: replace(BOX, undo=2 * MINUTE)})
    number = (await desk.receive()).number
    for body in ("Sudah dikirim.", "#batal"):
        await desk.keep(
            RINA.address, tag(number), AGENTS_NETWORK, Subject=f"Re: [{number}] Barang", body=body
        )
    await desk.work()

    assert held(desk) == []
    assert [row.state for row in desk.outbox_rows("answer")] == ["suppressed"]


@pytest.mark.parametrize("word", ["#kirim", "#batal"])
@pytest.mark.parametrize("how", ["left", "not proven", "token of another", "forwarded", "quoted", "customer"])
async def test_nobody_without_right_sends_or_takes_back(store: Store, how: str, word: str) -> None:
    changes = {"mailboxes": {BOX.address: replace(BOX, collision=10 * MINUTE, undo=2 * MINUTE)}}
    desk = Desk(store, **changes)
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    await write(desk, number, "Belum dikirim.")
    who = BAYU.address if word == "#kirim" else RINA.address
    other = RINA.address if who == BAYU.address else BAYU.address
    mail = {"sender": who, "to": tag(number, who), "peer": AGENTS_NETWORK, "body": word}
    mail |= {"Subject": f"Re: [{number}] Barang"}
    if how == "left":
        people = (each for each in policy().teams["frontline"].agents if each.address != who)
        teams = {**policy().teams, "frontline": Team("frontline", "always", tuple(people))}
        desk = Desk(store, teams=teams, **changes)
        desk._kept = 10  # Message-IDs go on
    mail |= {
        "not proven": {"peer": "192.0.2.7"},
        "token of another": {"sender": other, "body": word},
        "forwarded": {"Subject": f"Fwd: [{number}] Barang", "body": f"FYI\r\n\r\n> {word}"},
        "quoted": {"body": f"> {word}"},
        "customer": {"sender": BUDI, "peer": "192.0.2.7"},
    }.get(how, {})
    await desk.receive(**mail)

    assert [row.state for row in desk.outbox_rows("answer") if "dikirim" in str(desk.content(row))][:1] == [
        "due"
    ]
    assert not any("Belum dikirim." in text for text in texts(desk))


# --- a former owner -----------------------------------------------------------------------------------------


async def lost(desk: Desk, *commands: c.AnyCommand) -> tuple[str, str]:
    """Take a ticket from Rina after her notice has left; return its number and the notice's Message-ID."""
    number = (await desk.receive()).number
    shell(desk, number, Act((c.Assign(RINA.address),)), "eko")
    old = notice_to(desk, RINA.address)
    desk.clock += MINUTE
    shell(desk, number, Act(commands), "eko")
    desk.clock += MINUTE
    return number, old


def shell(desk: Desk, number: str, act: Act, by: str, *, anyway: bool = False) -> Acted | Refusal | None:
    actor = Actor.agent(by) if "@" in by else Actor.operator(by)
    return run_command(desk.store, desk.runtime, TicketCommand(number, act, actor, desk.clock, anyway=anyway))


@pytest.mark.parametrize("command", [c.Assign(BAYU.address), c.Escalate("L2"), c.HandOver("payments")])
@pytest.mark.parametrize("body", ["Sudah dikirim.", "#selesai", "#prioritas urgent"])
async def test_a_former_owner_learns_who_has_the_ticket(desk: Desk, command: c.AnyCommand, body: str) -> None:
    number, old = await lost(desk, command)
    await write(desk, number, body, RINA.address, In_Reply_To=old)

    assert held(desk) == ["ticket_lost"]
    assert desk.outbox_rows("answer") == []
    (notice,) = desk.outbox_rows("answer_held")
    assert notice.recipient == RINA.address
    assert "bukan milik Anda lagi" in texts(desk, "answer_held")[0]

    await write(desk, number, "#kirim", RINA.address, In_Reply_To=old)
    assert held(desk) == ["ticket_lost"]


@pytest.mark.parametrize("body", ["#catatan Sudah saya telepon.", "#bantuan"])
async def test_a_former_owner_may_still_add_notes(desk: Desk, body: str) -> None:
    number, old = await lost(desk, c.Assign(BAYU.address))
    await write(desk, number, body, RINA.address, In_Reply_To=old)

    assert "ticket_lost" not in held(desk)


async def test_who_has_the_ticket_again_is_no_former_owner(desk: Desk) -> None:
    number, old = await lost(desk, c.Assign(BAYU.address))
    shell(desk, number, Act((c.Assign(RINA.address),)), "eko")
    await write(desk, number, "Sudah dikirim.", RINA.address, In_Reply_To=old)

    assert held(desk) == []


async def test_a_colleague_who_never_had_it_may_answer(desk: Desk) -> None:
    number, _ = await lost(desk, c.Assign(RINA.address))
    await write(desk, number, "Sudah dikirim.", BAYU.address)

    assert held(desk) == []


# --- the shell, and races -----------------------------------------------------------------------------------


async def test_the_shell_refuses_a_second_answer_unless_it_is_meant(desk: Desk) -> None:
    number = (await desk.receive()).number
    shell(desk, number, Act((), "Sudah dikirim."), RINA.address)
    refused = shell(desk, number, Act((), "Belum dikirim."), BAYU.address)

    assert isinstance(refused, Refusal)
    assert str(refused.reason) == "Rina answered the customer at 03.00. --anyway sends yours as well"
    assert isinstance(shell(desk, number, Act((), "Belum dikirim."), BAYU.address, anyway=True), Acted)
    assert [row.recipient for row in desk.outbox_rows("answer")] == [BUDI, BUDI]


@pytest.mark.timeout(1_800)
async def test_of_two_agents_at_once_on_three_nodes_one_answers(desk: Desk, store_url: str) -> None:
    races = 1_000 if NIGHTLY else 20
    numbers = [
        (await desk.receive(Subject=f"Barang {n}", sender=f"b{n}@x.example")).number for n in range(races)
    ]
    nodes = [Store(store_url) for _ in range(3)]
    outcomes: list[Any] = []

    def answer(node: Store, agent: str, mine: list[str]) -> None:
        for number in mine:
            command = TicketCommand(number, Act((), "Halo"), Actor.agent(agent), desk.clock)
            outcomes.append(run_command(node, desk.runtime, command))

    threads = [
        threading.Thread(target=answer, args=(node, agent, numbers[place % 2 :]))
        for place, (node, agent) in enumerate(
            zip((*nodes, nodes[0]), (RINA.address, BAYU.address) * 2, strict=True)
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for node in nodes:
        node.close()

    authors = desk.all(
        select(events.c.ticket, events.c.by).where(events.c.kind == "agent_answered").distinct()
    )
    assert sorted(row.ticket for row in authors) == sorted(numbers)
    assert len(outcomes) > 2 * races


async def test_what_was_held_may_ask_for_money_wherever_it_is_sent_from(desk: Desk) -> None:
    number = (await desk.receive()).number
    await write(desk, number, "Sudah dikirim.", RINA.address)
    await write(desk, number, "#kompensasi Rp 50.000 paket rusak\n\nMaaf, kami ganti.")
    assert held(desk) == ["colleague_answered"]
    send = Act((c.Send(),), below=Below.NOTE)
    command = TicketCommand(number, send, Actor.agent(BAYU.address), desk.clock, money="send" in MONEY)
    acted = run_command(desk.store, desk.runtime, command)
    assert isinstance(acted, Acted)
    assert [str(each.reason.code) for each in acted.done] == ["did_compensate"]
    assert "Maaf, kami ganti." in texts(desk)[-1]
