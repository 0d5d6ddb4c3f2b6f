"""What the demo shows: complaints and their tickets, a reply, an answer, a deadline; then whatever comes."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from mailbot.cli.demo import mails
from mailbot.cli.demo.mails import FRAUD, Complaint
from mailbot.cli.demo.sink import Caught, Sink
from mailbot.cli.shared import result_text
from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.formats import format_duration
from mailbot.cli.shared.output import clean, echo, print_title
from mailbot.domain import events as e
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.store import queries, tickets
from mailbot.store.store import Store

PATIENCE = 20.0  # seconds for anything to happen; usual is a tenth of one
LOOK = 0.02
ZONE = "Asia/Jakarta"
SILENT = (e.ClocksSet, e.AcknowledgementEnqueued)  # true, but nothing to watch


class DemoFailed(Exception):
    """What was promised did not happen; the text says what."""


class Send(Protocol):
    host: str
    port: int

    def __call__(self, mail: EmailMessage, sender: str, recipient: str) -> float: ...


@dataclass(frozen=True, slots=True)
class Tour:
    """Where the demo takes place. `alive`: does the daemon still run?"""

    sink: Sink
    store: Store
    policy: Policy
    send: Send
    alive: Callable[[], bool]

    @property
    def mailbox(self) -> str:
        return next(iter(self.policy.mailboxes))


def tour(at: Tour) -> None:
    print_title("1. Complaints come in; each gets a number, a team, a deadline and an answer")
    found = {complaint: _complain(at, complaint) for complaint in mails.COMPLAINTS}
    charged_twice = mails.COMPLAINTS[1]
    _customer_replies(at, charged_twice, found[charged_twice])
    _agent_answers(at, charged_twice, found[charged_twice])
    _deadline_passes(at, found[FRAUD])


def _complain(at: Tour, complaint: Complaint) -> str:
    mail = mails.written(complaint, at.mailbox)
    echo(f"\n-> {complaint.name} <{complaint.address}>: {complaint.subject}", fg="cyan", bold=True)
    taken_at = at.send(mail, complaint.address, at.mailbox)
    number = _ticket_of(at, mail["Message-ID"])
    _show_ticket(at, number)
    _show_mail(_caught(at, complaint.address, number), since=taken_at)
    return number


def _ticket_of(at: Tour, message_id: str) -> str:
    """The ticket that this mail is on, as soon as it is."""
    for _ in _patiently(at, "no ticket was made of the mail"):
        if number := at.store.read_now(tickets.tickets_by_message_id, [message_id]).get(message_id):
            return number
    raise AssertionError("unreachable: patience ends in DemoFailed")


def _patiently(at: Tour, trouble: str) -> Iterator[None]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not at.alive():
            raise DemoFailed("the daemon has ended; the end of its log:")
        yield
        time.sleep(LOOK)
    raise DemoFailed(f"{trouble} within {PATIENCE:.0f} s; the end of the daemon's log:")


def _ticket(at: Tour, number: str) -> Ticket:
    found = at.store.read_now(queries.ticket, number)
    if found is None:
        raise DemoFailed(f"there is no ticket {number}")
    return found


def _show_ticket(at: Tour, number: str) -> None:
    found = _ticket(at, number)
    agent = at.policy.agents.get(found.assignee or "")
    echo(f"   {number}  rule {clean(found.rule)!r}: {found.category}, priority {found.priority}", bold=True)
    echo(f"   team {found.team}, level {found.level}, goes to {agent.name if agent else 'the whole team'}")
    for recorded in at.store.read_now(tickets.events_of, number):
        if isinstance(recorded.event, e.TicketRouted):
            echo(f"   because {clean(str(recorded.event.reason))}", dim=True)


def _caught(at: Tour, to: str, number: str, timeout: float = PATIENCE, like: str = "") -> Caught:
    def wanted(mail: Caught) -> bool:
        return mail.to == to and number in mail.subject and like in mail.subject + mail.text

    mail = at.sink.wait_for(wanted, timeout)
    if mail is None:
        raise DemoFailed(f"no mail about {number} came to {to} within {timeout:.0f} s; the end of the log:")
    return mail


def _show_mail(mail: Caught, since: float | None = None) -> None:
    after = (
        ""
        if since is None
        else f" {format_duration(timedelta(seconds=max(0.001, mail.at - since)))} after the 250"
    )
    echo(f"<- to {clean(mail.to)}{after}: {clean(mail.subject)}", fg="green")


def _customer_replies(at: Tour, complaint: Complaint, number: str) -> None:
    echo()
    print_title("2. The customer replies to the acknowledgement; the reply joins its ticket")
    acknowledgement = _caught(at, complaint.address, number)
    text = "I forgot to say: both payments were made with the card ending in 4402.\n\nAndrew\n"
    sender = f"{complaint.name} <{complaint.address}>"
    mail = mails.reply(at.mailbox, sender, acknowledgement.subject, acknowledgement.message_id, text)
    echo(f"\n-> {complaint.name}: {clean(mail['Subject'])}", fg="cyan", bold=True)
    at.send(mail, complaint.address, at.mailbox)
    joined = _ticket_of(at, mail["Message-ID"])
    if joined != number:
        raise DemoFailed(f"the reply opened {joined} of its own; the end of the daemon's log:")
    message = at.store.read_now(lambda each: queries.messages_of(each, number, longest=100))[-1]
    echo(
        f"   {number}  threaded, no second ticket: {clean(result_text.describe_match(message.evidence)[0])}",
        bold=True,
    )


def _agent_answers(at: Tour, complaint: Complaint, number: str) -> None:
    echo()
    print_title("3. The agent answers the team's notice; the answer goes to the customer from the mailbox")
    agent = at.policy.agents[_ticket(at, number).assignee or ""]
    notice = _caught(at, agent.address, number)
    text = "Dear Andrew,\n\nyou are right, the second payment is on its way back to your card.\n"
    sender = f"{agent.name} <{agent.address}>"
    mail = mails.reply(notice.reply_to, sender, notice.subject, notice.message_id, text)
    echo(f"\n-> {agent.name} <{agent.address}>, team {_ticket(at, number).team}", fg="cyan", bold=True)
    sent_at = at.send(mail, agent.address, notice.reply_to)
    _show_mail(_caught(at, complaint.address, number, like="second payment is on its way"), since=sent_at)
    for _ in _patiently(at, "the ticket did not turn to waiting"):
        if (found := _ticket(at, number)).first_response_at:
            echo(f"   {number}  is {found.status} for the customer now, its clocks stand still", bold=True)
            return


def _deadline_passes(at: Tour, number: str) -> None:
    echo()
    print_title(
        "4. Nobody answers the stolen account in time; its ladder escalates (demo time: 5 s, not 15 min)"
    )
    seen = 0
    for _ in _patiently(at, f"{number} was not escalated"):
        events = [each.event for each in at.store.read_now(tickets.events_of, number)]
        first = next((n for n, event in enumerate(events) if isinstance(event, e.StepTaken)), len(events))
        for event in events[max(seen, first) :]:
            if not isinstance(event, SILENT):
                echo(f"   {number}  {event_text(event, ZONE)}", bold=isinstance(event, e.TicketEscalated))
        seen = len(events)
        if any(isinstance(event, e.TicketEscalated) for event in events):
            _show_mail(_caught(at, _ticket(at, number).assignee or "", number))
            return


def instructions(at: Tour, directory: Path, command: str) -> None:
    host, port, box = at.send.host, at.send.port, at.mailbox
    echo()
    print_title("Your turn: write to it")
    echo(f"  swaks --server {host} --port {port} --from you@example.org --to {box} \\")
    echo('        --header "Subject: Barang rusak" --body "Barang datang rusak, mohon diganti."')
    echo("or, with nothing but Python:")
    mail = (
        f"From: you@example.org\\nTo: {box}\\nSubject: Barang rusak\\n\\nBarang datang rusak, mohon diganti."
    )
    echo(
        f'  python3 -c \'import smtplib; smtplib.SMTP("{host}", {port}).sendmail("you@example.org", "{box}",'
    )
    echo(f'    "{mail}")\'')
    echo()
    print_title("and look at it from another terminal")
    number = at.store.read_now(queries.list_tickets, queries.TicketFilter(limit=1))[0].ticket.number
    for words in (
        "ticket list",
        f"ticket show {number}",
        f"explain {number}",
        f"prove {number}",
        f'ticket close {number} --because "account is safe again"',
        "outbox list",
        "status",
    ):
        echo(f"  {command} --config {directory} {words}")
    echo()


def watch(at: Tour) -> None:
    """Prints what happens, as it happens, until somebody ends it."""
    since = datetime.now(UTC)
    seen: set[tuple[str, int]] = set()
    caught = len(at.sink.since(0))
    while True:
        if not at.alive():
            raise DemoFailed("the daemon has ended; the end of its log:")
        for number, recorded in at.store.read_now(queries.events_since, since - timedelta(seconds=5)):
            key = (number, recorded.seq)
            if recorded.event.at >= since and key not in seen and not isinstance(recorded.event, SILENT):
                _show_event(number, recorded.event)
            seen.add(key)
        for mail in at.sink.since(caught):
            caught += 1
            _show_mail(mail)
        time.sleep(0.1)


def _show_event(number: str, event: e.Event) -> None:
    colour = "cyan" if isinstance(event, e.TicketOpened | e.CustomerWrote) else None
    echo(f"   {number}  {event_text(event, ZONE)}", fg=colour, bold=isinstance(event, e.TicketRouted))
