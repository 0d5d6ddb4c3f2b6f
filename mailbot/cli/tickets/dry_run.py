"""Run a mail through the daemon's own code without keeping anything: the data behind `explain MAIL`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

import click
from sqlalchemy import Connection, create_engine

from mailbot.cli.shared.open_store import (
    load_to_decide,
    missing_store_reason,
    now,
    open_store,
)
from mailbot.cli.shared.rows import deleted_text
from mailbot.cli.shared.runtime import build_runtime
from mailbot.cli.tickets.assumptions import NO_ASSUMPTIONS, Assumptions
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
from mailbot.store.schema import metadata
from mailbot.workers.inbound.arrival import Processed
from mailbot.workers.inbound.ticketing import decide_mails
from mailbot.workers.runtime import Snapshot

DEFAULT_SENDER = "pelanggan@example.com"  # of a text without a header


@dataclass(frozen=True, slots=True)
class Context:
    """What the dry run decides by. `connection` belongs to a transaction that is rolled back."""

    policy: Policy
    snapshot: Snapshot
    connection: Connection
    at: datetime
    note: str = ""  # how this differs from what the daemon would see


@contextmanager
def open_context() -> Iterator[Context]:
    """Open the store of the configuration, or an empty one in memory when there is none yet."""
    loaded = load_to_decide()
    if not missing_store_reason(loaded.settings.store):
        with open_store(decides=True) as opened:
            deferred = opened.store.engine.connect().execution_options(sqlite_begin="DEFERRED")
            with deferred as connection:
                yield Context(opened.policy, opened.build_runtime().snapshot, connection, now())
                connection.rollback()
        return
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        note = "there is no store yet, so the result is that of the very first mail"
        snapshot = build_runtime(loaded.settings, loaded.policy, None).snapshot
        yield Context(loaded.policy, snapshot, connection, now(), note)
    engine.dispose()


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
    """A mail that would be sent. `refused`: why it could not be composed, else ""."""

    notice: Notice
    subject: str
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
    """Decide about the mail as the daemon would. Raise click.UsageError for options that don't fit."""
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
            raise click.UsageError("--subject goes with a text: this mail has a header of its own")
        return trial
    sender = DEFAULT_SENDER if trial.sender in (None, "", "<>") else str(trial.sender)
    recipient = trial.recipient or next(iter(policy.mailboxes))
    raw = write_mail(sender, recipient, trial.subject or "", trial.raw.decode("utf-8", "replace"))
    note = f"this text has no header, so it is taken as the body of a mail from {sender} to {recipient}"
    return replace(trial, raw=raw, note=note)


def find_stored(
    context: Context, message: int | None, inbox_id: int | None
) -> tuple[Context, TrialMail] | str:
    """Find a stored mail, and the context of the time when it came. Return why there is none."""
    if message is not None:
        inbox_id = queries.inbox_of(context.connection, message)
        if inbox_id is None:
            return f"there is no message {message}, or it did not come by mail"
    entry = queries.find_inbox_entry(context.connection, inbox_id or 0)
    raw = queries.raw_mail(context.connection, inbox_id or 0)
    if entry is None or raw is None:
        gone = deleted_text(entry.deleted_at if entry else None)
        return (
            f"the bytes of mail {inbox_id} were {gone}"
            if gone
            else f"there is no mail {inbox_id} in the inbox"
        )
    at = entry.received_at
    note = f"by the policy of today, as if it came once more at {at:%Y-%m-%d %H:%M:%S} UTC"
    envelope = Envelope(entry.sender, tuple(entry.recipients), entry.peer, at)
    return replace(context, at=at), TrialMail(raw, note=note, envelope=envelope)


def _envelope(context: Context, trial: TrialMail) -> Envelope:
    recipient, peer, policy = trial.recipient, trial.peer, context.policy
    if recipient is not None and policy.mailbox_for(recipient) is None:
        known = ", ".join(policy.mailboxes)
        raise click.UsageError(f"--to {recipient}: the listener refuses it, the mailboxes are {known}")
    if peer:
        try:
            ip_address(peer)
        except ValueError as error:
            raise click.UsageError(f"--peer {peer}: no IP address") from error
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
        return PlannedMail(notice, "", str(refusal))
    return PlannedMail(notice, parse(mail.content).subject)
