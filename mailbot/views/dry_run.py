"""Run a mail through the daemon's own code without keeping anything: what `explain MAIL` and the admins' page show."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

from sqlalchemy import Connection

from mailbot.domain.events import AcknowledgementSuppressed, Event, TicketRouted
from mailbot.domain.lifecycle import Decision
from mailbot.domain.model import Envelope, InboundMail
from mailbot.domain.notices import Notice
from mailbot.domain.policy import Policy
from mailbot.domain.routing import trace as routing_trace
from mailbot.domain.routing.routing_facts import mailbox_of, routing_facts
from mailbot.domain.routing.trace import RuleTrace
from mailbot.mail.compose.compose import ComposeRefused
from mailbot.mail.compose.sample_mail import has_header, write_mail
from mailbot.mail.parsing.envelope import build_envelope
from mailbot.mail.parsing.fingerprint import fingerprint
from mailbot.mail.parsing.parse import parse
from mailbot.store import queries
from mailbot.store.inbox import ClaimedMail
from mailbot.views.assumptions import NO_ASSUMPTIONS, Assumptions
from mailbot.workers.inbound.arrival import Processed
from mailbot.workers.inbound.ticketing import decide_mails
from mailbot.workers.runtime import Snapshot

DEFAULT_SENDER = "pelanggan@example.com"  # of a text without a header


class Unfit(ValueError):
    """A mail can't be tried with this `value` of "subject" (it has one), "recipient" (not ours) or "peer" (no IP)."""

    def __init__(self, what: str, value: str) -> None:
        super().__init__(f"{what}: {value}")
        self.what, self.value = what, value


@dataclass(frozen=True, slots=True)
class Context:
    """What the dry run decides by. `connection` belongs to a transaction that is rolled back."""

    policy: Policy
    snapshot: Snapshot
    connection: Connection
    at: datetime
    note: str = ""  # how this differs from what the daemon would see


@dataclass(frozen=True, slots=True)
class TrialMail:
    """A mail to explain, with its envelope. None and "": take them from the mail.

    `subject` is for a text without a header. `envelope` is that of a stored mail.
    """

    raw: bytes
    sender: str | None = None
    recipient: str | None = None
    peer: str = ""
    subject: str | None = None
    note: str = ""
    assumptions: Assumptions = NO_ASSUMPTIONS
    envelope: Envelope | None = None


@dataclass(frozen=True, slots=True)
class PlannedMail:
    """A mail that would be sent, as it would leave. `refused`: why it could not be composed, else ""."""

    notice: Notice
    subject: str
    content: bytes = b""
    refused: str = ""


@dataclass(frozen=True, slots=True)
class DryRun:
    """All that would follow from one mail."""

    envelope: Envelope
    mail: InboundMail
    processed: Processed
    fingerprint: str
    received_before: queries.InboxEntry | None  # the same mail in the inbox
    rules: Sequence[RuleTrace]  # () when it joins a ticket: no rule is tested
    sends: Sequence[PlannedMail]
    suppressed: str
    notes: Sequence[str]  # how this differs from what the daemon would see

    @property
    def decision(self) -> Decision:
        return self.processed.decided.decision

    @property
    def opens_ticket(self) -> bool:
        return self.processed.before is None

    @property
    def routed(self) -> list[TicketRouted]:
        return [event for event in self.decision.events if isinstance(event, TicketRouted)]


def dry_run(context: Context, trial: TrialMail) -> DryRun:
    """Decide about the mail as the daemon would. Raise Unfit for what a mail can't have."""
    trial = _add_header(trial, context.policy)
    policy, snapshot, assumptions = context.policy, context.snapshot, trial.assumptions
    parsed = parse(trial.raw, snapshot.trust.authserv_ids, policy.mailboxes.keys())
    mail = assumptions.apply_to_mail(parsed)
    envelope = trial.envelope or _envelope(context, trial)
    batch = [(ClaimedMail(0, envelope, trial.raw, 0), mail)]
    assumed = assumptions.apply_to_history if assumptions else None
    [processed] = decide_mails(context.connection, batch, snapshot, context.at, assumed, find_copies=False)
    mail = processed.mail  # its new text is found by what was sent on its ticket
    mark = fingerprint(trial.raw, context.at.date().isoformat())
    decision = processed.decided.decision
    reasons = [event.reason for event in decision.events if isinstance(event, AcknowledgementSuppressed)]
    assumed_note = f"assumed, as you say: {assumptions}" if assumptions else ""
    return DryRun(
        envelope=envelope,
        mail=mail,
        processed=processed,
        fingerprint=mark,
        received_before=queries.find_inbox_entry(context.connection, mark),
        rules=[
            rule for event in decision.events for rule in _trace(context, processed.mail, envelope, event)
        ],
        sends=[_plan(context, notice) for notice in decision.notices],
        suppressed="".join(map(str, reasons)),
        notes=[note for note in (context.note, trial.note, assumed_note) if note],
    )


def _add_header(trial: TrialMail, policy: Policy) -> TrialMail:
    """Make a text without a header the body of a mail."""
    if trial.envelope or has_header(trial.raw):
        if trial.subject is not None:
            raise Unfit("subject", trial.subject)
        return trial
    sender = DEFAULT_SENDER if trial.sender in (None, "", "<>") else str(trial.sender)
    recipient = trial.recipient or next(iter(policy.mailboxes))
    raw = write_mail(sender, recipient, trial.subject or "", trial.raw.decode("utf-8", "replace"))
    note = f"this text has no header, so it is taken as the body of a mail from {sender} to {recipient}"
    return replace(trial, raw=raw, note=note)


def stored_mail(connection: Connection, inbox_id: int) -> TrialMail | None:
    """Return a stored mail as it came, for the time of its envelope; None where its bytes are not here."""
    entry = queries.find_inbox_entry(connection, inbox_id)
    raw = queries.raw_mail(connection, inbox_id)
    if entry is None or raw is None:
        return None
    at = entry.received_at
    note = f"by the policy of today, as if it came once more at {at:%Y-%m-%d %H:%M:%S} UTC"
    return TrialMail(raw, note=note, envelope=Envelope(entry.sender, tuple(entry.recipients), entry.peer, at))


def _envelope(context: Context, trial: TrialMail) -> Envelope:
    recipient, peer, policy = trial.recipient, trial.peer, context.policy
    if recipient is not None and policy.mailbox_for(recipient) is None:
        raise Unfit("recipient", recipient)
    if peer:
        try:
            ip_address(peer)
        except ValueError as error:
            raise Unfit("peer", peer) from error
    return build_envelope(trial.raw, policy, context.at, sender=trial.sender, recipient=recipient, peer=peer)


def _trace(context: Context, mail: InboundMail, envelope: Envelope, event: Event) -> list[RuleTrace]:
    if not isinstance(event, TicketRouted) or event.customer_history is None:
        return []
    policy = context.policy
    mailbox = mailbox_of(envelope, policy).address
    facts = routing_facts(mail, envelope.sender, mailbox, policy, context.at, event.customer_history)
    return routing_trace.trace_rules(policy, facts)


def _plan(context: Context, notice: Notice) -> PlannedMail:
    try:
        mail = context.snapshot.composer.compose(notice, nonce="0", now=context.at)
    except ComposeRefused as refusal:
        return PlannedMail(notice, "", refused=str(refusal))
    return PlannedMail(notice, parse(mail.content).subject, mail.content)
