"""What the demo shows: complaints and tickets, a reply, an answer, a missed deadline, then your mail."""

import re
import shlex
import smtplib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

from mailbot.cli.demo.mails import CHARGED_TWICE, COMPLAINTS, FRAUD, Complaint, build_mail
from mailbot.cli.demo.sink import ReceivedMail, Sink
from mailbot.cli.shared.names import Names
from mailbot.cli.shared.output import FACT, clean, echo, echo_wrapped, print_title
from mailbot.cli.shared.wall_clock import WallClock
from mailbot.cli.tickets.pages.show_text import contacts
from mailbot.cli.tickets.pages.timeline import Timeline, shorten
from mailbot.domain import events as e
from mailbot.domain.ladder import promises
from mailbot.domain.model import Target, Ticket, Turn
from mailbot.domain.policy import Policy
from mailbot.store import queries, tickets
from mailbot.store.codec import match_of
from mailbot.store.store import Store
from mailbot.views.formats import format_duration

PATIENCE = 20.0  # seconds for anything to happen; usual is a tenth of one
POLL = 0.02
ZONE = "Asia/Jakarta"
LOG_IN_LINK = re.compile(r"http://\S+/login/link\?key=\S+")


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
    console: str  # host:port of the pages, "" for none
    alive: Callable[[], bool]

    @property
    def mailbox(self) -> str:
        return next(iter(self.policy.mailboxes))

    def run(self) -> str:
        """Show one complaint in full and a line for each other; then a reply, an answer and a missed promise.

        Return the number of the first one.
        """
        print_title("\n1. Complaints come in: one in full, then a line each")
        numbers = {complaint: self._complain(complaint) for complaint in COMPLAINTS}
        print_title("\n2. A customer replies to the acknowledgement: no second ticket")
        self._reply_as_customer(CHARGED_TWICE, numbers[CHARGED_TWICE])
        print_title("\n3. The agent replies to the notice: the customer gets the answer")
        self._answer_as_agent(CHARGED_TWICE, numbers[CHARGED_TWICE])
        print_title("\n4. Nobody answers the first one within 5 s (15 min in the shipped rules)")
        self._miss_promise(numbers[FRAUD])
        return numbers[FRAUD]

    def _complain(self, complaint: Complaint) -> str:
        mail = build_mail(complaint.name, complaint.address, self.mailbox, complaint.subject, complaint.text)
        sent_at = self._send(mail, complaint.address, self.mailbox)
        number = self._wait_for_number(mail["Message-ID"])
        acknowledgement = self._wait_for_mail(complaint.address, number)
        page = self._page(number)
        if complaint is FRAUD:
            _print_in_full(page, complaint, acknowledgement, sent_at)
        else:
            category = page.names.label("category", page.ticket.category)
            owner = page.names.first(page.ticket.assignee) or "the whole team"
            place = f"{page.names.place(page.ticket)}, {owner}"
            self._print_line(number, f"{complaint.name}: {category}, {place}, by {_promised(page)}")
        return number

    def _page(self, number: str) -> "DemoPage":
        messages = self.store.read_now(lambda c: queries.messages_of(c, number, longest=200))
        events, ticket = self._events(number), self._ticket(number)
        names = Names(self.policy, contacts(messages))
        found = promises(ticket, self.policy)
        clock = WallClock(ZONE, datetime.now(UTC)).showing(
            [*(at for at, _ in found), *(e.at for e in events)]
        )
        return DemoPage(ticket, events, messages, names, clock, found)

    def _print_line(self, number: str, text: str) -> None:
        echo_wrapped(f"  {number}  {clean(text, FACT)}", 2 + len(number))

    def _reply_as_customer(self, complaint: Complaint, number: str) -> None:
        acknowledgement = self._wait_for_mail(complaint.address, number)
        text = "I forgot to say: both payments were made with the card ending in 4402.\n\nAndrew\n"
        subject, replied = f"Re: {acknowledgement.subject}", acknowledgement.message_id
        mail = build_mail(complaint.name, complaint.address, self.mailbox, subject, text, replied)
        self._send(mail, complaint.address, self.mailbox)
        joined = self._wait_for_number(mail["Message-ID"])
        if joined != number:
            raise DemoFailed(f"the reply opened the ticket {joined}")
        page = self._page(number)
        because = match_of(page.messages[-1].evidence).reason
        self._print_line(number, f"{complaint.name} wrote | {shorten(text, len(text), 50)}")
        self._print_line(number, f"the same ticket: {because}")

    def _answer_as_agent(self, complaint: Complaint, number: str) -> None:
        agent = self.policy.agents[self._ticket(number).assignee or ""]
        notice = self._wait_for_mail(agent.address, number)
        text = (
            "Dear Andrew,\n\nyou are right, the second payment is on its way back to your card.\n"
            "Could you tell us when it has arrived?\n"
        )
        subject = f"Re: {notice.subject}"
        mail = build_mail(agent.name, agent.address, notice.reply_to, subject, text, notice.message_id)
        sent_at = self._send(mail, agent.address, notice.reply_to)
        answer = self._wait_for_mail(complaint.address, number, "second payment is on its way")
        taken = _duration(answer.at - sent_at)
        self._print_line(
            number, f'{agent.name} answers; {complaint.name} has it in {taken}: "{answer.subject}"'
        )
        for _ in self._patiently("the answer was not recorded"):
            if self._ticket(number).turn is Turn.CUSTOMER:
                self._print_line(number, "asks something, so it is the customer's turn and no promise runs")
                return

    def _miss_promise(self, number: str) -> None:
        """Print what happens to the ticket as it happens, until it is escalated."""
        shown = len(self._events(number))
        for _ in self._patiently(f"{number} was not escalated"):
            page = self._page(number)
            happened = page.events[shown:]
            shown = len(page.events)
            lines = Timeline(page.names, page.clock, happened).lines()
            for line in lines:
                text = f"  {page.clock.time(line.at)}  {line.text}"
                echo_wrapped(text, 10, fg="red" if line.is_bad else None)
            if any(isinstance(event, e.TicketEscalated) for event in happened):
                self._wait_for_mail(page.ticket.assignee or "", number)
                echo_wrapped(f"            {page.names.of(page.ticket.assignee)} has the notice by mail", 0)
                return

    def print_instructions(self, command: str, directory: Path, number: str) -> None:
        """Print how to write to the demo and look at it. `command` calls mailbot, `directory` configures it."""
        host, port, box = self.host, self.port, self.mailbox
        print_title("\n6. Your turn: write to it from another terminal")
        echo(f"  swaks --server {host}:{port} --from you@example.org \\")
        echo(f"        --to {box} --header 'Subject: Barang rusak' \\")
        echo("        --body 'Barang datang rusak, mohon diganti.'")
        echo("or, with nothing but Python:")
        echo("  python3 -c 'import smtplib")
        echo(f'smtplib.SMTP("{host}", {port}).sendmail(')
        echo(f'    "you@example.org", "{box}",')
        echo('    "Subject: Barang rusak\\n\\nBarang datang rusak, mohon diganti.")\'')
        print_title("\nand look at it")
        close = f"ticket close {number} --because 'the account is safe'"
        echo(f"  export MAILBOT_CONFIG={shlex.quote(str(directory))}")
        for words in ("ticket list", f"ticket show {number}", f"explain {number}", close, "status"):
            echo(f"  {command} {words}")
        echo()

    def watch(self) -> None:
        """Print what happens, as it happens, until the demo is ended."""
        shown: dict[str, int] = {}
        since, seen = datetime.now(UTC), len(self.sink.mails_after(0))
        while self.alive():
            arrived = self.sink.mails_after(seen)
            seen += len(arrived)
            for mail in arrived:
                if link := LOG_IN_LINK.search(mail.text):
                    echo(f"  log-in link for {mail.to}: {link[0]}")
            rows = self.store.read_now(queries.events_since, since - timedelta(seconds=5))
            for number in dict.fromkeys(number for number, row in rows if row.event.at >= since):
                page = self._page(number)
                known = shown.get(number, sum(event.at < since for event in page.events))
                shown[number] = len(page.events)
                for line in Timeline(page.names, page.clock, page.events[known:], explains=True).lines():
                    self._print_line(number, line.text)
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


