"""A mail taken through the daemon's own code without keeping anything: the data behind `explain MAIL`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from ipaddress import ip_address

import click
from sqlalchemy import Connection, create_engine

from mailbot.cli.shared.open_store import (
    OpenStore,
    build_runtime,
    load_configuration,
    missing_store_reason,
    now,
    open_store,
)
from mailbot.cli.tickets.assumptions import NOTHING, Assumed
from mailbot.domain import routing_trace as reasons
from mailbot.domain.decisions import mailbox_of, routing_facts
from mailbot.domain.events import AcknowledgementSuppressed, Event, TicketRouted
from mailbot.domain.model import Envelope, InboundMail
from mailbot.domain.notices import Notice
from mailbot.domain.policy import Policy
from mailbot.domain.routing_trace import RuleTrace
from mailbot.mail.compose.compose import ComposeRefused
from mailbot.mail.compose.sample_mail import has_header, write_mail
from mailbot.mail.parsing.envelope import build_envelope
from mailbot.mail.parsing.fingerprint import fingerprint
from mailbot.mail.parsing.parse import parse
from mailbot.store import queries
from mailbot.store.inbox import ClaimedMail
from mailbot.store.schema import metadata
from mailbot.workers.runtime import Snapshot
from mailbot.workers.ticketing import Processed, decide_mails

SOMEBODY = "pelanggan@example.com"  # who wrote a text of which nobody says whose it is


@dataclass(frozen=True, slots=True)
class Place:
    """What the dry run decides by. `connection` belongs to a transaction that is rolled back."""

    policy: Policy
    snapshot: Snapshot
    connection: Connection
    at: datetime
    note: str = ""  # what makes this place differ from the daemon's


@contextmanager
def place() -> Iterator[Place]:
    """The store of the configuration; when there is none yet, an empty one in memory."""
    loaded = load_configuration()
    if not missing_store_reason(loaded.settings.store):
        with open_store() as at, _reading(at) as connection:
            yield Place(at.policy, at.build_runtime().snapshot, connection, now())
        return
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        note = "there is no store yet, so this is told as if this were the first mail of all"
        yield Place(
            loaded.policy,
            build_runtime(loaded.settings, loaded.policy, None).snapshot,
            connection,
            now(),
            note,
        )
    engine.dispose()


@contextmanager
def _reading(at: OpenStore) -> Iterator[Connection]:
    with at.store.engine.connect().execution_options(sqlite_begin="DEFERRED") as connection:
        yield connection
        connection.rollback()


@dataclass(frozen=True, slots=True)
class Send:
    """A mail that would leave. `refused`: why it could not be written, "" when all is well."""

    notice: Notice
    subject: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """All there is to say about one mail."""

    at: datetime
    envelope: Envelope
    mail: InboundMail
    filed: Processed
    fingerprint: str
    before: queries.InboxEntry | None  # the same mail, when it came in already
    tried: Sequence[RuleTrace]  # () when it joins a ticket: no rule is asked
    sends: Sequence[Send]
    suppressed: str
    notes: Sequence[str]  # what makes this differ from what the daemon would have seen


@dataclass(frozen=True, slots=True)
class Posted:
    """A mail to be tried, and what the dialogue would have said of it; None and "": what the mail says.
    `subject` is for a text without a header alone."""

    raw: bytes
    sender: str | None = None
    recipient: str | None = None
    peer: str = ""
    subject: str | None = None
    note: str = ""
    assumed: Assumed = NOTHING


def as_mail(posted: Posted, policy: Policy) -> Posted:
    """A text without a header becomes the body of a mail."""
    if posted.note or has_header(posted.raw):
        if posted.subject is not None:
            raise click.UsageError("--subject goes with a text: this mail has a header of its own")
        return posted
    sender = SOMEBODY if posted.sender in (None, "", "<>") else str(posted.sender)
    recipient = posted.recipient or next(iter(policy.mailboxes))
    body = posted.raw.decode("utf-8", "replace")
    raw = write_mail(sender, recipient, posted.subject or "", body)
    note = f"this text has no header, so it is taken as the body of a mail from {sender} to {recipient}"
    return replace(posted, raw=raw, note=note)


def dry_run(at: Place, posted: Posted, envelope: Envelope | None = None) -> Told:
    """`envelope` is that of a mail in the store."""
    posted = as_mail(posted, at.policy)
    raw, assumed = posted.raw, posted.assumed
    mail = assumed.mail(parse(raw, at.snapshot.trust.authserv_ids, at.policy.mailboxes.keys()))
    envelope = envelope or _envelope(at, posted)
    read = [(ClaimedMail(0, envelope, raw, 0), mail)]
    given = assumed.customer_history if assumed else None
    [filed] = decide_mails(at.connection, read, at.snapshot, at.at, given)
    mark = fingerprint(raw, at.at.date().isoformat())
    events = filed.decided.decision.events
    reasons = [event.reason for event in events if isinstance(event, AcknowledgementSuppressed)]
    return Told(
        at=at.at,
        envelope=envelope,
        mail=mail,
        filed=filed,
        fingerprint=mark,
        before=queries.find_by_fingerprint(at.connection, mark),
        tried=[each for event in events for each in _tried(at, mail, envelope, event)],
        sends=[_send(at, notice) for notice in filed.decided.decision.notices],
        suppressed="".join(map(str, reasons)),
        notes=tuple(filter(None, (at.note, posted.note, _taken_for_known(assumed)))),
    )


def _taken_for_known(assumed: Assumed) -> str:
    return f"taken for known, as you say: {assumed.said}" if assumed else ""


def stored(at: Place, message: int | None, inbox_id: int | None) -> tuple[Place, Posted, Envelope] | str:
    """A mail that came before, for `dry_run`, at the moment when it came; else why there is none."""
    if message is not None:
        inbox_id = queries.inbox_of(at.connection, message)
        if inbox_id is None:
            return f"there is no message {message}, or it did not come by mail"
    entry = queries.find_inbox_entry(at.connection, inbox_id or 0)
    raw = queries.raw_mail(at.connection, inbox_id or 0)
    if entry is None or raw is None:
        return f"there is no mail {inbox_id} in the inbox, or its bytes are no longer kept"
    envelope = Envelope(entry.sender, tuple(entry.recipients), entry.peer, entry.received_at)
    note = f"by the policy of today, as if it came once more at {entry.received_at:%Y-%m-%d %H:%M:%S} UTC"
    return replace(at, at=entry.received_at), Posted(raw, note=note), envelope


def _envelope(at: Place, posted: Posted) -> Envelope:
    recipient, peer = posted.recipient, posted.peer
    if recipient is not None and at.policy.mailbox_for(recipient) is None:
        known = ", ".join(at.policy.mailboxes)
        raise click.UsageError(f"--to {recipient}: mail for it is refused at the door; mailboxes are {known}")
    if peer:
        try:
            ip_address(peer)
        except ValueError as error:
            raise click.UsageError(f"--peer {peer}: no IP address") from error
    said = {"sender": posted.sender, "recipient": recipient}
    return build_envelope(posted.raw, at.policy, at.at, **said, peer=peer)


def _tried(at: Place, mail: InboundMail, envelope: Envelope, event: Event) -> list[RuleTrace]:
    if not isinstance(event, TicketRouted) or event.customer_history is None:
        return []
    box = mailbox_of(envelope, at.policy).address
    facts = routing_facts(mail, envelope.sender, box, at.policy, at.at, event.customer_history)
    return reasons.trace_rules(at.policy, facts)


def _send(at: Place, notice: Notice) -> Send:
    try:
        mail = at.snapshot.composer.compose(notice, nonce="0", now=at.at)
    except ComposeRefused as refusal:
        return Send(notice, "", str(refusal))
    return Send(notice, parse(mail.content).subject)
