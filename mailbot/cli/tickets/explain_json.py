"""The result of `explain MAIL` as JSON. The keys are a contract with programs that read them."""

from typing import Any

from mailbot.cli.rules import trace_text
from mailbot.domain import ladder
from mailbot.domain.events import TicketFiled
from mailbot.domain.model import InboundMail, Ticket
from mailbot.domain.notices import recipient_of
from mailbot.domain.policy import Policy
from mailbot.views.dry_run import DryRun
from mailbot.views.event_json import deadlines_json, event_json, match_json
from mailbot.views.event_text import event_text
from mailbot.views.json_form import to_json
from mailbot.views.record_json import ticket_json

MAIL = (
    *("sender", "sender_name", "subject", "message_id", "language", "no_auto_reply"),
    *("author", "author_reason", "authentication", "to", "cc", "reply_to_named", "original_from"),
)


def mail_json(mail: InboundMail, *more: str) -> dict[str, Any]:
    """Return a parsed mail as JSON, with `more` of its fields."""
    return {
        **to_json(mail, only=(*MAIL, *more), rename={"no_auto_reply": "automatic"}),
        "machine_may_answer": not mail.no_auto_reply,
        "visible": mail.visible[:100_000],
        "attachments": to_json(mail.attachments, only=("name", "type", "size", "digest")),
    }


def dry_run_json(result: DryRun, policy: Policy) -> dict[str, Any]:
    mail, decision, match = result.mail, result.decision, result.processed.match
    ticket, zone = decision.ticket, zone_of(decision.ticket, policy)
    before = to_json(result.received_before, only=("id", "state", "ticket"), rename={"id": "inbox_id"})
    return {
        "mail": {
            **mail_json(mail, "authentication", "flags", "size"),
            "fingerprint": result.fingerprint,
            "received_before": before,
        },
        "envelope": to_json(
            result.envelope,
            only=("sender", "recipients", "peer"),
            rename={"sender": "from", "recipients": "to"},
        ),
        "belongs": {
            "ticket": None if result.opens_ticket else ticket.number,
            **match_json(match),
            "claims": match.claims or None,
            "suggests": match.suggests or None,
            "mentions": match.mentions or None,
            "held_for": ticket.held_for,
            "filed": _why_filed(result),
            "filed_as": result.processed.decided.direction,
        },
        "rules": trace_text.rules_json(result.rules),
        "ticket": ticket_json(ticket),
        "deadlines": deadlines_json(ticket, policy),
        "sends": [
            {
                "kind": planned.notice.name,
                "to": recipient_of(planned.notice),
                "subject": planned.subject,
                "refused": planned.refused or None,
            }
            for planned in result.sends
        ],
        "suppressed": result.suppressed or None,
        "events": [
            {"kind": event.kind, "sentence": event_text(event, zone), "data": event_json(event)}
            for event in decision.events
        ],
        "policy": policy.version,
        "note": "; ".join(result.notes) or None,
    }


def _why_filed(result: DryRun) -> str | None:
    events = result.decision.events
    return next((str(event.reason) for event in events if isinstance(event, TicketFiled)), None)


def zone_of(ticket: Ticket, policy: Policy) -> str:
    """Return the time zone of the ticket's team."""
    return ladder.calendar_of(ticket, policy).zone
