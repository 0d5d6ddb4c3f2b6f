"""Tell the history of another desk's ticket as events of ours. Pure: values in, a decision out.

Theory of operation. Each message becomes the event that it would have been here, at its own time. Nobody is
notified of any of it. What still lives gets an owner of ours and clocks that begin now: targets of years ago would all
be missed at once. What is closed has no clock.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import POLICY, Actor, ActorKind
from mailbot.domain.assignment import Loads, choose
from mailbot.domain.classify import routing_event
from mailbot.domain.escalation.ownership import nearest_level
from mailbot.domain.language import NAMES as LANGUAGES
from mailbot.domain.lifecycle import Decision, DecisionBuilder, clocks_set, opened
from mailbot.domain.model import NO_HISTORY, OVER, Direction, Role, Status, Turn
from mailbot.domain.people.addresses import owner
from mailbot.domain.people.customer import is_outside
from mailbot.domain.people.participants import MOST_NAMED, MOST_TAKING_PART
from mailbot.domain.policy import Mailbox, Policy
from mailbot.domain.reasons import Reason
from mailbot.domain.routing.conditions import PRIORITIES
from mailbot.domain.routing.routed import route
from mailbot.domain.routing.routing_facts import circumstances, routing_facts
from mailbot.mail.parsing.addresses import normalise_address
from mailbot.operations.importing.model import ImportedStatus, ImportedTicket
from mailbot.operations.importing.reading import ReadMessage


@dataclass(frozen=True, slots=True)
class Import:
    """What a run decides by: the name of its source, the policy, and its one moment."""

    source: str
    policy: Policy
    now: datetime

    @property
    def by(self) -> Actor:
        return Actor(ActorKind.IMPORT, self.source)

    def reason(self, ticket: ImportedTicket) -> Reason:
        """Return why a message is on its ticket."""
        if ticket.numbers:
            return reasons.of("imported", source=self.source, numbers=", ".join(ticket.numbers)[:200])
        return reasons.of("imported_unnumbered", source=self.source)


def begin(
    ticket: ImportedTicket,
    messages: Sequence[ReadMessage],
    number: str,
    box: Mailbox,
    run: Import,
    loads: Loads,
) -> Decision:
    """Decide about a ticket that is not here yet. `messages`: all of it, oldest first."""
    first = _first_event(ticket, messages, box, run)
    builder = DecisionBuilder(opened(number, first), first, loads=loads)
    builder.record(_routing(ticket, messages, box, run, first))
    if agent := _agent(ticket, messages, run.policy):
        builder.record(e.TicketAssigned(first.at, run.by, agent, run.reason(ticket)))
    _add_people(builder, ticket, messages, run)
    _tell(builder, messages[1:] if messages[0].is_customers else messages, ticket, run)
    if all(each.is_machines for each in messages):
        builder.record(e.TicketFiled(first.at, run.by, messages[0].mail.author_reason))
    else:
        _end(builder, ticket, messages, run)
    return builder.decision()


def go_on(
    builder: DecisionBuilder,
    ticket: ImportedTicket,
    messages: Sequence[ReadMessage],
    run: Import,
    *,
    worked_on: bool,
) -> Decision:
    """Decide about a ticket that was imported before. `messages`: those that are new, oldest first.

    `worked_on`: somebody wrote or acted on it here. Then its state at the other desk says nothing any more.
    """
    was_over = builder.ticket.status in OVER
    _tell(builder, messages, ticket, run)
    if not worked_on:
        _follow_state(builder, ticket, messages, run)
    if builder.ticket.status not in OVER:
        _own(builder, run)
        if builder.events:
            clocks = clocks_set(builder.ticket, run.policy, run.now)
            builder.record(replace(clocks, by=run.by) if was_over else clocks)
    return builder.decision()


# --- the beginning ----------------------------------------------------------------------------------------


def _first_event(
    ticket: ImportedTicket, messages: Sequence[ReadMessage], box: Mailbox, run: Import
) -> e.TicketOpened:
    opening = _opening(messages)
    began = min(ticket.opened_at, messages[0].at)
    at = messages[0].at if messages[0].is_customers else began
    return e.TicketOpened(
        at=at,
        by=run.by,
        mailbox=box.address,
        customer="" if run.policy.mailbox_for(ticket.customer) else ticket.customer,
        subject=ticket.subject or messages[0].mail.subject,
        language=_language(ticket, opening, box),
        message_id=opening.mail.message_id if opening.is_customers else "",
        since=began if began < at else None,
    )


def _opening(messages: Sequence[ReadMessage]) -> ReadMessage:
    """Return what the customer wrote first, else the first message."""
    persons = (each for each in messages if each.is_customers and not each.is_machines)
    return next(persons, messages[0])


def _language(ticket: ImportedTicket, opening: ReadMessage, box: Mailbox) -> str:
    known = ticket.language[:2].lower()
    return known if known in LANGUAGES else opening.mail.language or box.language


def _routing(
    ticket: ImportedTicket,
    messages: Sequence[ReadMessage],
    box: Mailbox,
    run: Import,
    first: e.TicketOpened,
) -> e.TicketRouted:
    """Return what the rules say of the first mail, with what the other desk knew better.

    Where its bytes are here and the rules alone decided, it is theirs: then rules can be tried on it.
    """
    policy, mail = run.policy, _opening(messages).mail
    known = circumstances(mail, NO_HISTORY)
    by_rules = route(policy, routing_facts(mail, mail.sender, box.address, policy, first.at, known)).found
    found = replace(
        by_rules,
        team=ticket.team if ticket.team in policy.teams else by_rules.team,
        category=ticket.category if ticket.category in policy.categories else by_rules.category,
    )
    if ticket.priority in PRIORITIES:
        found = replace(found, priority=ticket.priority, ladder=policy.ladder_of[ticket.priority])
    if ticket.status is not ImportedStatus.CLOSED:
        found = replace(found, level=nearest_level(policy, found.team, found.level))
    begins = messages[0].is_customers and not messages[0].is_machines and bool(messages[0].imported.raw)
    if begins and found == by_rules and not ticket.tags:
        return routing_event(found, policy, first.at, (), known)
    return replace(routing_event(found, policy, first.at, ticket.tags, None), by=run.by)


def _agent(ticket: ImportedTicket, messages: Sequence[ReadMessage], policy: Policy) -> str:
    """Return the agent of ours who has it, or who last answered a closed one; "" for none."""
    owned = ticket.agent.strip().lower()
    if owned in policy.agents or ticket.status is not ImportedStatus.CLOSED:
        return owned if owned in policy.agents else ""
    answered = (each.author for each in reversed(messages) if each.imported.direction is Direction.OUT)
    return next((each for each in answered if each in policy.agents), "")


def _add_people(
    builder: DecisionBuilder, ticket: ImportedTicket, messages: Sequence[ReadMessage], run: Import
) -> None:
    """Record who takes part: whom the other desk let write on it, and whom it names."""
    wrote = {each.author: Role.PARTICIPANT for each in messages if each.is_customers and not each.is_machines}
    listed = {normalise_address(address.strip()): role for address, role in ticket.people.items()}
    settled = {owner(builder.ticket.customer)}
    for role, most in ((Role.PARTICIPANT, MOST_TAKING_PART), (Role.NAMED, MOST_NAMED)):
        chosen = [
            each
            for each, theirs in {**listed, **wrote}.items()
            if theirs is role and "@" in each and owner(each) not in settled and is_outside(each, run.policy)
        ]
        settled |= {owner(each) for each in chosen}
        if chosen:
            at = builder.ticket.opened_at
            builder.record(e.ParticipantsAdded(at, run.by, tuple(chosen[:most]), role, run.reason(ticket)))


# --- what happened ----------------------------------------------------------------------------------------


def _tell(
    builder: DecisionBuilder, messages: Iterable[ReadMessage], ticket: ImportedTicket, run: Import
) -> None:
    """Record each message as the event that it was. A note changes nothing."""
    why = run.reason(ticket)
    for each in messages:
        mail, at = each.mail, each.at
        if each.is_machines:
            builder.record(e.AutomaticMailReceived(at, run.by, mail.message_id, mail.author_reason))
        elif each.is_customers:
            if builder.ticket.status is Status.CLOSED:
                builder.record(e.TicketReopened(at, run.by, why))
            elif builder.ticket.status is Status.FILED:
                builder.record(e.TicketReleased(at, run.by))
            builder.record(e.CustomerWrote(at, run.by, mail.message_id, why))
        elif each.imported.direction is Direction.OUT:
            builder.record(e.AgentAnswered(at, run.by, each.author, Turn.CUSTOMER))


def _end(
    builder: DecisionBuilder, ticket: ImportedTicket, messages: Sequence[ReadMessage], run: Import
) -> None:
    """Record how it ended, or who has it now and until when."""
    if ticket.status is ImportedStatus.CLOSED:
        _close(builder, ticket, messages, run)
    else:
        _wait(builder, ticket, run)
        _own(builder, run)
        builder.record(replace(clocks_set(builder.ticket, run.policy, run.now), by=run.by))
    _rate(builder, ticket, run)


def _close(
    builder: DecisionBuilder, ticket: ImportedTicket, messages: Sequence[ReadMessage], run: Import
) -> None:
    """Close it when it was closed there. What the customer wrote later did not open it again there."""
    wrote = [each.at for each in messages if each.is_customers]
    ended = ticket.closed_at or max((each.at for each in messages), default=run.now)
    at = min(max([ended, builder.ticket.opened_at, *wrote]), run.now)
    builder.record(e.TicketClosed(at, run.by, run.reason(ticket)))
    builder.record(e.ClocksSet(at, run.by, ()))


def _rate(builder: DecisionBuilder, ticket: ImportedTicket, run: Import) -> None:
    if ticket.rating and builder.ticket.satisfaction is None:
        at = ticket.rated_at or ticket.closed_at or builder.ticket.closed_at or run.now
        builder.record(e.SatisfactionRated(min(at, run.now), run.by, max(1, min(5, ticket.rating))))


def _wait(builder: DecisionBuilder, ticket: ImportedTicket, run: Import) -> None:
    """Give the turn to the customer where the other desk waited for them."""
    if ticket.status is not ImportedStatus.WAITING:
        return
    until = ticket.waits_until if ticket.waits_until and ticket.waits_until > run.now else None
    if until or builder.ticket.turn is Turn.OURS:
        builder.record(e.TurnSet(run.now, run.by, Turn.CUSTOMER, until, run.reason(ticket)))


def _own(builder: DecisionBuilder, run: Import) -> None:
    """Find an owner where the ticket has none of ours."""
    if builder.ticket.assignee in run.policy.agents:
        return
    if chosen := choose(builder.ticket, run.policy, run.now, builder.loads):
        builder.record(e.TicketAssigned(run.now, POLICY, chosen.agent.address, chosen.reason))


def _follow_state(
    builder: DecisionBuilder, ticket: ImportedTicket, messages: Sequence[ReadMessage], run: Import
) -> None:
    """Close or reopen it as the other desk did since the last run."""
    is_over, was_closed = builder.ticket.status in OVER, ticket.status is ImportedStatus.CLOSED
    if was_closed and not is_over:
        _close(builder, ticket, messages, run)
    elif not was_closed and builder.ticket.status is Status.CLOSED:
        builder.record(e.TicketReopened(run.now, run.by, run.reason(ticket)))
    if not was_closed and builder.ticket.status not in OVER:
        _wait(builder, ticket, run)
    _rate(builder, ticket, run)
