"""Turn a list of tickets for an agent into the values of its template."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from mailbot.domain.notices import AgentWorklist, WorkEntry
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason, of, render, written
from mailbot.domain.ticket_number import bracketed
from mailbot.mail.compose.cleaning import header_text
from mailbot.mail.compose.notice_values import Value, with_labels
from mailbot.mail.compose.times import short_time, time_left

_EXCERPT = 300  # characters


def worklist_values(
    notice: AgentWorklist, policy: Policy | None, *, language: str, zone: str, now: datetime
) -> dict[str, Value]:
    """Return `entries` for a loop, each with `heading` where its group begins, and `listed`, all as plain text."""

    def words(reason: Reason) -> str:
        return header_text(render(with_labels(reason, policy, language), language)) if reason else ""

    entries: list[dict[str, Any]] = []
    heading: Reason = NO_REASON
    for each in notice.entries:
        subject = header_text(each.subject)
        entries.append(
            {
                "heading": words(each.heading) if each.heading != heading else "",
                "number": each.number,
                "subject": subject,
                "customer": header_text(each.customer),
                "at": short_time(each.at, language, zone, now) if each.at else "",
                "left": time_left(each.at, now, language) if each.at else "",
                "because": words(each.because),
                "excerpt": header_text(each.excerpt)[:_EXCERPT],
                "reply_to": each.reply_to,
                "link": f"mailto:{each.reply_to}?subject={quote(f'Re: {subject} {bracketed(each.number)}')}",
            }
        )
        heading = each.heading
    return {"entries": tuple(entries), "listed": "\n".join(map(_line, entries))}


def _line(entry: dict[str, Any]) -> str:
    head = f"\n{entry['heading']}\n" if entry["heading"] else ""
    parts = (entry["number"], entry["subject"], entry["customer"], entry["at"], entry["because"])
    return f"{head}- {', '.join(filter(None, parts))}"


def sample_entries() -> tuple[WorkEntry, ...]:
    """Return made-up lines, for each branch that a template may take."""
    at = datetime(2026, 11, 23, 2, tzinfo=UTC)
    number, mailbox = "TOKO-48217390-8", "support@example.com"
    names = ("sample subject", "customer@example.com")
    full = WorkEntry(
        number, mailbox, *names, of("day_promised"), at, written("sample step"), "sample text", mailbox
    )
    return (full, WorkEntry(number, mailbox, "", "", of("day_decide")))
