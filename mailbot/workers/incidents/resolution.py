"""One transaction of the end of an incident: some of its complaints are answered and closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import POLICY
from mailbot.domain.incidents import complaints
from mailbot.domain.lifecycle import DecisionBuilder
from mailbot.domain.model import OVER, Direction, Ticket
from mailbot.domain.people.addresses import owner
from mailbot.domain.reasons import NO_REASON, Reason
from mailbot.domain.replies.undeliverable import Suppressions
from mailbot.store import incidents, queries, suppressions, tickets
from mailbot.store.codec import REASON
from mailbot.store.tickets import Message
from mailbot.workers import outbox_rows
from mailbot.workers.runtime import Snapshot, load_missing_ladders
from mailbot.workers.ticket_context import Draft

PEOPLE = 50  # customers that are answered in one transaction


@dataclass(frozen=True, slots=True)
class Answering:
    """Open complaints of an incident that is over."""

    snapshot: Snapshot
    now: datetime
    incident: str
    numbers: Sequence[str]


def answer(connection: Connection, items: Sequence[Answering]) -> list[bool]:
    return [_answer_some(connection, item) for item in items]


def _answer_some(connection: Connection, item: Answering) -> bool:
    """Answer each customer on the oldest of their complaints, and close the others without a mail.

    Return whether there is mail to send. What another node holds at this moment is left to it.
    """
    incidents.lock(connection)  # a customer's complaints may be on two nodes
    incident = queries.ticket(connection, item.incident)
    resolved = incidents.resolution(connection, item.incident)
    loaded = tickets.load_free(connection, item.numbers)
    mine = [each for each in loaded.values() if each.incident == item.incident and each.status not in OVER]
    if incident is None or resolved is None or not mine:
        return False
    snapshot = load_missing_ladders(connection, item.snapshot, mine)
    addresses = {each.answers_to.lower() for each in mine} - {""}
    silent = suppressions.load(connection, addresses, item.now)
    answered = incidents.answered_people(connection, item.incident, {owner(each.customer) for each in mine})
    drafts = []
    for ticket in sorted(mine, key=lambda each: (each.opened_at, each.number)):
        person = owner(ticket.customer)
        not_sent = _why_not(ticket, answered.get(person, ""), silent)
        decision = complaints.answered(ticket, incident, resolved, (), snapshot.policy, item.now, not_sent)
        is_sent = any(isinstance(event, e.AgentAnswered) for event in decision.events)
        if is_sent:
            answered[person] = ticket.number
        drafts.append(Draft(ticket, decision, _message(resolved, item.now) if is_sent else None))
    tickets.record(connection, outbox_rows.build_all(connection, drafts, snapshot, item.now))
    return True


def release(connection: Connection, items: Sequence[Answering]) -> list[bool]:
    """Make complaints that could not be answered matters of their own: a person is notified."""
    return [_release_some(connection, item) for item in items]


def _release_some(connection: Connection, item: Answering) -> bool:
    drafts = []
    for ticket in tickets.load(connection, item.numbers).values():
        builder = DecisionBuilder(ticket)
        if complaints.leave(builder, POLICY, item.snapshot.policy, item.now) is None:
            drafts.append(Draft(ticket, builder.decision()))
    tickets.record(connection, outbox_rows.build_all(connection, drafts, item.snapshot, item.now))
    return bool(drafts)


def _why_not(ticket: Ticket, answered_on: str, silent: Suppressions) -> Reason:
    if answered_on:
        return reasons.of("answered_on", ticket=answered_on)
    found = silent.get(ticket.answers_to.lower())
    return found.as_reason if found else NO_REASON


def _message(resolved: e.IncidentResolved, now: datetime) -> Message:
    evidence = {"reason": REASON.dump(reasons.of("incident_over"))}
    author = resolved.by.name
    text = resolved.text
    return Message(now, Direction.OUT, author, "", text, text, evidence=evidence, turn="answer")
