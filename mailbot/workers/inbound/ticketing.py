"""One transaction from parsed mails to recorded tickets: load the facts, decide in turn, record.

Theory of operation. `process_mails` is the transaction behind intake: it decides a batch, then records it
with a handful of bulk statements. `decide_mails` writes nothing, so that `explain` runs the same code and
rolls back. All of one batch is decided, written and timed by one frozen snapshot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from sqlalchemy import Connection

from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.decisions import on_mail
from mailbot.domain.escalation.overdue import take_first
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import STRONG, Clues, Match, follow, match_ticket, merge_end
from mailbot.domain.merging.rebuild import post_turn
from mailbot.domain.model import (
    NO_HISTORY,
    Authentication,
    Author,
    CustomerHistory,
    Direction,
    Envelope,
    InboundMail,
    Ticket,
)
from mailbot.domain.people.customer import customer_of
from mailbot.domain.policy import Agent, Policy
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.replies.agent_mail import NO_AGENT_MAIL
from mailbot.domain.replies.mail_facts import MailDecision, MailFacts
from mailbot.domain.replies.same_mail import is_copy, on_copy, same_mails
from mailbot.domain.replies.undeliverable import Sent, Suppression
from mailbot.domain.replies.without_token import acting_agent, match_for_agent
from mailbot.domain.routing.routing_facts import mailbox_of
from mailbot.store import compensations, failures, inbox, rate_limits, suppressions, tickets
from mailbot.store.agents import acts
from mailbot.store.codec import match_data
from mailbot.store.inbox import ClaimedMail
from mailbot.workers import outbox_rows
from mailbot.workers.inbound.agent_commands import (
    NO_COMMANDS,
    accept,
    accepts,
    as_stored,
    lock_ledger,
    read_commands,
)
from mailbot.workers.inbound.agent_replies import open_forwarded, read_reply
from mailbot.workers.inbound.answered_mail import answers_acknowledgement
from mailbot.workers.inbound.batch_state import BatchState, load_state
from mailbot.workers.inbound.clues import complete, find_clues
from mailbot.workers.inbound.customer_replies import fold_reply
from mailbot.workers.inbound.ratings import rating_of
from mailbot.workers.inbound.tapped import find_tap, mark_used
from mailbot.workers.runtime import Snapshot, load_missing_ladders
from mailbot.workers.ticket_context import Draft
from mailbot.workers.ticket_numbers import draw_numbers


@dataclass(frozen=True, slots=True)
class Processed:
    """One mail and its decision. `before`: its ticket until then, None when the mail opened one.

    `due`: what was due on the ticket, decided before an agent's mail.
    """

    claimed: ClaimedMail
    mail: InboundMail
    match: Match
    decided: MailDecision
    before: Ticket | None
    snapshot: Snapshot
    due: Decision | None = None


def process_mails(
    connection: Connection,
    batch: Sequence[tuple[ClaimedMail, InboundMail]],
    snapshot: Snapshot,
    node: str,
    now: datetime,
) -> list[Processed]:
    """Decide and record a batch, what came in first before the rest. Raises ClaimLost, Outdated."""
    parts = _without_second_mails(batch, snapshot)
    return [each for part in parts for each in _process_part(connection, part, snapshot, node, now)]


def _without_second_mails(
    batch: Sequence[tuple[ClaimedMail, InboundMail]], snapshot: Snapshot
) -> list[list[tuple[ClaimedMail, InboundMail]]]:
    """Divide a batch so that no part has two mails of one agent: `#batal` takes back what is recorded already."""
    parts: list[list[tuple[ClaimedMail, InboundMail]]] = [[]]
    for each in batch:
        sender = each[1].sender
        if sender in snapshot.policy.agents and any(mail.sender == sender for _, mail in parts[-1]):
            parts.append([])
        parts[-1].append(each)
    return parts


def _process_part(
    connection: Connection,
    batch: Sequence[tuple[ClaimedMail, InboundMail]],
    snapshot: Snapshot,
    node: str,
    now: datetime,
) -> list[Processed]:
    batch_processed = decide_mails(connection, batch, snapshot, now)
    inbox.mark_done(
        connection,
        [
            inbox.Done(each.claimed.inbox_id, node, each.decided.decision.ticket.number)
            for each in batch_processed
        ],
    )
    drafts = [draft for each in batch_processed for draft in _drafts(each, now)]
    if batch_processed:
        snapshot = batch_processed[0].snapshot
        tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, now))
    for each in batch_processed:
        if each.decided.acted and accepts(each.decided.acted.act):
            number, by = each.decided.decision.ticket.number, Actor.agent(each.mail.sender)
            if refusal := accept(connection, snapshot, number, by, now):
                raise tickets.Outdated(f"{number} can't be accepted any more: {refusal}")
    decided = [each.decided for each in batch_processed]
    rate_limits.save(connection, {key: at for each in decided for key, at in each.spent.items()})
    _record_reports(connection, decided, node, now)
    return batch_processed


def _record_reports(
    connection: Connection, decided: Sequence[MailDecision], node: str, now: datetime
) -> None:
    """Record what delivery reports contain about sent mails and their recipients."""
    returned = [each.effects.returned for each in decided if each.effects.returned]
    failures.record_reports(connection, [failures.DeliveryReport(each, node, now) for each in returned])
    last: dict[str, Suppression | None] = {}  # one batch may suppress an address and lift that again
    for each in decided:
        last |= dict.fromkeys(each.lifted)
        if suppression := each.effects.suppression:
            last[suppression.address] = suppression
    suppressions.remove(connection, sorted({address for each in decided for address in each.lifted}))
    suppressions.add(connection, [suppression for suppression in last.values() if suppression])


def decide_mails(
    connection: Connection,
    batch: Sequence[tuple[ClaimedMail, InboundMail]],
    snapshot: Snapshot,
    now: datetime,
    assume: Callable[[CustomerHistory], CustomerHistory] | None = None,
    *,
    find_copies: bool = True,
) -> list[Processed]:
    """Decide a batch and write nothing. Tickets stay locked until the transaction ends.

    For a dry run: `assume` returns the customer history to go by, given the one in the store. Without
    `find_copies` a mail that is here already is decided as if it came for the first time.
    """
    policy = snapshot.policy
    batch = [(claimed, complete(claimed, mail, snapshot)) for claimed, mail in batch]
    lock_ledger(connection, batch, snapshot)
    found = [find_clues(connection, claimed, mail, snapshot) for claimed, mail in batch]
    state = load_state(connection, batch, [clues for clues, _ in found], policy, now)
    if not find_copies:
        state.earlier.clear()
    if assume:
        customers = {customer_of(mail, claimed.envelope, policy) for claimed, mail in batch}
        stored = state.customer_history
        state.customer_history = {
            customer: assume(stored.get(customer, NO_HISTORY)) for customer in customers
        }
    snapshot = load_missing_ladders(connection, snapshot, state.tickets.values())
    snapshot.agent_loads.refresh(connection, policy)
    numbers = draw_numbers(connection, [mailbox_of(claimed.envelope, policy) for claimed, _ in batch])
    batch_processed = []
    for (claimed, mail), (clues, sent), number in zip(batch, found, numbers, strict=True):
        processed = _decide(connection, claimed, mail, clues, sent, number, state, snapshot, now)
        before, decided = processed.before, processed.decided
        state.add(processed.mail, before, decided)
        snapshot.agent_loads.add(before, decided.decision.ticket)
        snapshot.storms.add_new(decided.complaint, decided.decision.ticket, policy)
        batch_processed.append(processed)
    return batch_processed


def _decide(
    connection: Connection,
    claimed: ClaimedMail,
    mail: InboundMail,
    clues: Clues,
    sent: Sent | None,
    number: str,
    state: BatchState,
    snapshot: Snapshot,
    now: datetime,
) -> Processed:
    policy, envelope = snapshot.policy, claimed.envelope
    earlier = same_mails(mail, state.earlier.get((mail.message_id, mail.sender), ()))
    if copied := next((each for each in earlier if is_copy(mail, each)), None):
        return _copy(claimed, mail, state.tickets[copied.ticket], snapshot, now)
    clues = replace(clues, again=tuple(each.ticket for each in earlier)) if earlier else clues
    proof = _proof(claimed, mail, snapshot) if mail.sender in policy.agents else ""
    strangers, merged = mailbox_of(envelope, policy).strangers, state.merged()
    own, staff = state.open_numbers.get(clues.sender, set()), state.staff(clues, policy)
    match = match_ticket(clues, state.messages, state.participants, own, staff)
    if not match.number and match.claims and strangers == "thread" and not clues.failed:
        match = replace(match, number=match.claims, claims="")
    match = match_for_agent(match) if proof else match
    named = state.tickets.get(match.number)
    match = follow(match, merged)
    ticket, reply, forwarded, unproven = state.tickets.get(match.number), NO_AGENT_MAIL, None, False
    commands, tapped = NO_COMMANDS, find_tap(connection, envelope, mail, snapshot)
    due: Decision | None = None
    agent: Agent | None = None
    roles = state.roles.get(match.number, {})
    if ticket and (agent := acting_agent(mail, match, proof, roles, policy)):
        mail, reply = read_reply(connection, mail, ticket, match.followed, agent, snapshot)
        decisions_only = reply.for_colleagues or clues.for_colleagues
        reply = replace(reply, for_colleagues=decisions_only, of_another=clues.of_another)
        if proof:
            commands = read_commands(connection, snapshot, ticket, mail, agent, tapped, roles, now)
    elif ticket is None and proof and mail.author is Author.PERSON:
        mail, forwarded = open_forwarded(mail, policy)
        if forwarded:
            state.load_history(connection, mail.sender, policy, now)
    else:
        mail, unproven = fold_reply(connection, mail, ticket, match.followed, policy)
    facts = MailFacts(
        number=number,
        match=match,
        proof=proof,
        reply=reply,
        act=commands.act,
        command_facts=commands.facts,
        tapped=tapped is not None,
        forwarded=forwarded,
        hides_unproven=unproven,
        rating=rating_of(connection, mail, ticket, match, clues, snapshot),
        meant=named.customer if named else "",
        held_for=state.tickets.get(merge_end(match.claims, merged)) if strangers == "hold" else None,
        language=state.languages.get(mail.sender, ""),
        rate_limits=state.rate_limits,
        returned=sent,
        suppressions=state.suppressions,
        acknowledged_before=ticket is None and answers_acknowledgement(connection, mail, clues, snapshot),
        filed_full=state.filed_full(mailbox_of(envelope, policy).address, policy),
        loads=snapshot.agent_loads.loads,
        customer_history=state.customer_history.get(customer_of(mail, envelope, policy), NO_HISTORY),
        roles=roles,
        senders_checked=bool(snapshot.trust.authserv_ids) or snapshot.trust.verify,
        storms=snapshot.storms,
    )
    if ticket and agent and proof:
        decided, due = _after_due(ticket, mail, envelope, facts, policy, now)
    else:
        decided = on_mail(ticket, mail, envelope, facts, policy, now)
    if decided.acted:
        compensations.append(connection, decided.acted.entries)  # the next mail of the batch counts them
        acts.mark_sent(connection, decided.acted.act.sends)  # and sends no held mail a second time
        mail = as_stored(mail, decided.acted)
        if tapped:
            mark_used(connection, tapped, now)
    before = state.tickets.get(decided.decision.ticket.number)
    return Processed(claimed, mail, match, decided, before, snapshot, due)


def _after_due(
    ticket: Ticket, mail: InboundMail, envelope: Envelope, facts: MailFacts, policy: Policy, now: datetime
) -> tuple[MailDecision, Decision | None]:
    """Decide about an agent's mail after what is due on the ticket; return that too."""
    suppression = facts.suppressions.get(ticket.answers_to.lower())
    due, decided = take_first(
        ticket,
        lambda then: on_mail(then, mail, envelope, facts, policy, now),
        lambda found: found.decision,
        policy,
        now,
        suppression.as_reason if suppression else NO_REASON,
        facts.loads,
    )
    return decided, due


