"""One mail that comes by two ways is one: through a list and directly, past a scanner, to two mailboxes.

Theory of operation. Same Message-ID and same From is the same mail, although hosts on the way may add a prefix to
its subject or a footer to its text. Its copy is filed and moves nothing. Whatever differs otherwise was written by
somebody, so a person gets to see it. A mail that is better proven than the one before is never its copy: else
a forger who knows an id could silence the true mail.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import re2

from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import CUSTOMER
from mailbot.domain.lifecycle import Decision, DecisionBuilder
from mailbot.domain.model import Authentication, Direction, InboundMail, Ticket

_PROOF = {Authentication.FAIL: 0, Authentication.NONE: 1, Authentication.PASS: 2}
MOST_ADDED = 15  # lines of a footer or a notice on top
MOST_ADDED_WORDS = 6  # of a prefix in a subject
ACTED = "acted"  # flag of a mail whose commands were carried out
_SEPARATOR = re2.compile(r"\W{3,}|_{3,}|-- ?")
_NOTICE = re2.compile(
    r"(?i)virus|malware|spam|scann?ed|phishing|mailing list|milis|unsubscribe|berhenti berlangganan|you received this"
    r"|anda menerima|external|eksternal|caution|hati-hati|disclaimer|confidential|rahasia|google groups|https?://"
)


@dataclass(frozen=True, slots=True)
class Earlier:
    """A mail with the same Message-ID and From that is on `ticket`. `files`: the digests of its attachments."""

    ticket: str
    direction: Direction
    subject: str
    text: str
    authentication: Authentication
    reply_to: str
    files: frozenset[str]
    acted: bool = False  # its commands were carried out


def earlier_of(mail: InboundMail, ticket: str, direction: Direction) -> Earlier:
    """Return what a further copy of this mail is compared with."""
    files = frozenset(attachment.digest for attachment in mail.attachments)
    proof = mail.authentication
    acted = ACTED in mail.flags
    return Earlier(ticket, direction, mail.subject, mail.text, proof, mail.reply_to_named, files, acted)


def same_mails(mail: InboundMail, earlier: Iterable[Earlier]) -> list[Earlier]:
    """Return those that this mail may be a copy of: not worse proven, and no other person's through a form.

    An agent's mail that was held is none: its next copy may be shown to be the agent's. One that acted is: else a
    mail that a host delivers twice would act twice.
    """
    if mail.authentication is Authentication.FAIL or not mail.sender:
        return []
    return [
        each
        for each in earlier
        if (each.direction is not Direction.NOTE or each.acted)
        and _PROOF[each.authentication] >= _PROOF[mail.authentication]
        and (each.reply_to == mail.reply_to_named or not (each.reply_to and mail.reply_to_named))
    ]


def is_copy(mail: InboundMail, earlier: Earlier) -> bool:
    """Check that the mail holds nothing that somebody wrote and that the earlier one lacks."""
    files = {attachment.digest for attachment in mail.attachments}
    if not files <= earlier.files or not _same_subject(earlier.subject, mail.subject):
        return False
    one, other = _lines(earlier.text), _lines(mail.text)
    if " ".join(one) == " ".join(other):
        return True  # perhaps wrapped anew
    added = _added(one, other)
    return added is not None and all(map(_is_notice, added))


def on_copy(ticket: Ticket, mail: InboundMail, now: datetime) -> Decision:
    """Record a further copy: no acknowledgement, no notice, no turn."""
    builder = DecisionBuilder(ticket)
    reason = reasons.of("same_mail")
    builder.record(e.CopyReceived(now, CUSTOMER, mail.message_id, reason))
    return builder.decision()


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _added(one: list[str], other: list[str]) -> tuple[list[str], list[str]] | None:
    """Return the lines above and below, where one text holds the other whole; None where neither does."""
    short, long = sorted((one, other), key=len)
    if not short or len(long) - len(short) > MOST_ADDED:
        return None
    for start in range(len(long) - len(short) + 1):
        if long[start : start + len(short)] == short:
            return long[:start], long[start + len(short) :]
    return None


def _is_notice(lines: list[str]) -> bool:
    """Check for the words of a host: set off by a line, or of the kind that lists and scanners add."""
    if not lines:
        return True
    set_off = _SEPARATOR.fullmatch(lines[0]) or _SEPARATOR.fullmatch(lines[-1])
    return set_off is not None or _NOTICE.search(" ".join(lines)) is not None


def _same_subject(one: str, other: str) -> bool:
    short, long = sorted((one.split(), other.split()), key=len)
    rest = len(long) - len(short)
    return rest <= MOST_ADDED_WORDS and long[rest:] == short
