"""One transaction from read mails to recorded tickets: load the facts, decide one after the other, record.

`explain` runs the same code and rolls back.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

from sqlalchemy import Connection

from mailbot.domain import events as e
from mailbot.domain import ticket_number
from mailbot.domain.courtesy import AWAY, is_away
from mailbot.domain.decisions import MailDecision, MailFacts, customer_of, mailbox_of, on_mail
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Clues, Verdict, ends, follow, weigh
from mailbot.domain.model import NO_HISTORY, OVER, Authentication, CustomerHistory, InboundMail, Ticket
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.replies.auto_reply import allowance_keys
from mailbot.domain.replies.undeliverable import Mute
from mailbot.domain.routing.conditions import LOOKED_UP
from mailbot.mail.replies.automatic import envelope_reason
from mailbot.mail.replies.new_text import extract_answer
from mailbot.store import allowances, customer_history, failures, inbox, tickets
from mailbot.store import suppressions as mutes
from mailbot.store.codec import verdict_data
from mailbot.store.inbox import Claimed
from mailbot.workers import outbox_rows
from mailbot.workers.report_lookup import Trace, add_report, trace
from mailbot.workers.runtime import Snapshot, load_missing_ladders


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of one mail."""

    claimed: Claimed
    mail: InboundMail
    verdict: Verdict
    decided: MailDecision
    before: Ticket | None  # as it was; None when the mail opened one
    snapshot: Snapshot  # what it was decided by


@dataclass(slots=True)
class BatchState:
    """What the decisions need of the store; kept true while the mails of a batch are decided in turn."""

    tickets: dict[str, Ticket]
    messages: dict[str, str]  # Message-ID -> ticket
    participants: dict[str, set[str]]
    languages: dict[str, str]
    allowances: dict[str, datetime]
    open_numbers: dict[str, set[str]]  # address -> its open tickets; asked for where a number was mistyped
    mutes: dict[str, Mute]  # address -> why it gets no automatic mail
    customer_history: dict[str, CustomerHistory]  # customer -> what rules may ask; {} where no rule does

    def own(self, sender: str) -> set[str]:
        return self.open_numbers.get(sender, set())

    def staff(self, clues: Clues, policy: Policy) -> dict[str, set[str]]:
        """Ticket -> its agents' addresses, for those that a report names."""
        found: dict[str, set[str]] = {}
        for number in (*clues.reported, *(self.messages.get(each, "") for each in clues.recalled)):
            if ticket := self.tickets.get(number):
                team = policy.teams.get(ticket.team)
                people = {agent.address for agent in team.agents} if team else set()
                found[number] = people | {ticket.assignee or ""} - {""}
        return found

    def merged(self) -> dict[str, str]:
        return {number: each.merged_into for number, each in self.tickets.items() if each.merged_into}

    def learn(self, filed: Processed) -> None:
        ticket = filed.decided.decision.ticket
        self.tickets[ticket.number] = ticket
        if filed.mail.message_id:
            self.messages.setdefault(filed.mail.message_id, ticket.number)
        self.participants.setdefault(ticket.number, {ticket.customer})
        if ticket.language:
            self.languages[ticket.customer] = ticket.language
        self.allowances.update(filed.decided.spent)
        self._learn_circumstances(filed)
        for address in filed.decided.lifted:
            self.mutes.pop(address, None)
        if mute := filed.decided.effects.mute:
            self.mutes[mute.address] = mute

    def _learn_circumstances(self, filed: Processed) -> None:
        decision = filed.decided.decision
        before, after = filed.before, decision.ticket
        known = self.customer_history.get(after.customer)
        if known:
            was_open = before is not None and before.status not in OVER
            escalated = any(isinstance(event, e.TicketEscalated) for event in decision.events)
            self.customer_history[after.customer] = replace(
                known,
                known_customer=True,
                open_tickets=known.open_tickets + (after.status not in OVER) - was_open,
                escalated_before=known.escalated_before or escalated,
            )


def process_mails(
    connection: Connection,
    batch: Sequence[tuple[Claimed, InboundMail]],
    snapshot: Snapshot,
    node: str,
    now: datetime,
) -> list[Processed]:
    """Decides and records a batch. What came in first is decided first."""
    filed = decide_mails(connection, batch, snapshot, now)
    inbox.settle(
        connection,
        [inbox.Settled(one.claimed.inbox_id, node, one.decided.decision.ticket.number) for one in filed],
    )
    tickets.record(connection, [_outcome(one, now) for one in filed])
    allowances.spend(connection, {key: at for one in filed for key, at in one.decided.spent.items()})
    _return(connection, filed, node, now)
    return filed


