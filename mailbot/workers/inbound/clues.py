"""Finds the clues of a mail about where it belongs, and verifies with our keys those that could be forged."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

from mailbot.domain import reasons, ticket_number
from mailbot.domain.matching import ClueKind, Clues
from mailbot.domain.model import (
    PERSON_BY_DEFAULT,
    Authentication,
    Author,
    Envelope,
    InboundMail,
    Report,
)
from mailbot.domain.people.customer import is_proven_author, passed_on_for, with_trusted_origin
from mailbot.domain.people.identities import channel_of, from_mail_form, mail_form
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON
from mailbot.domain.replies.author import with_author
from mailbot.domain.replies.status_question import is_status_question
from mailbot.domain.replies.undeliverable import Sent
from mailbot.mail.compose.reply_tokens import Arrived
from mailbot.mail.replies.automatic import envelope_reason
from mailbot.mail.replies.own_quotes import quotes_of_ours
from mailbot.mail.reports import bounces
from mailbot.store import failures
from mailbot.store.inbox import ClaimedMail
from mailbot.store.tickets import open_numbers_of
from mailbot.workers.inbound.tapped import find_tap
from mailbot.workers.runtime import Snapshot

PAGE = "page"  # the channel of what customers write on the page of their ticket
TEXT_SEARCHED = 64 * 1024  # characters of a mail's text in which a number is looked for
MOST_REFERENCES = 20  # Message-IDs that are looked up for one mail


def complete(claimed: ClaimedMail, mail: InboundMail, snapshot: Snapshot) -> InboundMail:
    """Return the mail with what its envelope adds: a delivery report, its author, why no machine may answer."""
    if posted_on(claimed.envelope, mail, snapshot):
        return replace(_of_person(mail), channel=PAGE, authentication=Authentication.PASS)
    if arrived := arrived_by(claimed.envelope, mail, snapshot):
        proof = Authentication.PASS if arrived.proven else Authentication.NONE
        return replace(_of_person(mail), channel=arrived.channel, authentication=proof)
    by_envelope = envelope_reason(claimed.envelope.sender)
    if by_envelope:
        mail = with_author(_with_report(claimed, mail, snapshot.policy), by_envelope)
        addresses = claimed.envelope.recipients
        if not claimed.envelope.sender and any(map(snapshot.keys.bounce_nonce, addresses)):
            # Only mail servers know that address, and they use it for reports (RFC 5321 section 4.5.5).
            mail = replace(mail, author=Author.REPORT, author_reason=reasons.of(ClueKind.BOUNCE_ADDRESS))
    mail = with_trusted_origin(mail, snapshot.policy)
    machine = NO_REASON if mail.author is Author.PERSON else mail.author_reason
    refused = mail.no_auto_reply or by_envelope or machine
    return replace(mail, no_auto_reply=refused) if refused != mail.no_auto_reply else mail


def _of_person(mail: InboundMail) -> InboundMail:
    """Return a mail that we made of what a person wrote: nothing in its form speaks against an answer."""
    return replace(
        mail,
        sender=from_mail_form(mail.sender) or mail.sender,
        author=Author.PERSON,
        author_reason=PERSON_BY_DEFAULT,
        no_auto_reply=NO_REASON,
        routed=None,  # rules may ask for the channel: a route found before knows nothing of it
    )


def arrived_by(envelope: Envelope, mail: InboundMail, snapshot: Snapshot) -> Arrived | None:
    """Return by which channel a mail came that we made of what somebody wrote there, None for any other mail."""
    named = (each for each in envelope.recipients if "+c." in each.lower() or "+u." in each.lower())
    author, identity = mail_form(mail.sender), from_mail_form(mail.sender)
    found = (snapshot.keys.arrived(each, mail.message_id, author) for each in named)
    arrived = next(filter(None, found), None)
    return arrived if arrived and (not identity or channel_of(identity) == arrived.channel) else None


def was_made_here(envelope: Envelope, mail: InboundMail, snapshot: Snapshot) -> bool:
    """Check for a mail that we made of what somebody wrote on a page, in a form or in a chat."""
    return bool(posted_on(envelope, mail, snapshot) or arrived_by(envelope, mail, snapshot))


def posted_on(envelope: Envelope, mail: InboundMail, snapshot: Snapshot) -> str:
    """Return the ticket of a mail that `channels.web` made for its author, "" for any other mail."""
    named = (each for each in envelope.recipients if "+w." in each.lower())
    author = mail_form(mail.sender)
    found = (snapshot.keys.posted(each, mail.message_id, author) for each in named)
    return next(filter(None, found), "")


def _with_report(claimed: ClaimedMail, mail: InboundMail, policy: Policy) -> InboundMail:
    """Read the delivery report of a machine that shows itself by its envelope alone. It is text, never large."""
    if mail.no_auto_reply or mail.size > bounces.UNSTRUCTURED_SIZE_LIMIT:
        return mail
    return replace(mail, report=bounces.read(claimed.raw, policy.mailboxes.keys()))


def find_clues(
    connection: Connection, claimed: ClaimedMail, mail: InboundMail, snapshot: Snapshot
) -> tuple[Clues, Sent | None]:
    """Return the clues of a mail, and the mail that we sent of which it is proven to be a report."""
    envelope, keys = claimed.envelope, snapshot.keys
    clues = _written_clues(claimed, mail, snapshot)
    if (tapped := find_tap(connection, envelope, mail, snapshot)) and tapped.offer:
        clues = replace(clues, tagged=tapped.offer.ticket)
    nonces = [nonce for address in envelope.recipients if (nonce := keys.bounce_nonce(address))]
    if mail.report:
        return _report_clues(connection, claimed, mail, mail.report, nonces, snapshot, clues)
    sent = failures.load_sent(connection, nonces).values()
    tickets = tuple(each.ticket for each in sent if each.ticket)
    if mail.author is not Author.PERSON:
        return replace(clues, bounced="".join(tickets[:1])), None
    if not (clues.tagged or clues.posted):
        clues = replace(clues, aliased=snapshot.old_numbers.find(connection, mail))
    if _asks_for_only_ticket(mail, clues, snapshot.policy):
        open_numbers = open_numbers_of(connection, [clues.sender])[clues.sender]
        clues = replace(clues, only=open_numbers.pop() if len(open_numbers) == 1 else "")
    # A person's mail to a bounce address: to know the address proves nothing.
    return replace(clues, signed=(*tickets, *clues.signed)), None


def _written_clues(claimed: ClaimedMail, mail: InboundMail, snapshot: Snapshot) -> Clues:
    """Return the clues in the addresses, the header and the subject."""
    tagged, surveyed, for_colleagues, of_another, keys = "", "", False, False, snapshot.keys
    # A form or a list writes in its own name: whom it passes on may take part, as any unproven sender may.
    sender = passed_on_for(mail, snapshot.policy) or mail.sender
    for address in claimed.envelope.recipients:
        if "+s." in address.lower():
            surveyed = surveyed or keys.surveyed(address)
        token = keys.reply_token_in(address)
        # Whoever it was given to: a colleague who got the mail forwarded answers no customer by it either.
        for_colleagues = for_colleagues or bool(token and token.for_colleagues)
        if token and keys.verify(token, mail.sender):
            tagged = token.number
        elif token:
            of_another = True
    references = tuple(dict.fromkeys((*mail.in_reply_to, *reversed(mail.references))))[:MOST_REFERENCES]
    prefixes = _prefixes(snapshot)
    found = ticket_number.find(mail.subject, prefixes)
    posted = posted_on(claimed.envelope, mail, snapshot)
    in_text = () if tagged or posted or mail.report else _numbers_in_text(mail, prefixes)
    named = tagged or posted or found.valid or in_text
    quoted = () if named or mail.report else _quoted_numbers(mail, prefixes, snapshot.policy)
    return Clues(
        sender=sender,
        tagged=tagged,
        posted=posted,
        for_colleagues=for_colleagues,
        of_another=of_another and not tagged,
        surveyed=surveyed,
        signed=tuple(filter(None, map(keys.number_in, references))),
        referenced=references,
        written=found.valid,
        in_text=in_text,
        quoted=quoted,
        mistyped=found.mistyped,
        failed=mail.authentication is Authentication.FAIL,
    )


def _numbers_in_text(mail: InboundMail, prefixes: set[str]) -> tuple[str, ...]:
    """Return the numbers in what the sender wrote this time; a line that is a quote never counts."""
    text = mail.visible[:TEXT_SEARCHED]
    if not ticket_number.may_hold(text, prefixes):
        return ()
    new = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith((">", "|")))
    return ticket_number.find(new, prefixes).valid


def _quoted_numbers(mail: InboundMail, prefixes: set[str], policy: Policy) -> tuple[str, ...]:
    """Return the numbers in what a reply quotes of our mails: a relay may have rewritten our Message-ID."""
    if not (mail.in_reply_to or mail.references) or not ticket_number.may_hold(
        mail.text[:TEXT_SEARCHED], prefixes
    ):
        return ()
    quoted = quotes_of_ours(mail.text[:TEXT_SEARCHED], policy.mailboxes.keys())
    return ticket_number.find(quoted, prefixes).valid


def _asks_for_only_ticket(mail: InboundMail, clues: Clues, policy: Policy) -> bool:
    """Check for a proven sender who asks how far we are, and names no ticket."""
    if clues.names_ticket or clues.mistyped or not is_proven_author(mail, policy):
        return False
    return is_status_question(mail, "", (), (), mail.sender_name)


def _report_clues(
    connection: Connection,
    claimed: ClaimedMail,
    mail: InboundMail,
    report: Report,
    keyed: Iterable[str],
    snapshot: Snapshot,
    clues: Clues,
) -> tuple[Clues, Sent | None]:
    keys, envelope = snapshot.keys, claimed.envelope
    marked = [nonce for token in report.tokens if (nonce := keys.nonce_in(token))]
    original = keys.nonce_in(report.message_id) or ""
    found = failures.load_sent(connection, {*keyed, *marked, original} - {""})
    by_address = next((found[nonce] for nonce in keyed if nonce in found), None)
    by_token = list(dict.fromkeys(found[nonce] for nonce in (original, *marked) if nonce in found))
    # With several tokens, none of them the original's, the report is about an unknown one of them.
    is_certain = original in found or len(by_token) == 1
    sent = by_address or (by_token[0] if is_certain else None)
    clues = replace(
        clues,
        bounced=by_address.ticket if by_address else "",
        returned=tuple(dict.fromkeys(each.ticket for each in by_token if each.ticket)),
    )
    # Without a token, only what mail servers write in their own name counts.
    if not (envelope_reason(envelope.sender) or (mail.sender and envelope_reason(mail.sender))):
        return clues, sent
    return replace(
        clues,
        recalled=tuple(filter(None, (report.message_id, *report.references)))[:MOST_REFERENCES],
        reported=ticket_number.find(report.text, _prefixes(snapshot)).valid,
        concerned=tuple(failure.address for failure in report.recipients if failure.address),
    ), sent


def _prefixes(snapshot: Snapshot) -> set[str]:
    return {box.prefix for box in snapshot.policy.mailboxes.values()}
