"""Builds the rows of a decision: its notices as frozen mails, and the next deadline of its ticket."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mailbot import log
from mailbot.domain import ladder, reasons
from mailbot.domain.acts.agent_act import AgentAct, act_of, waits
from mailbot.domain.events import AcknowledgementSuppressed, ProgressSuppressed, Suppressed
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Authentication, Ticket
from mailbot.domain.notices import (
    Acknowledgement,
    AgentWorklist,
    Bulletin,
    Closing,
    Notice,
    Progress,
    TeamNotice,
    ToCustomer,
    recipient_of,
)
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.context import TicketContext
from mailbot.domain.people.page_readers import has_link
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.routing.conditions import URGENT
from mailbot.mail.compose.compose import ComposeRefused, OutboundMail
from mailbot.mail.compose.digest import COLLECTED, EXCERPT
from mailbot.mail.compose.reply_tokens import page_url
from mailbot.store.console import revoked_links
from mailbot.store.console.revoked_links import Revoked
from mailbot.store.digests import DigestItem
from mailbot.store.outbox import OutboxMail
from mailbot.store.tickets import TicketChange
from mailbot.workers.channels import joined_notices
from mailbot.workers.runtime import Snapshot
from mailbot.workers.ticket_context import Draft, load_contexts

_SUPPRESSED = {
    AcknowledgementSuppressed: Acknowledgement,
    ProgressSuppressed: Progress,
}  # else the closing word


def build_all(
    connection: Connection, drafts: Sequence[Draft], snapshot: Snapshot, now: datetime
) -> list[TicketChange]:
    """Build what `store.tickets.record` writes for these decisions, with what their notices show."""
    leaving = joined_notices.join(connection, [draft.decision for draft in drafts], now)
    contexts = load_contexts(connection, drafts, snapshot.policy)
    revoked = _load_revoked(connection, drafts, snapshot.policy)
    return [
        _build(draft, snapshot, now, context, revoked, leaving)
        for draft, context in zip(drafts, contexts, strict=True)
    ]


def _load_revoked(connection: Connection, drafts: Sequence[Draft], policy: Policy) -> Revoked:
    """Load how often links of the tickets were revoked, where mails will have any. A new ticket has no others."""
    if not policy.public_url:
        return {}
    linked = [each for each in drafts if each.before and _writes_to_customer(each.decision)]
    return revoked_links.load(connection, {draft.number for draft in linked})


def _writes_to_customer(decision: Decision) -> bool:
    return any(isinstance(notice, ToCustomer) for notice in decision.notices)


def _build(
    draft: Draft,
    snapshot: Snapshot,
    now: datetime,
    context: TicketContext,
    revoked: Revoked,
    leaving: Mapping[int, datetime | None],
) -> TicketChange:
    decision, since = draft.decision, draft.requested_at or now
    suppressed = [event for event in decision.events if isinstance(event, Suppressed)]
    items = [(notice, collected_item(notice, snapshot.policy, now)) for notice in decision.notices]
    act = act_of(secrets.token_hex(8), draft.before, decision, snapshot.policy)
    message = replace(draft.message, act=act.id) if draft.message and act else draft.message
    return TicketChange(
        before=draft.before,
        after=decision.ticket,
        events=decision.events,
        policy=snapshot.policy.version,
        deadline=ladder.next_deadline(decision.ticket, snapshot.policy, now),
        owed=(
            *(
                _waiting(
                    build_row(
                        _with_context(notice, context),
                        snapshot,
                        now,
                        since,
                        _page_url(notice, draft, snapshot, revoked),
                    ),
                    notice,
                    act,
                    leaving,
                )
                for notice, item in items
                if item is None
            ),
            *(_suppressed(decision.ticket, event, now, since) for event in suppressed),
        ),
        collected=tuple(item for _, item in items if item),
        message=message,
        participants=draft.participants,
        came=draft.arrived,
        act=act,
    )


def _waiting(
    row: OutboxMail, notice: Notice, act: AgentAct | None, leaving: Mapping[int, datetime | None]
) -> OutboxMail:
    """Let a mail of an agent's act to the customer wait until it can't be taken back any more.

    A notice of a chat waits for what else the customer writes, see `joined_notices`.
    """
    if id(notice) in leaving:
        at = leaving[id(notice)]
        return replace(row, due_at=at) if at else replace(row, reason=reasons.of("told_later"))
    if act is None or not waits(notice):
        return row
    return replace(row, act=act.id, due_at=act.until, requested_at=act.until)


def _with_context(notice: Notice, context: TicketContext) -> Notice:
    if isinstance(notice, ToCustomer | AgentWorklist):
        return notice
    return replace(notice, context=context)


def _page_url(notice: Notice, draft: Draft, snapshot: Snapshot, revoked: Revoked) -> str:
    """Return the address of the page where the recipient sees the ticket, "" for none."""
    ticket, policy = draft.decision.ticket, snapshot.policy
    if not policy.public_url or not isinstance(notice, ToCustomer):
        return ""
    proof = draft.message.authentication if draft.message else Authentication.NONE
    if not has_link(notice, ticket, proof):
        return ""
    to = recipient_of(notice)
    count = revoked.get((ticket.number, owner(to)), 0)
    return page_url(policy.public_url, snapshot.keys, ticket.number, to, count)


def collected_item(notice: Notice, policy: Policy, now: datetime) -> DigestItem | None:
    """Return what to collect for a digest in place of this notice; None when it goes out at once.

    What is urgent or has to be confirmed does not wait, nor what a digest can't say.
    """
    if not isinstance(notice, TeamNotice) or notice.why not in COLLECTED:
        return None
    agent = policy.agents.get(notice.to)
    if not agent or not agent.notify or notice.priority == URGENT or notice.confirm_by:
        return None
    return DigestItem(agent.address, notice.number, notice.why, now, notice.text[:EXCERPT])


def build_row(
    notice: Notice | Bulletin,
    snapshot: Snapshot,
    now: datetime,
    requested_at: datetime,
    page_url: str = "",
) -> OutboxMail:
    """Compose and freeze the mail for a notice. One that is unsafe to send becomes a suppressed row."""
    nonce = secrets.token_hex(8)
    try:
        mail = snapshot.composer.compose(notice, nonce=nonce, now=now, page_url=page_url)
    except ComposeRefused as refusal:
        unsafe = reasons.of("unsafe_mail", error=str(refusal)[:200])
        return _row(nonce, notice, now, requested_at, unsafe)
    if mail.fallback:
        log.template_failed(kind=mail.kind, error=mail.template_error)
    return _row(nonce, notice, now, requested_at, mail=mail)


def _row(
    nonce: str,
    notice: Notice | Bulletin,
    now: datetime,
    requested_at: datetime,
    reason: Reason = NO_REASON,
    mail: OutboundMail | None = None,
) -> OutboxMail:
    """Build the row of a composed mail, or of one that is never sent and has a reason instead."""
    return OutboxMail(
        nonce=nonce,
        message_id=mail.message_id if mail else "",
        ticket=notice.number,
        kind=notice.name,
        lane=notice.lane,
        sender=mail.sender if mail else "",
        recipient=mail.recipient if mail else recipient_of(notice),
        content=mail.content if mail else None,
        parts=mail.parts if mail else (),
        reason=reason,
        requested_at=requested_at,
        due_at=max(now, _hold_until(notice) or now),
        why=notice.why if isinstance(notice, TeamNotice) else "",  # a notice about a failure may fail too
    )


def _hold_until(notice: Notice | Bulletin) -> datetime | None:
    return notice.hold_until if isinstance(notice, TeamNotice) else None


def _suppressed(ticket: Ticket, event: Suppressed, now: datetime, requested_at: datetime) -> OutboxMail:
    kind = _SUPPRESSED.get(type(event), Closing)
    notice = kind(ticket.number, ticket.mailbox, ticket.answers_to, ticket.language, "")
    return _row(secrets.token_hex(8), notice, now, requested_at, event.reason)
