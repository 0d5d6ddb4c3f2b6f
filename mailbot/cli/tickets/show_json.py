"""A ticket as JSON, with all that belongs to it."""

from mailbot.cli.shared.open_store import OpenStore
from mailbot.cli.shared.output import print_json
from mailbot.cli.tickets.pages.show_all_text import mails_of
from mailbot.domain.ladder import promised_at
from mailbot.domain.model import Ticket
from mailbot.store import queries
from mailbot.store.lists import ticket_list, ticket_rows
from mailbot.store.retention import legal_holds
from mailbot.views.event_json import deadlines_json, events_json, message_json
from mailbot.views.json_form import to_json
from mailbot.views.record_json import outbox_json, ticket_json

MESSAGE = (
    *("id", "at", "direction", "author", "subject", "text", "length", "message_id", "inbox_id"),
    *("home", "no_auto_reply", "author_kind", "author_reason", "authentication", "addresses"),
    *("flags", "attachments"),
)


def show(opened: OpenStore, ticket: Ticket) -> None:
    number, read = ticket.number, opened.store.read_now
    messages = read(lambda c: queries.messages_of(c, number, longest=1_000_000))
    print_json(
        {
            **ticket_json(ticket, read(ticket_list.deadline, number)),
            "promised_at": promised_at(ticket, opened.policy),
            "participants": read(queries.participants_of, number),
            "legal_hold": to_json(read(legal_holds.find, number), only=("at", "by", "reason")),
            "links": read(queries.links_of, number),
            "messages": [message_json(message, *MESSAGE) for message in messages],
            "events": events_json(read(ticket_rows.events_of, number), opened.zone(ticket.team)),
            "deadlines": deadlines_json(ticket, opened.policy),
            "compensation": _compensation(opened, number),
            "outbox": [outbox_json(mail) for mail in mails_of(opened, number)],
        }
    )


def _compensation(opened: OpenStore, number: str) -> list[object]:
    if not opened.store.read_now(ticket_rows.has_compensation, number):
        return []
    from mailbot.cli.service.ledger_text import line_json
    from mailbot.store import compensations

    return [line_json(line) for line in opened.store.read_now(compensations.of_ticket, number)]