def _copy(
    claimed: ClaimedMail, mail: InboundMail, ticket: Ticket, snapshot: Snapshot, now: datetime
) -> Processed:
    """File a mail that is on the ticket already and came by another way."""
    match = Match(ticket.number, reasons.of("same_mail"), confidence=STRONG)
    direction = Direction.NOTE if mail.sender in snapshot.policy.agents else Direction.IN
    decided = MailDecision(on_copy(ticket, mail, now), direction)
    return Processed(claimed, replace(mail, flags=(*mail.flags, "copy")), match, decided, ticket, snapshot)


def _proof(claimed: ClaimedMail, mail: InboundMail, snapshot: Snapshot) -> str:
    """Return how a mail showed that it comes from the agent it names, "" when it did not."""
    if mail.authentication is Authentication.PASS:
        return "authenticated by a host that we trust"
    if mail.authentication is not Authentication.FAIL and claimed.envelope.peer:
        peer = ip_address(claimed.envelope.peer)
        if any(peer in network for network in snapshot.trust.agent_networks):
            return "sent from a trusted network"
    return ""


def _turn(decision: Decision) -> str:
    """Return who wrote the mail: a move to another ticket computes the clocks again from this."""
    for event in decision.events:
        match event:
            case e.AgentAnswered(turn=turn):
                return post_turn(turn)
            case e.TicketOpened() | e.CustomerWrote():
                return "customer"
    return ""


