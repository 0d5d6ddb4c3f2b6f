"""What the decisions of one batch need from the store: loaded once, then kept up to date in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mailbot.domain import events as e
from mailbot.domain.matching import Clues
from mailbot.domain.model import OVER, Author, CustomerHistory, InboundMail, Role, Status, Ticket
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.customer import acknowledge_to, customer_of
from mailbot.domain.people.identities import is_identity
from mailbot.domain.people.participants import taking_part
from mailbot.domain.policy import Policy
from mailbot.domain.replies.auto_reply import rates, status_rates
from mailbot.domain.replies.mail_facts import MailDecision
from mailbot.domain.replies.same_mail import Earlier, earlier_of
from mailbot.domain.replies.undeliverable import Suppression
from mailbot.domain.replies.without_token import help_key
from mailbot.domain.routing.conditions import STORE_FIELDS
from mailbot.store import customer_history, rate_limits, suppressions, tickets
from mailbot.store.channels import conversations
from mailbot.store.inbox import ClaimedMail


@dataclass(slots=True)
class BatchState:
    """The facts behind the decisions. Each decision of the batch is added before the next one is made."""

    tickets: dict[str, Ticket]
    messages: dict[str, str]  # Message-ID -> ticket
    earlier: dict[tuple[str, str], list[Earlier]]  # (Message-ID, From) -> such mails, on tickets already
    participants: dict[str, set[str]]  # ticket -> who takes part
    roles: dict[str, dict[str, Role]]  # ticket -> what each address is on it
    languages: dict[str, str]
    rate_limits: dict[str, datetime]
    open_numbers: dict[str, set[str]]  # address -> its open tickets; only where a number was mistyped
    suppressions: dict[str, Suppression]  # address -> why it gets no automatic mail
    customer_history: dict[str, CustomerHistory]  # by customer; {} where no rule needs it
    conversations: dict[str, str]  # identity in a chat -> the ticket that its messages belong to
    filed: dict[
        str, list[str]
    ]  # mailbox -> tickets filed in the last hour, newest last; {} without machines' mail

    def filed_full(self, mailbox: str, policy: Policy) -> Ticket | None:
        """Return the newest filed ticket of a mailbox that filed enough within the hour."""
        filed = self.filed.get(mailbox, [])
        return (
            self.tickets.get(filed[-1])
            if policy.filed_per_hour and len(filed) >= policy.filed_per_hour
            else None
        )

    def staff(self, clues: Clues, policy: Policy) -> dict[str, set[str]]:
        """Return ticket -> its agents' addresses, for the tickets that a report names."""
        staff: dict[str, set[str]] = {}
        for number in (*clues.reported, *(self.messages.get(id_, "") for id_ in clues.recalled)):
            if ticket := self.tickets.get(number):
                team = policy.teams.get(ticket.team)
                agents = {agent.address for agent in team.agents} if team else set()
                staff[number] = agents | {ticket.assignee or ""} - {""}
        return staff

    def merged(self) -> dict[str, str]:
        """Return merged ticket -> what it was merged into."""
        return {number: ticket.merged_into for number, ticket in self.tickets.items() if ticket.merged_into}

    def add(self, mail: InboundMail, before: Ticket | None, decided: MailDecision) -> None:
        """Add what was decided about one mail. `before`: its ticket, None when the mail opened one."""
        ticket = decided.decision.ticket
        self.tickets[ticket.number] = ticket
        if before is None and ticket.status is Status.FILED:
            self.filed.setdefault(ticket.mailbox, []).append(ticket.number)
        if mail.message_id:
            self.messages.setdefault(mail.message_id, ticket.number)
            as_earlier = earlier_of(mail, ticket.number, decided.direction)
            self.earlier.setdefault((mail.message_id, mail.sender), []).append(as_earlier)
        self._add_roles(decided)
        if is_identity(mail.sender):
            self.conversations[mail.sender] = ticket.number
        if ticket.language:
            self.languages[ticket.customer] = ticket.language
        self.rate_limits.update(decided.spent)
        self._add_history(before, decided)
        for address in decided.lifted:
            self.suppressions.pop(address, None)
        if suppression := decided.effects.suppression:
            self.suppressions[suppression.address] = suppression

    def load_history(self, connection: Connection, customer: str, policy: Policy, now: datetime) -> None:
        """Load what is known of a customer who was found late, where a rule needs it."""
        if customer not in self.customer_history and not policy.asked_fields.isdisjoint(STORE_FIELDS):
            self.customer_history |= customer_history.load(connection, {customer}, now)

    def _add_roles(self, decided: MailDecision) -> None:
        number = decided.decision.ticket.number
        roles = self.roles.setdefault(number, {decided.decision.ticket.customer: Role.CUSTOMER})
        for event in decided.decision.events:
            roles |= e.roles_of(event)
        self.participants[number] = taking_part(roles)

    def _add_history(self, before: Ticket | None, decided: MailDecision) -> None:
        after = decided.decision.ticket
        person = owner(after.customer)
        spellings = [each for each in self.customer_history if owner(each) == person]
        was_open = before is not None and before.status not in OVER
        escalated = any(isinstance(event, e.TicketEscalated) for event in decided.decision.events)
        for spelling in spellings:
            history = self.customer_history[spelling]
            self.customer_history[spelling] = replace(
                history,
                known_customer=True,
                open_tickets=history.open_tickets + (after.status not in OVER) - was_open,
                escalated_before=history.escalated_before or escalated,
            )


