"""Write one mail about several tickets, for an agent who wants notices collected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from markupsafe import escape

from mailbot.domain.model import NoticeKind
from mailbot.domain.notices import Bulletin
from mailbot.domain.ticket_number import bracketed
from mailbot.mail.compose.cleaning import header_text
from mailbot.mail.compose.times import local_time

EXCERPT = 200  # characters of a message
_WHY = {
    NoticeKind.NEW: ("tiket baru", "new ticket"),
    NoticeKind.CUSTOMER_WROTE: ("pelanggan menulis lagi", "customer wrote again"),
    NoticeKind.HANDED_OVER: ("dioper ke tim Anda", "handed over to your team"),
    NoticeKind.ASSIGNED: ("ditugaskan kepada Anda", "assigned to you"),
    NoticeKind.REMINDER: ("pengingat", "reminder"),
    NoticeKind.FOLLOW_UP: ("pelanggan belum menjawab", "customer is silent"),
    NoticeKind.DECIDED: ("sudah diputuskan", "decided"),
    NoticeKind.NOTIFY: ("untuk diketahui", "for your information"),
}
COLLECTED = frozenset(_WHY)
_WORDS = {
    "id": ("{count} tiket untuk Anda", "Janji", "tanpa judul", "Balas ke"),
    "en": ("{count} tickets for you", "Promised by", "no subject", "Reply to"),
}


@dataclass(frozen=True, slots=True)
class DigestTicket:
    """What the digest says about one ticket. `reply_to` is the agent's reply address for it."""

    number: str
    subject: str
    customer: str
    why: tuple[NoticeKind, ...]
    promised_at: datetime | None
    excerpt: str
    reply_to: str


def digest(tickets: Sequence[DigestTicket], agent: str, mailbox: str, language: str, zone: str) -> Bulletin:
    """Build the mail: a block for each ticket, in the given order."""
    language = language if language in _WORDS else "en"
    title = _WORDS[language][0].format(count=len(tickets))
    blocks = [_lines(ticket, language, zone) for ticket in tickets]
    text = "\n\n".join(
        "\n".join(f"{'  ' * (at > 0)}{line}" for at, line in enumerate(block)) for block in blocks
    )
    pairs = zip(tickets, blocks, strict=True)
    html = "\n".join(_block(ticket, block) for ticket, block in pairs)
    subject = f"{title}: {', '.join(_subject(ticket, language) for ticket in tickets[:3])}"
    return Bulletin(
        mailbox, agent, language, subject, f"{title}\n\n{text}", f"<h2>{escape(title)}</h2>\n{html}"
    )


def _subject(ticket: DigestTicket, language: str) -> str:
    return header_text(ticket.subject) or _WORDS[language][2]


def _lines(ticket: DigestTicket, language: str, zone: str) -> list[str]:
    _, promise, _, reply = _WORDS[language]
    place = ("id", "en").index(language)
    why = ", ".join(_WHY[kind][place] for kind in ticket.why)
    lines = [f"{_subject(ticket, language)} {bracketed(ticket.number)}", f"{ticket.customer}: {why}"]
    if ticket.promised_at:
        lines.append(f"{promise}: {local_time(ticket.promised_at, language, zone)}")
    if excerpt := " ".join(ticket.excerpt.split()):
        lines.append(f"\u201c{excerpt}\u201d")
    return [*lines, f"{reply}: {ticket.reply_to}"]


def _block(ticket: DigestTicket, lines: Sequence[str]) -> str:
    """Write one ticket as HTML; its reply address opens a mail with the subject that threads."""
    subject = quote(f"Re: {header_text(ticket.subject)} {bracketed(ticket.number)}")
    head, *facts, last = (str(escape(line)) for line in lines)
    link = f'<a href="mailto:{escape(ticket.reply_to)}?subject={subject}">{last.partition(": ")[0]}</a>'
    return f"<p><b>{head}</b><br>\n" + "<br>\n".join((*facts, link)) + "</p>"
