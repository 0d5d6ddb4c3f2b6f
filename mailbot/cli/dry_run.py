"""A mail taken through the daemon's own code without keeping anything: the data behind `explain MAIL`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address

import click
from sqlalchemy import Connection, create_engine

from mailbot.cli.opening import Desk, configuration, desk, live, missing, now
from mailbot.core import routing
from mailbot.core.decide import mailbox_of, routing_facts
from mailbot.core.events import AcknowledgementSuppressed, Event, TicketRouted
from mailbot.core.model import Envelope, InboundMail
from mailbot.core.notices import Notice
from mailbot.core.policy import Policy, Rule
from mailbot.mail.compose import ComposeRefused
from mailbot.mail.identity import fingerprint
from mailbot.mail.parse import parse
from mailbot.mail.posted import envelope_of
from mailbot.services.filing import Filed, decide_mails
from mailbot.services.live import Live
from mailbot.store import views
from mailbot.store.inbox import Claimed
from mailbot.store.schema import metadata


@dataclass(frozen=True, slots=True)
class Place:
    """What the dry run decides by. `connection` belongs to a transaction that is rolled back."""

    policy: Policy
    live: Live
    connection: Connection
    at: datetime
    note: str = ""  # what makes this place differ from the daemon's


@contextmanager
def place() -> Iterator[Place]:
    """The store of the configuration; when there is none yet, an empty one in memory."""
    loaded = configuration()
    if not missing(loaded.settings.store):
        with desk() as at, _reading(at) as connection:
            yield Place(at.policy, at.live(), connection, now())
        return
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        metadata.create_all(connection)
        note = "there is no store yet, so this is told as if this were the first mail of all"
        yield Place(loaded.policy, live(loaded.settings, loaded.policy, None), connection, now(), note)
    engine.dispose()


@contextmanager
def _reading(at: Desk) -> Iterator[Connection]:
    with at.store.engine.connect().execution_options(sqlite_begin="DEFERRED") as connection:
        yield connection
        connection.rollback()


@dataclass(frozen=True, slots=True)
class Tried:
    """A rule that was asked, up to the one that won. `conditions`: words, whether it holds, what it saw."""

    rule: Rule
    won: bool
    conditions: Sequence[tuple[str, bool, str]]


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
    filed: Filed
    fingerprint: str
    before: views.InboxEntry | None  # the same mail, when it came in already
    tried: Sequence[Tried]  # () when it joins a ticket: no rule is asked
    sends: Sequence[Send]
    suppressed: str
    note: str


def dry_run(at: Place, raw: bytes, *, sender: str | None, recipient: str | None, peer: str) -> Told:
    own = at.policy.mailboxes.keys()
    mail = parse(raw, at.live.trust.authserv_ids, own)
    envelope = _envelope(at, raw, mail, sender, recipient, peer)
    [filed] = decide_mails(at.connection, [(Claimed(0, envelope, raw, 0), mail)], at.live, at.at)
    mark = fingerprint(raw, at.at.date().isoformat())
    events = filed.decided.decision.events
    reasons = [event.reason for event in events if isinstance(event, AcknowledgementSuppressed)]
    return Told(
        at=at.at,
        envelope=envelope,
        mail=mail,
        filed=filed,
        fingerprint=mark,
        before=views.inbox_known(at.connection, mark),
        tried=[each for event in events for each in _tried(at, mail, envelope, event)],
        sends=[_send(at, notice) for notice in filed.decided.decision.notices],
        suppressed="".join(reasons),
        note=at.note,
    )


def _envelope(
    at: Place, raw: bytes, mail: InboundMail, sender: str | None, recipient: str | None, peer: str
) -> Envelope:
    if recipient is not None and at.policy.mailbox_for(recipient) is None:
        known = ", ".join(at.policy.mailboxes)
        raise click.UsageError(f"--to {recipient}: mail for it is refused at the door; mailboxes are {known}")
    if peer:
        try:
            ip_address(peer)
        except ValueError as error:
            raise click.UsageError(f"--peer {peer}: no IP address") from error
    return envelope_of(raw, mail, at.policy, at.at, sender=sender, recipient=recipient, peer=peer)


def _tried(at: Place, mail: InboundMail, envelope: Envelope, event: Event) -> list[Tried]:
    if not isinstance(event, TicketRouted) or event.circumstances is None:
        return []
    box = mailbox_of(envelope, at.policy).address
    facts = routing_facts(mail, envelope.sender, box, at.policy, at.at, event.circumstances)
    hits = [match.rule_index for match in routing.matches(at.policy.rules, facts)]
    return [
        Tried(rule, index in hits, routing.explain(rule.when, facts) if rule.when else ())
        for index, rule in enumerate(at.policy.rules[: hits[-1] + 1])
    ]


def _send(at: Place, notice: Notice) -> Send:
    try:
        mail = at.live.composer.compose(notice, nonce="0", now=at.at)
    except ComposeRefused as refusal:
        return Send(notice, "", str(refusal))
    return Send(notice, parse(mail.content).subject)