def _return(connection: Connection, filed: Sequence[Processed], node: str, now: datetime) -> None:
    """What reports say of our mail, and of where it was sent to."""
    effects = [one.decided.effects for one in filed]
    came = [failures.CameBack(each.returned, node, now) for each in effects if each.returned]
    failures.come_back(connection, came)
    last: dict[str, Mute | None] = {}  # an address may be muted and lifted in one batch
    for one in filed:
        last |= dict.fromkeys(one.decided.lifted)
        if mute := one.decided.effects.mute:
            last[mute.address] = mute
    mutes.lift(connection, sorted({address for one in filed for address in one.decided.lifted}))
    mutes.put(connection, [mute for mute in last.values() if mute])


def decide_mails(
    connection: Connection,
    batch: Sequence[tuple[Claimed, InboundMail]],
    snapshot: Snapshot,
    now: datetime,
    assumed: Callable[[CustomerHistory], CustomerHistory] | None = None,
) -> list[Processed]:
    """Where each mail leads. Writes nothing; rows it read stay locked until the transaction ends.

    `assumed` is for a dry run: what is taken for known of a customer, given what the store knows.
    """
    policy = snapshot.policy
    batch = [(claimed, add_report(claimed, mail, policy)) for claimed, mail in batch]
    traced = [trace(connection, claimed.envelope, mail, snapshot) for claimed, mail in batch]
    clues = [_clues(*read, found, snapshot) for read, found in zip(batch, traced, strict=True)]
    known = _load(connection, batch, clues, policy, now)
    if assumed:
        customers = {customer_of(mail, claimed.envelope) for claimed, mail in batch}
        known.customer_history = {
            each: assumed(known.customer_history.get(each, NO_HISTORY)) for each in customers
        }
    snapshot = load_missing_ladders(connection, snapshot, known.tickets.values())
    snapshot.agent_loads.refresh(connection, policy)
    numbers = fresh_numbers(connection, [mailbox_of(claimed.envelope, policy) for claimed, _ in batch])
    filed = []
    for (claimed, mail), clue, found, number in zip(batch, clues, traced, numbers, strict=True):
        one = _decide(claimed, mail, clue, found, number, known, snapshot, now)
        known.learn(one)
        snapshot.agent_loads.add(one.before, one.decided.decision.ticket)
        filed.append(one)
    return filed


def _decide(
    claimed: Claimed,
    mail: InboundMail,
    clues: Clues,
    traced: Trace,
    number: str,
    known: BatchState,
    snapshot: Snapshot,
    now: datetime,
) -> Processed:
    policy = snapshot.policy
    automatic = mail.automatic or envelope_reason(claimed.envelope.sender)
    if not automatic and is_away(mail.subject, mail.visible):
        automatic = AWAY
    mail = replace(mail, automatic=automatic)
    own, staff, merged = known.own(mail.sender), known.staff(clues, policy), known.merged()
    verdict = weigh(clues, known.messages, known.participants, own, staff)
    strangers = mailbox_of(claimed.envelope, policy).strangers
    if not verdict.number and verdict.claims and strangers == "thread" and not clues.failed:
        verdict = replace(verdict, number=verdict.claims, claims="")
    meant = known.tickets.get(verdict.number)
    verdict = follow(verdict, merged)
    if verdict.tagged and mail.sender in policy.agents:
        # What goes on to the customer: nothing of the notice that the agent's program quoted below.
        mail = replace(mail, visible=extract_answer(mail.text))
    ticket = known.tickets.get(verdict.number)
    facts = MailFacts(
        number=number,
        verdict=verdict,
        proof=_proof(claimed, mail, snapshot),
        meant=meant.customer if meant else "",
        held_for=known.tickets.get(ends(verdict.claims, merged)) if strangers == "hold" else None,
        language=known.languages.get(mail.sender, ""),
        allowances=known.allowances,
        returned=traced.returned,
        mutes=known.mutes,
        loads=snapshot.agent_loads.loads,
        customer_history=known.customer_history.get(customer_of(mail, claimed.envelope), NO_HISTORY),
    )
    decided = on_mail(ticket, mail, claimed.envelope, facts, policy, now)
    same = ticket is not None and ticket.number == decided.decision.ticket.number
    return Processed(claimed, mail, verdict, decided, ticket if same else None, snapshot)