def _addresses(mail: InboundMail) -> dict[str, Any]:
    listed = {name: [[each.name, each.address] for each in getattr(mail, name)] for name in ("to", "cc")}
    original = mail.original_from.address if mail.original_from else ""
    others = {"reply_to": mail.reply_to_named, "name": mail.sender_name, "original_from": original}
    return {name: value for name, value in {**listed, **others}.items() if value}


def _drafts(processed: Processed, now: datetime) -> list[Draft]:
    due = processed.due
    if due is None:
        return [_draft(processed, processed.before, now)]
    return [Draft(processed.before, due), _draft(processed, due.ticket, now)]


def _draft(processed: Processed, before: Ticket | None, now: datetime) -> Draft:
    mail, decision, claimed = processed.mail, processed.decided.decision, processed.claimed
    message = tickets.Message(
        at=now,
        direction=processed.decided.direction,
        author=mail.sender or claimed.envelope.sender,
        subject=mail.subject,
        text=mail.text,
        visible=mail.visible,
        message_id=mail.message_id,
        inbox_id=claimed.inbox_id,
        evidence=match_data(processed.match),
        turn=_turn(decision),
        no_auto_reply=mail.no_auto_reply,
        flags=mail.flags,
        author_kind=mail.author,
        author_reason=mail.author_reason,
        authentication=mail.authentication,
        addresses=_addresses(mail),
        attachments=mail.attachments,
    )
    return Draft(
        before,
        decision,
        message,
        requested_at=claimed.envelope.received_at,
        participants=((decision.ticket.customer, "customer"),) if before is None else (),
    )
