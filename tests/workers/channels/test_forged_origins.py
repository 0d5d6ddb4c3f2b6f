"""Mails that claim to have come by a channel, and channels that claim to be somebody else."""

from datetime import timedelta

import pytest

from mailbot.channels.message import ChannelMessage, build
from mailbot.domain.model import Ticket
from mailbot.domain.people.identities import identity
from mailbot.mail.compose.mime_writer import ComposeRefused
from mailbot.store import inbox
from mailbot.store.inbox import ReceivedMail
from mailbot.store.store import Store
from mailbot.store.tickets import load
from tests.builders import BOX, RINA
from tests.workers.test_intake import Desk, tag


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def message(author: str, text: str = "Paket saya belum sampai", **more: object) -> ChannelMessage:
    return ChannelMessage("toko", author, str(more.pop("id", "m1")), text, **more)  # type: ignore[arg-type]


async def arrive(desk: Desk, said: ChannelMessage) -> Ticket:
    """Take in what somebody wrote by a channel."""
    envelope, raw = build(said, BOX, desk.runtime.snapshot.keys, desk.clock)
    receipt = await desk.store.write(inbox.keep, ReceivedMail(said.mark, envelope, raw))
    await desk.work()
    return desk.ticket_of(receipt.inbox_id)


@pytest.mark.parametrize("kind", ["c", "u"])
@pytest.mark.parametrize("channel", ["whatsapp", "toko", "page", "form", "mail"])
async def test_a_mail_with_a_made_up_proof_is_only_a_mail(desk: Desk, kind: str, channel: str) -> None:
    local, _, domain = BOX.address.partition("@")
    forged = f"{local}+{kind}.{channel}.{'a' * 26}@{domain}"
    ticket = await desk.receive(sender="+62811@whatsapp.invalid", to=forged)
    assert (ticket.channel, ticket.customer, ticket.proven) == ("mail", "+62811@whatsapp.invalid", False)


async def test_the_proof_of_another_mail_is_no_proof(desk: Desk) -> None:
    envelope, _ = build(message(identity("toko", "budi")), BOX, desk.runtime.snapshot.keys, desk.clock)
    (proof,) = envelope.recipients
    for sender in ("budi@toko.invalid", "siti@pelanggan.example"):
        ticket = await desk.receive(sender=sender, to=proof)
        assert (ticket.channel, ticket.customer, ticket.proven) == ("mail", sender, False)


@pytest.mark.parametrize(
    "author",
    [
        *(
            "+62811@whatsapp.invalid",
            "budi@toko.invalid",
            "x@form.invalid",
            "x@a.b.INVALID",
            "whatsapp:+62811",
        ),
        *(
            "telegram:1",
            "form:siti",
            "",
            "budi",
            "a b@c.example",
            "a@b.example, c@d.example",
            "a@b.example\r\nBcc: x@y.example",
        ),
    ],
)
async def test_nobody_becomes_somebody_of_another_channel_or_two(desk: Desk, author: str) -> None:
    with pytest.raises(ComposeRefused):
        build(message(author), BOX, desk.runtime.snapshot.keys, desk.clock)


@pytest.mark.parametrize(
    "name", ["\u212a", "bud\u0456", "a\0", "a@b", "", "a" * 65, ".a", "a.", "a..b", "a:b", "a/b"]
)
def test_letters_that_look_like_others_name_nobody(name: str) -> None:
    with pytest.raises(ValueError, match="can't name anybody"):
        identity("whatsapp", name)


async def test_a_program_that_vouches_for_an_agent_gives_no_agent_a_command(desk: Desk) -> None:
    ticket = await desk.receive(sender="siti@pelanggan.example")
    text = f"#close\n#assign {RINA.address}"
    for to_subject in (f"Re: {ticket.number}", ""):
        said = message(RINA.address, text, id=f"m {to_subject}", subject=to_subject, proven=True)
        opened = await arrive(desk, said)
        assert opened.status != "closed"
    now = desk.store.read_now(load, [ticket.number])[ticket.number]
    assert (now.status, now.assignee) == (ticket.status, ticket.assignee)


async def test_a_program_writes_onto_no_ticket_of_others_by_its_number(desk: Desk) -> None:
    ticket = await desk.receive(sender="siti@pelanggan.example")
    other = await arrive(desk, message(identity("toko", "budi"), f"Ini soal {ticket.number}", proven=True))
    assert other.number != ticket.number
    desk.clock += timedelta(minutes=1)
    by_tag = await desk.receive(sender="budi@toko.invalid", to=tag(ticket.number))
    assert by_tag.number != ticket.number
