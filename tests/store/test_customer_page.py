"""What the customers' page reads, on both engines."""

from mailbot.domain.actor import Actor
from mailbot.domain.commands.grammar import Act
from mailbot.mail.compose.reply_tokens import page_url
from mailbot.operations.customer_links import Revocation, mail_link, revoke
from mailbot.operations.ticket_commands import TicketCommand, run_command
from mailbot.operations.transaction import transact
from mailbot.store.console import customer_page, revoked_links
from mailbot.store.store import Store
from tests.builders import EKO, RINA
from tests.workers.test_intake import BUDI, KEYS, Desk

SITE = "https://bantuan.dukungan.example"


def _key(number: str, address: str = BUDI, revoked: int = 0) -> str:
    return page_url(SITE, KEYS, number, address, revoked).partition("k=")[2]


def _reader(store: Store, number: str, key: str) -> customer_page.PageReader | None:
    def opens(address: str, revoked: int) -> bool:
        return KEYS.verify_page_key(key, number, address, revoked)

    return store.read_now(customer_page.find_reader, number, opens)


async def test_a_page_has_own_messages_and_answers_until_its_links_are_revoked(store: Store) -> None:
    desk = Desk(store, public_url=SITE)
    ticket = await desk.receive(body="Barang saya belum sampai.")
    answered = Act((), "Sedang kami periksa.")
    run_command(
        store, desk.runtime, TicketCommand(ticket.number, answered, Actor.agent(RINA.address), desk.clock)
    )
    reader = _reader(store, ticket.number, _key(ticket.number))
    assert reader
    content = store.read_now(customer_page.load, reader, frozenset())
    assert [(each.own, each.text) for each in content.messages] == [
        (True, "Barang saya belum sampai."),
        (False, "Sedang kami periksa."),
    ]
    assert content.answered_id == desk.outbox_rows("answer")[0].message_id
    assert not content.survey
    for count in (1, 2):
        revoke(store, desk.runtime, Revocation(ticket.number, "", EKO, desk.clock))
        assert store.read_now(revoked_links.load, [ticket.number]) == {(ticket.number, BUDI): count}
    assert _reader(store, ticket.number, _key(ticket.number)) is None
    assert _reader(store, ticket.number, _key(ticket.number, revoked=2))


async def test_a_link_is_mailed_to_who_takes_part_alone(store: Store) -> None:
    desk = Desk(store, public_url=SITE)
    ticket = await desk.receive()

    def asked(number: str, address: str) -> bool:
        return transact(store, desk.runtime, desk.clock, lambda each: mail_link(each, number, address))

    assert not asked("", BUDI)
    assert not asked(ticket.number, "penipu@lain.example")
    assert asked(ticket.number, BUDI)
    (row,) = desk.outbox_rows("status")
    text = desk.content(row).get_body(("plain",)).get_content()
    assert (row.recipient, f"{SITE}/t/{ticket.number}?k={_key(ticket.number)}" in text) == (BUDI, True)