def _load_earlier(
    connection: Connection, same: Sequence[tickets.StoredMail]
) -> dict[tuple[str, str], list[Earlier]]:
    loaded = tickets.earlier_mails(connection, [each.id for each in same])
    found: dict[tuple[str, str], list[Earlier]] = {}
    for each in same:
        found.setdefault((each.message_id, each.author), []).append(loaded[each.id])
    return found


def load_state(
    connection: Connection,
    batch: Sequence[tuple[ClaimedMail, InboundMail]],
    clues: Sequence[Clues],
    policy: Policy,
    now: datetime,
) -> BatchState:
    """Load what a batch names. Tickets stay locked until the transaction ends."""
    ids = {id_ for clue in clues for id_ in (*clue.referenced, *clue.recalled)}
    own = {(mail.message_id, mail.sender) for _, mail in batch if mail.message_id and mail.sender}
    own_ids = {message_id for message_id, _ in own}
    chatting = {mail.sender for _, mail in batch if is_identity(mail.sender)}
    tickets.lock_message_ids(connection, own_ids | chatting)  # two messages of a chat open one ticket
    current = conversations.load(connection, chatting, now)
    known = tickets.mails_by_message_id(connection, (ids | own_ids) - {""})
    messages = {each.message_id: each.ticket for each in reversed(known)}
    earlier = _load_earlier(connection, [each for each in known if (each.message_id, each.author) in own])
    numbers = {*messages.values(), *current.values()}
    numbers |= {each.ticket for mails in earlier.values() for each in mails}
    for clue in clues:
        numbers.update((clue.tagged, clue.bounced, *clue.signed, *clue.written, *clue.in_text, *clue.quoted))
        numbers.update((clue.posted, clue.surveyed, clue.only, *clue.returned, *clue.reported, *clue.aliased))
    machines = any(mail.author is not Author.PERSON for _, mail in batch)
    filed = tickets.filed_since(connection, now - timedelta(hours=1)) if machines else {}
    numbers.update(each[-1] for each in filed.values())
    numbers -= {""}
    found = tickets.load_with_merge_targets(connection, numbers)
    roles = tickets.roles_of_tickets(connection, numbers | found.keys())
    unsure_of_language = {mail.sender for _, mail in batch if mail.sender and not mail.language}
    keys = {
        key
        for claimed, mail in batch
        if claimed.envelope.sender and not mail.no_auto_reply
        for key, _ in rates(
            acknowledge_to(mail, claimed.envelope, policy),
            policy,
            customer_of(mail, claimed.envelope, policy),
        )
    }
    keys |= {key for clue in clues if clue.names_ticket for key, _ in status_rates(clue.sender, policy)}
    keys |= {help_key(mail.sender) for _, mail in batch if mail.sender in policy.agents}
    senders = {claimed.envelope.sender for claimed, _ in batch} | {mail.sender for _, mail in batch}
    senders |= {acknowledge_to(mail, claimed.envelope, policy) for claimed, mail in batch}
    senders |= {mail.reply_to for _, mail in batch}
    rules_need_history = not policy.asked_fields.isdisjoint(STORE_FIELDS)
    customers = {customer_of(mail, claimed.envelope, policy) for claimed, mail in batch if rules_need_history}
    # Answers go to those who take part.
    senders |= {address for each in roles.values() for address in taking_part(each)}
    mistyped = {clue.sender for clue in clues if clue.mistyped} - {""}
    return BatchState(
        tickets=found,
        messages=messages,
        earlier=earlier,
        participants={number: taking_part(each) for number, each in roles.items()},
        roles=roles,
        languages=tickets.languages_of(connection, unsure_of_language),
        rate_limits=rate_limits.load(connection, keys),
        open_numbers=tickets.open_numbers_of(connection, mistyped),
        suppressions=suppressions.load(connection, {each.lower() for each in senders} - {""}, now),
        customer_history=customer_history.load(connection, customers, now),
        conversations=current,
        filed=filed,
    )
