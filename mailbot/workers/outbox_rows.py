"""From a decision to rows: notices are composed and frozen, the next deadline follows from the clocks."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from mailbot import log
from mailbot.domain import ladder
from mailbot.domain.events import AcknowledgementSuppressed, ProgressSuppressed
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Ticket
from mailbot.domain.notices import Acknowledgement, Bulletin, Notice, Progress, TeamNotice
from mailbot.mail.compose.compose import ComposeRefused
from mailbot.store.outbox import Owed
from mailbot.store.tickets import Message, Outcome
from mailbot.workers.runtime import Snapshot

Suppressed = AcknowledgementSuppressed | ProgressSuppressed


def outcome(
    before: Ticket | None,
    decision: Decision,
    snapshot: Snapshot,
    now: datetime,
    *,
    asked_at: datetime | None = None,
    message: Message | None = None,
    participants: Sequence[tuple[str, str]] = (),
) -> Outcome:
    """What `store.tickets.record` writes for a decision. `asked_at`: receipt of the mail it answers."""
    since = asked_at or now
    suppressed = [event for event in decision.events if isinstance(event, Suppressed)]
    return Outcome(
        before=before,
        after=decision.ticket,
        events=decision.events,
        policy=snapshot.policy.version,
        deadline=ladder.next_deadline(decision.ticket, snapshot.policy),
        owed=(
            *(owed(notice, snapshot, now, since) for notice in decision.notices),
            *(_never_sent(decision.ticket, event, now, since) for event in suppressed),
        ),
        message=message,
        participants=tuple(participants),
    )


def owed(notice: Notice | Bulletin, snapshot: Snapshot, now: datetime, asked_at: datetime) -> Owed:
    """The mail for a notice, frozen; a suppressed one that says why when it can't be written as meant."""
    nonce = secrets.token_hex(8)
    try:
        mail = snapshot.composer.compose(notice, nonce=nonce, now=now)
    except ComposeRefused as refusal:
        # The mail would not have been what was meant: a person sees the row, nobody gets the mail.
        return _row(nonce, notice, now, asked_at, reason=f"unsafe to send: {refusal}"[:200])
    if mail.fallback:
        log.template_failed(kind=mail.kind, error=mail.template_error)
    return Owed(
        nonce=nonce,
        message_id=mail.message_id,
        ticket=mail.number,
        kind=mail.kind,
        lane=mail.lane,
        sender=mail.sender,
        recipient=mail.recipient,
        content=mail.content,
        reason="",
        asked_at=asked_at,
        due_at=now,
        why=why_of(notice),
    )


def why_of(notice: Notice | Bulletin) -> str:
    """What a team notice tells, "" of any other mail: a notice about a failure may fail itself."""
    return notice.why if isinstance(notice, TeamNotice) else ""


def _row(nonce: str, notice: Notice | Bulletin, now: datetime, asked_at: datetime, reason: str) -> Owed:
    return Owed(
        nonce=nonce,
        message_id="",
        ticket=notice.number,
        kind=notice.name,
        lane=notice.lane,
        sender="",
        recipient=notice.to,
        content=None,
        reason=reason,
        asked_at=asked_at,
        due_at=now,
        why=why_of(notice),
    )


def _never_sent(ticket: Ticket, event: Suppressed, now: datetime, asked_at: datetime) -> Owed:
    kind = Acknowledgement if isinstance(event, AcknowledgementSuppressed) else Progress
    notice = kind(ticket.number, ticket.mailbox, ticket.customer, ticket.language, "")
    return _row(secrets.token_hex(8), notice, now, asked_at, event.reason)
