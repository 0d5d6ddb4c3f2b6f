"""What the demo shows: complaints and tickets, a reply, an answer, a missed deadline, then your mail."""

import smtplib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

from mailbot.cli.demo.mails import CHARGED_TWICE, COMPLAINTS, FRAUD, Complaint, build_mail
from mailbot.cli.demo.sink import ReceivedMail, Sink
from mailbot.cli.shared import ticket_text
from mailbot.cli.shared.event_text import event_text
from mailbot.cli.shared.formats import format_duration
from mailbot.cli.shared.output import clean, echo, print_title
from mailbot.domain import events as e
from mailbot.domain.model import Ticket, Turn
from mailbot.domain.policy import Policy
from mailbot.store import queries, tickets
from mailbot.store.lists import ticket_list
from mailbot.store.store import Store

PATIENCE = 20.0  # seconds for anything to happen; usual is a tenth of one
POLL = 0.02
ZONE = "Asia/Jakarta"
HIDDEN = (e.ClocksSet, e.AcknowledgementEnqueued)


class DemoFailed(Exception):
    """An expected result is missing. The text names it."""


@dataclass(frozen=True, slots=True)
class Tour:
    """The running demo. `alive` returns whether the daemon still runs."""

    sink: Sink
    store: Store
    policy: Policy
    host: str
    port: int
    alive: Callable[[], bool]

    @property
    def mailbox(self) -> str:
        return next(iter(self.policy.mailboxes))

    def run(self) -> None:
        print_title("1. Complaints come in; each gets a number, a team, a deadline and an answer")
        numbers = {complaint: self._complain(complaint) for complaint in COMPLAINTS}
        self._reply_as_customer(CHARGED_TWICE, numbers[CHARGED_TWICE])
        self._answer_as_agent(CHARGED_TWICE, numbers[CHARGED_TWICE])
        self._miss_deadline(numbers[FRAUD])

    def _complain(self, complaint: Complaint) -> str:
        name, address, subject = complaint.name, complaint.address, complaint.subject
        mail = build_mail(name, address, self.mailbox, subject, complaint.text)
        echo(f"\n-> {name} <{address}>: {subject}", fg="cyan", bold=True)
        sent_at = self._send(mail, address, self.mailbox)
        number = self._wait_for_number(mail["Message-ID"])
        ticket = self._ticket(number)
        agent = self.policy.agents.get(ticket.assignee or "")
        place = f"{ticket.category}, priority {ticket.priority}"
        echo(f"   {number}  rule {clean(ticket.rule)!r}: {place}", bold=True)
        goes_to = agent.name if agent else "the whole team"
        echo(f"   team {ticket.team}, level {ticket.level}, goes to {goes_to}")
        for event in self._events(number):
            if isinstance(event, e.TicketRouted):
                echo(f"   because {clean(str(event.reason))}", dim=True)
        _print_mail(self._wait_for_mail(address, number), sent_at)
        return number

    def _reply_as_customer(self, complaint: Complaint, number: str) -> None:
        print_title("\n2. The customer replies to the acknowledgement; the reply joins its ticket")
        acknowledgement = self._wait_for_mail(complaint.address, number)
        text = "I forgot to say: both payments were made with the card ending in 4402.\n\nAndrew\n"
        subject, replied = f"Re: {acknowledgement.subject}", acknowledgement.message_id
        mail = build_mail(complaint.name, complaint.address, self.mailbox, subject, text, replied)
        echo(f"\n-> {complaint.name}: {clean(mail['Subject'])}", fg="cyan", bold=True)
        self._send(mail, complaint.address, self.mailbox)
        joined = self._wait_for_number(mail["Message-ID"])
        if joined != number:
            raise DemoFailed(f"the reply opened the ticket {joined}")
        message = self.store.read_now(lambda c: queries.messages_of(c, number, longest=100))[-1]
        because, _ = ticket_text.describe_match(message.evidence)
        echo(f"   {number}  threaded, no second ticket: {clean(because)}", bold=True)

    def _answer_as_agent(self, complaint: Complaint, number: str) -> None:
        print_title("\n3. The agent answers the team's notice; the answer goes to the customer")
        agent = self.policy.agents[self._ticket(number).assignee or ""]
        notice = self._wait_for_mail(agent.address, number)
        text = (
            "Dear Andrew,\n\nyou are right, the second payment is on its way back to your card.\n"
            "Could you tell us when it has arrived?\n"
        )
        subject = f"Re: {notice.subject}"
        mail = build_mail(agent.name, agent.address, notice.reply_to, subject, text, notice.message_id)
        echo(f"\n-> {agent.name} <{agent.address}>, team {self._ticket(number).team}", fg="cyan", bold=True)
        sent_at = self._send(mail, agent.address, notice.reply_to)
        answer = self._wait_for_mail(complaint.address, number, "second payment is on its way")
        _print_mail(answer, sent_at)
        for _ in self._patiently("the answer was not recorded"):
            ticket = self._ticket(number)
            if ticket.turn is Turn.CUSTOMER:
                echo(f"   {number}  is {ticket.status} for the customer now, its clocks pause", bold=True)
                return

    def _miss_deadline(self, number: str) -> None:
        print_title("\n4. The stolen account gets no answer; its ladder escalates (after 5 s, not 15 min)")
        shown = 0
        for _ in self._patiently(f"{number} was not escalated"):
            events = self._events(number)
            first = next((n for n, event in enumerate(events) if isinstance(event, e.StepTaken)), len(events))
            for event in events[max(shown, first) :]:
                _print_event(number, event, bold=isinstance(event, e.TicketEscalated))
            shown = len(events)
            if any(isinstance(event, e.TicketEscalated) for event in events):
                _print_mail(self._wait_for_mail(self._ticket(number).assignee or "", number))
                return

    def print_instructions(self, command: str) -> None:
        """Print how to write to the demo and look at it. `command` calls mailbot with its folder."""
        host, port, box = self.host, self.port, self.mailbox
        text = "Barang datang rusak, mohon diganti."
        header = f"From: you@example.org\\nTo: {box}\\nSubject: Barang rusak"
        print_title("\nYour turn: write to it")
        echo(f"  swaks --server {host} --port {port} --from you@example.org --to {box} \\")
        echo(f'        --header "Subject: Barang rusak" --body "{text}"')
        echo("or, with nothing but Python:")
        echo(f'  python3 -c \'import smtplib; smtplib.SMTP("{host}", {port}).sendmail(')
        echo(f'    "you@example.org", "{box}", "{header}\\n\\n{text}")\'')
        print_title("\nand look at it from another terminal")
        listed = self.store.read_now(ticket_list.list_tickets, ticket_list.TicketFilter(limit=1))
        number = listed[0].ticket.number
        close = f'ticket close {number} --because "account is safe again"'
        looks = (f"ticket show {number}", f"explain {number}", f"prove {number}", close)
        for words in ("ticket list", *looks, "outbox list", "status"):
            echo(f"  {command} {words}")
        echo()

    def watch(self) -> None:
        """Print what happens, as it happens, until the demo is ended."""
        since = datetime.now(UTC)
        seen: set[tuple[str, int]] = set()
        count = len(self.sink.mails_after(0))
        while self.alive():
            for number, row in self.store.read_now(queries.events_since, since - timedelta(seconds=5)):
                if row.event.at >= since and (number, row.seq) not in seen:
                    _print_event(number, row.event, bold=isinstance(row.event, e.TicketRouted))
                seen.add((number, row.seq))
            for mail in self.sink.mails_after(count):
                count += 1
                _print_mail(mail)
            time.sleep(0.1)
        raise DemoFailed("the daemon has ended")

    # --- sending and waiting --------------------------------------------------------------------------------

    def _send(self, mail: EmailMessage, sender: str, recipient: str) -> float:
        """Send the mail over SMTP and return the time of the 250, by `time.monotonic`."""
        try:
            with smtplib.SMTP(self.host, self.port, timeout=30) as session:
                session.send_message(mail, sender, [recipient])
                return time.monotonic()
        except (OSError, smtplib.SMTPException) as error:
            if isinstance(error.__context__, KeyboardInterrupt):
                raise error.__context__ from None  # it came within the dialogue, whose end then failed
            raise DemoFailed(f"the daemon did not take the mail: {error}") from error

    def _patiently(self, failure: str) -> Iterator[None]:
        """Yield until PATIENCE is over. Raise DemoFailed then, or when the daemon has ended."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if not self.alive():
                raise DemoFailed("the daemon has ended")
            yield
            time.sleep(POLL)
        raise DemoFailed(f"{failure} within {PATIENCE:.0f} s")

    def _wait_for_number(self, message_id: str) -> str:
        for _ in self._patiently("the mail got no ticket"):
            known = self.store.read_now(tickets.tickets_by_message_id, [message_id])
            if message_id in known:
                return known[message_id]
        raise AssertionError("unreachable: waiting ends in DemoFailed")

    def _wait_for_mail(self, to: str, number: str, text: str = "") -> ReceivedMail:
        def matches(mail: ReceivedMail) -> bool:
            return mail.to == to and number in mail.subject and text in mail.text

        mail = self.sink.wait_for(matches, PATIENCE)
        if mail is None:
            raise DemoFailed(f"no mail about {number} came to {to} within {PATIENCE:.0f} s")
        return mail

    def _ticket(self, number: str) -> Ticket:
        ticket = self.store.read_now(queries.ticket, number)
        if ticket is None:
            raise DemoFailed(f"there is no ticket {number}")
        return ticket

    def _events(self, number: str) -> list[e.Event]:
        return [row.event for row in self.store.read_now(tickets.events_of, number)]


def _print_mail(mail: ReceivedMail, since: float | None = None) -> None:
    after = ""
    if since is not None:
        after = f" {format_duration(timedelta(seconds=max(0.001, mail.at - since)))} after the 250"
    echo(f"<- to {clean(mail.to)}{after}: {clean(mail.subject)}", fg="green")


def _print_event(number: str, event: e.Event, *, bold: bool) -> None:
    if not isinstance(event, HIDDEN):
        colour = "cyan" if isinstance(event, e.TicketOpened | e.CustomerWrote) else None
        echo(f"   {number}  {event_text(event, ZONE)}", fg=colour, bold=bold)
