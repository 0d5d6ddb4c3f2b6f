"""What our keys prove about a machine's mail: which mail of ours it is about, which tickets it names."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from mailbot.domain import ticket_number
from mailbot.domain.model import Envelope, InboundMail, Report
from mailbot.domain.policy import Policy
from mailbot.domain.replies.undeliverable import Sent
from mailbot.mail.replies.automatic import envelope_reason
from mailbot.mail.reports import bounces
from mailbot.store import failures
from mailbot.store.inbox import Claimed
from mailbot.workers.runtime import Snapshot


@dataclass(frozen=True, slots=True)
class Trace:
    """`returned` is the mail of ours that a report is proven to be about. The others are clues (see
    `evidence.Clues`), but for `answered`: the tickets of our mails to whose bounce address a person wrote."""

    returned: Sent | None = None
    bounced: str = ""
    answered: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    recalled: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    concerned: tuple[str, ...] = ()


def add_report(claimed: Claimed, mail: InboundMail, policy: Policy) -> InboundMail:
    """With what a machine reports that shows itself by its envelope alone: told in words, so never large."""
    if (
        mail.automatic
        or mail.size > bounces.UNSTRUCTURED_SIZE_LIMIT
        or not envelope_reason(claimed.envelope.sender)
    ):
        return mail
    return replace(mail, report=bounces.read(claimed.raw, policy.mailboxes.keys()))


def trace(connection: Connection, envelope: Envelope, mail: InboundMail, snapshot: Snapshot) -> Trace:
    keyed = [nonce for each in envelope.recipients if (nonce := snapshot.keys.bounce_nonce(each))]
    if mail.report:
        return _of_report(connection, envelope, mail, mail.report, keyed, snapshot)
    tickets = [sent.ticket for sent in failures.sent(connection, keyed).values() if sent.ticket]
    if mail.automatic or envelope_reason(envelope.sender):
        return Trace(bounced="".join(tickets[:1]))
    return Trace(answered=tuple(tickets))  # a person's: whoever knows the address proves nothing by it


def _of_report(
    connection: Connection,
    envelope: Envelope,
    mail: InboundMail,
    report: Report,
    keyed: Iterable[str],
    snapshot: Snapshot,
) -> Trace:
    marked = [nonce for mark in report.tokens if (nonce := snapshot.keys.nonce_in(mark))]
    original = snapshot.keys.nonce_in(report.message_id) or ""
    found = failures.sent(connection, {*keyed, *marked, original} - {""})
    address = next((found[nonce] for nonce in keyed if nonce in found), None)
    ours = list(dict.fromkeys(found[nonce] for nonce in (original, *marked) if nonce in found))
    # Several marks and none of them the original's: it is about one of them, nobody knows which.
    sure = original in found or len(ours) == 1
    standing = Trace(
        returned=address or (ours[0] if sure else None),
        bounced=address.ticket if address else "",
        marked=tuple(dict.fromkeys(each.ticket for each in ours if each.ticket)),
    )
    if not _is_of_a_server(envelope, mail):
        return standing
    prefixes = {box.prefix for box in snapshot.policy.mailboxes.values()}
    return replace(
        standing,
        recalled=tuple(filter(None, (report.message_id, *report.references)))[:20],
        reported=ticket_number.find(report.text, prefixes).valid,
        concerned=tuple(failure.address for failure in report.recipients if failure.address),
    )


def _is_of_a_server(envelope: Envelope, mail: InboundMail) -> bool:
    """Only what mail servers say in their own name is heard without a mark of ours."""
    return bool(envelope_reason(envelope.sender) or (mail.sender and envelope_reason(mail.sender)))
