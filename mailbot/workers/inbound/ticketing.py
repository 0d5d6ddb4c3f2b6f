"""One transaction from parsed mails to recorded tickets: load the facts, decide in turn, record.

Theory of operation. `process_mails` is the transaction behind intake: it decides a batch, then records it
with a handful of bulk statements. `decide_mails` writes nothing, so that `explain` runs the same code and
rolls back. All of one batch is decided, written and timed by one frozen snapshot.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from mailbot.domain import events as e
from mailbot.domain.actor import Actor
from mailbot.domain.commands import grammar
from mailbot.domain.lifecycle import Decision
from mailbot.domain.merging.rebuild import post_turn
from mailbot.domain.model import (
    NO_HISTORY,
    CustomerHistory,
    InboundMail,
    Ticket,
)
from mailbot.domain.people.customer import customer_of
from mailbot.domain.replies.mail_facts import MailDecision
from mailbot.domain.replies.undeliverable import Suppression
from mailbot.domain.routing.routing_facts import mailbox_of
from mailbot.store import failures, inbox, outbox, rate_limits, suppressions, tickets
from mailbot.store.codec import match_data
from mailbot.store.inbox import ClaimedMail
from mailbot.workers import outbox_rows
from mailbot.workers.channels import linked_answers
from mailbot.workers.inbound.agent_commands import (
    accept,
    accepts,
    lock_ledger,
)
from mailbot.workers.inbound.arrival import Arrival, Processed
from mailbot.workers.inbound.batch_state import load_state
from mailbot.workers.inbound.clues import complete, find_clues
from mailbot.workers.runtime import Snapshot, load_missing_ladders
from mailbot.workers.ticket_context import Draft
from mailbot.workers.ticket_numbers import draw_numbers
from mailbot.workers.transaction import Transaction


def process_mails(
    connection: Connection,
    batch: Sequence[tuple[ClaimedMail, InboundMail]],
    snapshot: Snapshot,
    node: str,
    now: datetime,
    allowance: outbox.Allowance | None = None,
    *,
    claimed: bool = True,
) -> list[Processed]:
    """Decide and record a batch, what came in first before the rest. Raises ClaimLost, Outdated.

    `node` has claimed the mails, unless they were kept in this transaction. With an `allowance` it sends mails
    itself.
    """
    parts = _without_second_mails(batch, snapshot)
    return [
        each
        for part in parts
        for each in _process_part(connection, part, snapshot, node, now, allowance, claimed)
    ]


def _without_second_mails(
    batch: Sequence[tuple[ClaimedMail, InboundMail]], snapshot: Snapshot
) -> list[list[tuple[ClaimedMail, InboundMail]]]:
    """Divide a batch so that no part has two mails of one agent: `#batal` takes back what is recorded already.

    A mail that changes links ends its part: who takes part in what is read anew after it.
    """
    parts: list[list[tuple[ClaimedMail, InboundMail]]] = [[]]
    for each in batch:
        mail, is_agent = each[1], each[1].sender in snapshot.policy.agents
        if is_agent and any(before.sender == mail.sender for _, before in parts[-1]):
            parts.append([])
        parts[-1].append(each)
        if is_agent and grammar.names_links(mail.text):
            parts.append([])
    return [part for part in parts if part]


def _process_part(
    connection: Connection,
    batch: Sequence[tuple[ClaimedMail, InboundMail]],
    snapshot: Snapshot,
    node: str,
    now: datetime,
    allowance: outbox.Allowance | None,
    claimed: bool,
) -> list[Processed]:
    batch_processed = decide_mails(connection, batch, snapshot, now)
    inbox.mark_done(
        connection,
        [
            inbox.Done(each.claimed.inbox_id, node if claimed else None, each.decided.decision.ticket.number)
            for each in batch_processed
        ],
    )
    drafts = [draft for each in batch_processed for draft in _drafts(each, now)]
    if batch_processed:
        snapshot = batch_processed[0].snapshot
        changes = outbox_rows.build_all(connection, drafts, snapshot, now)
        tickets.record(connection, changes, allowance)
    for each in batch_processed:
        if each.decided.acted:
            links = each.decided.decision.events
            linked_answers.settle(Transaction(connection, each.snapshot, now), links)
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
        processed = Arrival(connection, claimed, mail, clues, sent, number, state, snapshot, now).decide()
        before, decided = processed.before, processed.decided
        state.add(processed.mail, before, decided)
        snapshot.agent_loads.add(before, decided.decision.ticket)
        snapshot.storms.add_new(decided.complaint, decided.decision.ticket, policy)
        batch_processed.append(processed)
    return batch_processed


def _turn(decision: Decision) -> str:
    """Return who wrote the mail: a move to another ticket computes the clocks again from this."""
    for event in decision.events:
        match event:
            case e.AgentAnswered(turn=turn):
                return post_turn(turn)
            case e.TicketOpened() | e.CustomerWrote():
                return "customer"
    return ""


def addresses_of(mail: InboundMail) -> dict[str, Any]:
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
        addresses=addresses_of(mail),
        attachments=mail.attachments,
        channel=mail.channel,
    )
    return Draft(
        before,
        decision,
        message,
        requested_at=claimed.envelope.received_at,
        participants=((decision.ticket.customer, "customer"),) if before is None else (),
    )