def _clues(claimed: Claimed, mail: InboundMail, traced: Trace, snapshot: Snapshot) -> Clues:
    tagged = ""
    for address in claimed.envelope.recipients:
        tag = snapshot.keys.reply_token_in(address)
        if tag and snapshot.keys.verify(tag, mail.sender):
            tagged = tag.number
    references = tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))[:20]
    signed = (snapshot.keys.number_in(message_id) for message_id in references)
    prefixes = {box.prefix for box in snapshot.policy.mailboxes.values()}
    found = ticket_number.find(mail.subject, prefixes)
    return Clues(
        sender=mail.sender,
        tagged=tagged,
        bounced=traced.bounced,
        signed=(*traced.answered, *(number for number in signed if number)),
        referenced=references,
        written=found.valid,
        mistyped=found.mistyped,
        failed=mail.authentication is Authentication.FAIL,
        returned=traced.marked,
        recalled=traced.recalled,
        reported=traced.reported,
        concerned=traced.concerned,
    )


def _load(
    connection: Connection,
    batch: Sequence[tuple[Claimed, InboundMail]],
    clues: Sequence[Clues],
    policy: Policy,
    now: datetime,
) -> BatchState:
    ids = {mid for clue in clues for mid in (*clue.referenced, *clue.recalled)} - {""}
    messages = tickets.known_messages(connection, ids)
    named = {
        number
        for clue in clues
        for number in (
            *(clue.tagged, clue.bounced),
            *(*clue.signed, *clue.written, *clue.returned, *clue.reported),
        )
    }
    numbers = (named | set(messages.values())) - {""}
    senders = {mail.sender for _, mail in batch if mail.sender and not mail.language}
    keys = {
        key
        for claimed, mail in batch
        if claimed.envelope.sender and not mail.automatic
        for key in allowance_keys(claimed.envelope.sender, policy, mail.sender)
    }
    people = {each.lower() for claimed, mail in batch for each in (mail.sender, claimed.envelope.sender)}
    asks = not policy.asked.isdisjoint(LOOKED_UP)
    asked_of = {customer_of(mail, claimed.envelope) for claimed, mail in batch} if asks else set()
    return BatchState(
        tickets=tickets.load_with_heirs(connection, numbers),
        messages=messages,
        participants=tickets.participants_of(connection, numbers),
        languages=tickets.languages_of(connection, senders),
        allowances=allowances.load(connection, keys),
        open_numbers=tickets.open_numbers_of(
            connection, {each.sender for each in clues if each.mistyped} - {""}
        ),
        mutes=mutes.load(connection, people - {""}, now),
        customer_history=customer_history.now(connection, asked_of, now),
    )


def fresh_numbers(connection: Connection, boxes: Sequence[Mailbox]) -> list[str]:
    """A number nobody has for each box: random, so that nothing is told or guessed; the key settles races."""
    numbers = [_random_number(box) for box in boxes]
    taken = tickets.taken(connection, numbers)
    used: set[str] = set()
    for position, box in enumerate(boxes):
        while numbers[position] in taken or numbers[position] in used:
            numbers[position] = _random_number(box)
            taken |= tickets.taken(connection, [numbers[position]])
        used.add(numbers[position])
    return numbers


def _random_number(box: Mailbox) -> str:
    return ticket_number.make(box.prefix, f"{secrets.randbelow(10**box.digits):0{box.digits}d}")


def _proof(claimed: Claimed, mail: InboundMail, snapshot: Snapshot) -> str:
    """How a mail showed that it comes from the agent it names; "" when it did not."""
    if mail.authentication is Authentication.PASS:
        return "authenticated by a host that we trust"
    if mail.authentication is not Authentication.FAIL and claimed.envelope.peer:
        peer = ip_address(claimed.envelope.peer)
        if any(peer in network for network in snapshot.trust.agent_networks):
            return "sent from a trusted network"
    return ""


def _turn(decision: Decision) -> str:
    """Whose word the mail is: on this, clocks are told anew when it is moved to another ticket."""
    kinds = {type(event) for event in decision.events}
    if e.AgentAnswered in kinds:
        return "answer"
    return "customer" if kinds & {e.TicketOpened, e.CustomerWrote} else ""


def _outcome(filed: Processed, now: datetime) -> tickets.Outcome:
    mail, decision = filed.mail, filed.decided.decision
    ticket = decision.ticket
    message = tickets.Message(
        at=now,
        direction=filed.decided.direction,
        author=mail.sender or filed.claimed.envelope.sender,
        subject=mail.subject,
        text=mail.text,
        visible=mail.visible,
        message_id=mail.message_id,
        inbox_id=filed.claimed.inbox_id,
        evidence=verdict_data(filed.verdict),
        turn=_turn(decision),
        automatic=mail.automatic,
        flags=mail.flags,
        attachments=mail.attachments,
    )
    return outbox_rows.build(
        filed.before,
        decision,
        filed.snapshot,
        now,
        asked_at=filed.claimed.envelope.received_at,
        message=message,
        participants=[(ticket.customer, "customer")] if filed.before is None else [],
    )
