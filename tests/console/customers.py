"""Customers at the pages: the links that they got by mail, and the desk that answers them."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from mailbot.domain.actor import Actor
from mailbot.domain.commands.grammar import Act
from mailbot.domain.model import OutboxState, Ticket
from mailbot.operations.ticket_commands import TicketCommand
from mailbot.store.schema import metadata, outbox
from mailbot.store.store import Store
from tests.builders import RINA
from tests.console.office import Office
from tests.workers.test_intake import BUDI

SITE = "https://bantuan.dukungan.example"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40


def open_office(path: Path, **policy_changes: Any) -> Office:
    """Open an office whose mails link to the pages."""
    store = Store(f"sqlite:///{path}/customers.db")
    metadata.create_all(store.engine)
    return Office(store, public_url=SITE, **policy_changes)


def links(office: Office, recipient: str = BUDI) -> list[str]:
    """Return the links in the mails to this recipient, without the host, oldest first."""
    found = []
    for row in office.intake.all(_outbox(recipient)):
        mail = office.intake.content(row)
        text = mail.get_body(("plain",)).get_content()
        found += re.findall(rf"{re.escape(SITE)}(/t/\S+)", text)
    return found


def link(office: Office, recipient: str = BUDI) -> str:
    """Return the newest link that this recipient got."""
    return links(office, recipient)[-1]


def _outbox(recipient: str) -> Any:
    return select(outbox).where(outbox.c.recipient == recipient, outbox.c.lane < 2).order_by(outbox.c.id)


async def act(office: Office, ticket: Ticket, *commands: Any, text: str = "") -> Any:
    """Carry out commands of an agent on a ticket, with the text that the customer gets."""
    by, now = Actor.agent(RINA.address), office.intake.clock
    return await office.desk.run(TicketCommand(ticket.number, Act(commands, text), by, now))


def send_all(office: Office) -> None:
    """Let the mails of the outbox be sent."""

    def send(connection: Connection, items: Any) -> list[None]:
        connection.execute(update(outbox).values(state=OutboxState.SENT))
        return [None] * len(items)

    office.store.write_now(send, None)
