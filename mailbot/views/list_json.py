"""Lists of tickets as JSON: what a search found, what is to be done. The keys are a contract with programs."""

from typing import Any

from mailbot.domain.day.worklist import WorkItem
from mailbot.domain.reasons import render
from mailbot.store.search.find import Found
from mailbot.views.record_json import ticket_json


def found_json(found: Found) -> dict[str, Any]:
    """Return the ticket as lists have it, with the message that was found."""
    hit = None
    if found.message is not None:
        hit = {"message": found.message, "at": found.at, "author": found.author, "snippet": found.snippet}
    return {**ticket_json(found.listed.ticket, found.listed.deadline), "found": hit}


def work_json(item: WorkItem) -> dict[str, Any]:
    """Return the ticket with its promise and what comes next."""
    at, reason = item.next_step or (None, None)
    return {
        **ticket_json(item.ticket),
        "promised_at": item.promised_at,
        "next_step": {"at": at, "does": render(reason, "en")} if reason else None,
    }
