"""What a command did to tickets, for people and as JSON."""

from datetime import datetime
from typing import Any

from mailbot.cli.shared import ticket_text
from mailbot.cli.shared.names import Names
from mailbot.cli.shared.open_store import OpenStore, now
from mailbot.cli.shared.output import clean, echo, echo_wrapped
from mailbot.cli.shared.ticket_lookup import check_agent
from mailbot.cli.shared.wall_clock import WallClock
from mailbot.domain.actor import Actor
from mailbot.domain.acts.agent_act import leaves_at, waits
from mailbot.domain.closing.causes import remark
from mailbot.domain.events import TicketClosed
from mailbot.domain.lifecycle import Decision
from mailbot.domain.notices import recipient_of
from mailbot.operations import ticket_commands
from mailbot.views import ticket_json
from mailbot.views.event_text import event_text


def find_actor(opened: OpenStore, agent: str | None) -> Actor:
    """Return who acts. Exit 1 when --as names no agent."""
    return ticket_commands.operator() if agent is None else Actor.agent(check_agent(opened, "--as", agent))


def decision_json(opened: OpenStore, decision: Decision) -> dict[str, Any]:
    """Return a recorded decision as JSON: the ticket, the new events, the mails."""
    zone = opened.zone(decision.ticket.team)
    return opened.store.read_now(ticket_json.decision_json, decision, opened.policy.version, zone)


def print_decision(opened: OpenStore, decision: Decision, due_at: datetime | None) -> None:
    """Print the same for people."""
    zone, names = opened.zone(decision.ticket.team), Names(opened.policy)
    clock = WallClock(zone, now())
    ticket_text.print_heading(decision.ticket, decision.ticket.status)
    for event in decision.events:
        echo_wrapped(f"  {names.in_text(event_text(event, zone))}")
    leaves = leaves_at(decision, opened.policy)
    waiting = [notice for notice in decision.notices if leaves and waits(notice)]
    for notice in decision.notices:
        until = f" and leaves at {clock.moment(leaves)}" if leaves and notice in waiting else ""
        to = clean(names.of(recipient_of(notice)))
        echo_wrapped(f"  mail to {to} is in the outbox ({notice.name}){until}")
    if waiting:
        agent = decision.events[0].by.name
        echo(f"  until then: mailbot ticket undo {decision.ticket.number} --as {agent}")
    is_closed = any(isinstance(event, TicketClosed) for event in decision.events)
    if is_closed and (missing := remark(decision.ticket, opened.policy)):
        echo(f"  {missing}: mailbot ticket set {decision.ticket.number} --cause CAUSE")
    echo(f"  next deadline: {clock.moment(due_at) if due_at else 'none'}")