@dataclass(frozen=True, slots=True)
class DemoPage:
    """A ticket with what its lines are made of."""

    ticket: Ticket
    events: list[e.Event]
    messages: list[queries.MessageView]
    names: Names
    clock: WallClock
    promises: list[tuple[datetime, Target]]


def _print_in_full(page: DemoPage, complaint: Complaint, answer: ReceivedMail, sent_at: float) -> None:
    routed = next(event for event in page.events if isinstance(event, e.TicketRouted))
    echo(f'  {page.ticket.number}  {complaint.name}  "{complaint.subject}"', bold=True)
    place = f"{page.names.place(page.ticket)}, {page.names.of(page.ticket.assignee) or 'the whole team'}"
    title = answer.subject.replace(f" [{page.ticket.number}]", "")
    echo_wrapped(f'    answered in {_duration(answer.at - sent_at)}: "{clean(title)}"')
    echo_wrapped(f"    {page.ticket.priority}, {place}, first answer by {_promised(page)}")
    echo_wrapped(f"    reason: {page.names.rule_reason(routed.rule, routed.reason)}")


def _promised(page: DemoPage) -> str:
    return page.clock.moment(page.promises[0][0]) if page.promises else "no time"


def _duration(seconds: float) -> str:
    return format_duration(timedelta(seconds=max(0.001, seconds)))
