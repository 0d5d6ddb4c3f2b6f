"""Is a mail a rating? Only our key shows that: the survey's address, or the closing word that it answers."""

import re

from sqlalchemy import Connection

from mailbot.domain.closing.rating import LONGEST, Rating, read_rating
from mailbot.domain.matching import Clues, Match
from mailbot.domain.model import Author, InboundMail, Status, Ticket
from mailbot.domain.notices import Closing
from mailbot.domain.people.identities import is_identity
from mailbot.mail.replies.signatures import strip_signature
from mailbot.store import failures
from mailbot.workers.runtime import Snapshot

LOGO_SIZE = 50_000  # bytes
HARMLESS = frozenset({"signed", "reply-to-elsewhere"})  # flags of a mail whose text was read whole
_LOGO = re.compile(r"\[image(?:: [^\]]*)?\]")


def rating_of(
    connection: Connection,
    mail: InboundMail,
    ticket: Ticket | None,
    match: Match,
    clues: Clues,
    snapshot: Snapshot,
) -> Rating | None:
    """Return the rating, None for other mail. A mail that holds more than its text is no rating."""
    if ticket is None or match.followed or mail.author is not Author.PERSON or _holds_more(mail):
        return None
    keyed = clues.surveyed == ticket.number
    was_closed = ticket.status is Status.CLOSED or ticket.reopened
    in_chat = is_identity(mail.sender) and ticket.status is Status.CLOSED
    if not (keyed or in_chat or (clues.signed and was_closed)) or len(mail.visible) > LONGEST:
        return None
    lines = (line for line in mail.visible.splitlines() if not _LOGO.fullmatch(line.strip()))
    text = "\n".join(strip_signature(list(lines)))
    rating = read_rating(text, _names(mail, ticket, snapshot), keyed=keyed)
    if rating is None or keyed or in_chat:
        return rating
    return rating if _answers_closing_word(connection, mail, ticket, snapshot) else None


def _holds_more(mail: InboundMail) -> bool:
    """Check for files, and for what could not be read. A small picture inside the text is a logo."""
    files = [each for each in mail.attachments if not each.content_id or each.size > LOGO_SIZE]
    return bool(files) or not HARMLESS.issuperset(mail.flags)


def _names(mail: InboundMail, ticket: Ticket, snapshot: Snapshot) -> str:
    """Return the names of people who may be thanked, or sign."""
    agent, box = snapshot.policy.agents.get(ticket.answered_by), snapshot.policy.mailbox_for(ticket.mailbox)
    return " ".join((mail.sender_name, agent.name if agent else "", box.brand if box else ""))


def _answers_closing_word(
    connection: Connection, mail: InboundMail, ticket: Ticket, snapshot: Snapshot
) -> bool:
    """Check what the mail answers: of its references the newest counts."""
    answered = (*mail.in_reply_to, *reversed(mail.references))[:1]
    nonces = {nonce for each in answered if (nonce := snapshot.keys.nonce_in(each.strip("<>")))}
    sent = failures.load_sent(connection, nonces).values()
    return any(each.kind == Closing.name and each.ticket == ticket.number for each in sent)
