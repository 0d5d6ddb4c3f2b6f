"""Messages that change their ticket: moving, merging, splitting, accepting a held ticket, and each inverse.

Theory of operation. Messages move together with the turn that they stand for. Then both tickets are rebuilt
from the messages they have now (`rebuild`). So each operation has an inverse: moving back, unmerging, merging
what was split off. Refusals keep the words of one customer from reaching another by mistake.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import filing, ladder, notify, reasons, ticket_clocks
from mailbot.domain.actor import POLICY, Actor
from mailbot.domain.events import Event
from mailbot.domain.lifecycle import Decision, DecisionBuilder, opened
from mailbot.domain.merging.rebuild import OUR_TURN, arrivals, is_pending, rebuild
from mailbot.domain.model import OVER, Direction, NoticeKind, Post, Role, Ticket, Turn
from mailbot.domain.people.linking import follow_posts
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import Reason, Refusal


@dataclass(frozen=True, slots=True)
class TicketState:
    """A ticket with all that these decisions need of it; its row is locked while they are made."""

    ticket: Ticket
    events: tuple[Event, ...]
    posts: tuple[Post, ...]
    participants: frozenset[str]
    linked: frozenset[str] = frozenset()  # other identities of the customer


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one of the tickets. `arrived`: (message, ticket it was on)."""

    before: Ticket | None
    decision: Decision
    arrived: tuple[tuple[int, str], ...] = ()
    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


Changes = tuple[Change, Change]


@dataclass(frozen=True, slots=True)
class Context:
    """Who does it, by which policy, when."""

    by: Actor
    policy: Policy
    at: datetime


def on_join(
    command: c.Join, source: TicketState, target: TicketState | None, new_number: str, context: Context
) -> Changes | Refusal:
    """Decide about a command on `source`. `target`: the ticket that `goes_to` names."""
    if refusal := filing.why_refused(*(side.ticket for side in (source, target) if side)):
        return refusal
    if isinstance(command, c.Split):
        return split(source, command.messages, new_number, context)
    if target is None:
        return _no_other_ticket(command, source)
    match command:
        case c.MoveMessage(message, _, other_customer):
            return move(source, message, target, context, other_customer=other_customer)
        case c.Merge(_, other_customer):
            return merge(source, target, context, other_customer=other_customer)
        case c.Accept():
            return merge(source, target, context, accepted=True)
        case c.Unmerge():
            return unmerge(source, target, context)


def goes_to(command: c.Join, ticket: Ticket, events: Iterable[Event]) -> str:
    """Return the other ticket that a command on `ticket` is about, "" when there is none."""
    match command:
        case c.MoveMessage(to=to):
            return to
        case c.Merge(into=into):
            return into
        case c.Unmerge():
            return ticket.merged_into or ""
        case c.Accept():
            claims = (event.claims for event in events if isinstance(event, e.TicketOpened))
            return ticket.held_for or next(claims, "")
        case c.Split():
            return ""


def _no_other_ticket(command: c.Join, source: TicketState) -> Refusal:
    match command:
        case c.Unmerge():
            return reasons.refuse("not_merged", ticket=source.ticket.number)
        case c.Accept():
            return reasons.refuse("no_claim", ticket=source.ticket.number)
    return reasons.refuse("no_ticket", ticket=goes_to(command, source.ticket, source.events))


# --- moving -----------------------------------------------------------------------------------------------


def move(
    source: TicketState, message: int, target: TicketState, context: Context, *, other_customer: bool
) -> Changes | Refusal:
    """Move one message to another ticket. Moving it back is the inverse."""
    a, b = source.ticket, target.ticket
    post = next((each for each in source.posts if each.id == message), None)
    if post is None:
        return reasons.refuse("no_message", message=message, ticket=a.number)
    if refusal := _same_or_merged(a, b) or _leaves_nothing(source, {message}):
        return refusal
    concerned = post.author if post.direction == Direction.IN else a.customer
    if not _takes_part(concerned, target) and not other_customer:
        danger = _danger(b)
        return reasons.refuse("message_of_another", message=message, customer=concerned, danger=danger)
    stays = tuple(each for each in source.posts if each.id != message)
    left = _with_posts(source, stays, context, e.MessageMoved(context.at, context.by, message, to=b.number))
    pending = post.turn == "customer" and post.home != b.number
    pending = pending and is_pending(a) and not is_pending(left.ticket)
    joined = _newcomers({post.author} if post.direction == Direction.IN else (), target)
    how: dict[str, Any] = {"origin": a.number, "pending": pending, "joined": tuple(sorted(joined))}
    came = e.MessageMoved(context.at, context.by, message, **how)
    why = reasons.of("message_moved", message=message, ticket=a.number)
    arrived = _arrived(target, (post,), context, came, why)
    return (
        Change(a, left.decision(), leaving=_leavers(source, left)),
        Change(b, arrived.decision(), ((message, a.number),), came.joined),
    )


# --- merging ----------------------------------------------------------------------------------------------


def merge(
    source: TicketState,
    target: TicketState,
    context: Context,
    *,
    other_customer: bool = False,
    accepted: bool = False,
) -> Changes | Refusal:
    """Merge the whole ticket into another, which keeps its own clocks. `unmerge` is the inverse."""
    a, b = source.ticket, target.ticket
    if refusal := _same_or_merged(a, b) or (None if accepted else _held(a, b)):
        return refusal
    if not (accepted or other_customer or _takes_part(a.customer, target)):
        return reasons.refuse("ticket_of_another", ticket=a.number, customer=a.customer, danger=_danger(b))
    ids = tuple(post.id for post in source.posts)
    newest = next((post for post in reversed(source.posts) if post.turn == "customer"), None)
    ours = a.status not in OVER and a.turn is not Turn.CUSTOMER
    pending = ours and newest is not None and newest.home != b.number
    ended = DecisionBuilder(a)
    ended.record(e.TicketMerged(context.at, context.by, b.number, ids, not _takes_part(a.customer, target)))
    ended.record(_standing_still(ended.ticket, context))
    # An accepted claim brings its sender alone, not everybody whom that stranger named.
    joined = tuple(sorted(_newcomers((a.customer,) if accepted else source.participants, target)))
    came = e.MergeReceived(context.at, context.by, a.number, ids, pending, joined=joined, accepted=accepted)
    why = reasons.of("ticket_accepted" if accepted else "ticket_merged", ticket=a.number)
    arrived = _arrived(target, source.posts, context, came, why)
    moved = tuple((id_, a.number) for id_ in ids)
    return Change(a, ended.decision()), Change(b, arrived.decision(), moved, came.joined)


def _standing_still(ticket: Ticket, context: Context) -> e.TicketRebuilt:
    mine, calendar = ladder.ladder_of(ticket, context.policy), ladder.calendar_of(ticket, context.policy)
    kept = ("turn", "turn_until", "turn_why", "unanswered")
    same = _same(ticket, "status", "first_response_at", "closed_at", "last_message_id", *kept)
    clocks = ticket_clocks.clocks_for(ticket, mine, calendar, context.at)
    return e.TicketRebuilt(at=context.at, by=POLICY, clocks=clocks, **same)


def unmerge(source: TicketState, target: TicketState, context: Context) -> Changes | Refusal:
    """Make a merged ticket one of its own again, with those messages it brought that are still there."""
    a, b = source.ticket, target.ticket
    if b.merged_into:
        return reasons.refuse("unmerge_target_first", ticket=b.number, into=b.merged_into)
    merged = next(event for event in reversed(source.events) if isinstance(event, e.TicketMerged))
    back = tuple(post for post in target.posts if post.id in merged.messages)
    ids = tuple(post.id for post in back)
    if not any(post.turn == "customer" for post in (*source.posts, *back)):
        return reasons.refuse("nothing_to_unmerge", ticket=a.number, other=b.number)
    if refusal := _leaves_nothing(target, ids):
        return refusal
    stays = tuple(post for post in target.posts if post.id not in merged.messages)
    left = _with_posts(target, stays, context, e.MergeReverted(context.at, context.by, a.number, ids))
    again = DecisionBuilder(a)
    again.record(e.TicketUnmerged(context.at, context.by, b.number, ids))
    _rebuild(again, source.events, (*source.posts, *back), context)
    if again.ticket.status in OUR_TURN:
        because = reasons.of("ticket_unmerged", ticket=b.number)
        notify.notify_team(again, context.policy, context.at, NoticeKind.NOTIFY, because)
    moved = tuple((id_, b.number) for id_ in ids)
    return (Change(b, left.decision(), leaving=_leavers(target, left)), Change(a, again.decision(), moved))


# --- splitting --------------------------------------------------------------------------------------------


def split(
    source: TicketState, messages: Collection[int], new_number: str, context: Context
) -> Changes | Refusal:
    """Split messages off to a new ticket, whose clocks run from the first of them. Merging is the inverse."""
    a, wanted = source.ticket, set(messages)
    gone = tuple(post for post in source.posts if post.id in wanted)
    asked = [post for post in gone if post.turn == "customer"]
    if refusal := _why_not_split(source, wanted, gone):
        return refusal
    stays = tuple(post for post in source.posts if post not in gone)
    ids = tuple(post.id for post in gone)
    left = _with_posts(source, stays, context, e.TicketSplit(context.at, context.by, new_number, ids))
    first = e.TicketOpened(
        at=context.at,
        by=context.by,
        customer=asked[0].author or a.customer,
        split_from=a.number,
        since=asked[0].at,
        **_same(a, "mailbox", "language"),
        **_same(asked[0], "subject", "message_id"),
    )
    split_from = reasons.of("split_from", ticket=a.number)
    builder = DecisionBuilder(opened(new_number, first), first)
    builder.record(_routed_alike(a, context))
    if a.assignee:
        why = reasons.of("has_ticket", ticket=a.number)
        builder.record(e.TicketAssigned(context.at, context.by, a.assignee, why))
    # The customer got an acknowledgement for the mail, and gets the new number with the first answer.
    builder.record(e.AcknowledgementSuppressed(context.at, POLICY, split_from))
    _bring_named(builder, source, gone, context)
    _rebuild(builder, (), gone, context)
    if builder.ticket.status in OUR_TURN:
        notify.notify_team(builder, context.policy, context.at, NoticeKind.NEW, split_from)
    moved = tuple((id_, a.number) for id_ in ids)
    new = Change(None, builder.decision(), moved, joining=(builder.ticket.customer,))
    return Change(a, left.decision(), leaving=_leavers(source, left)), new


def _why_not_split(source: TicketState, wanted: set[int], gone: Sequence[Post]) -> Refusal | None:
    ticket = source.ticket
    if missing := wanted - {post.id for post in gone}:
        listed = ", ".join(map(str, sorted(missing)))
        return reasons.refuse("no_messages", ticket=ticket.number, messages=listed)
    if ticket.merged_into or ticket.held_for:
        code = "split_merged" if ticket.merged_into else "split_held"
        return reasons.refuse(code, ticket=ticket.number)
    if not any(post.turn == "customer" for post in gone):
        return reasons.refuse("no_customer_message")
    if len({post.author for post in gone if post.direction == Direction.IN}) > 1:
        return reasons.refuse("several_senders")
    return _leaves_nothing(source, wanted)


def _routed_alike(ticket: Ticket, context: Context) -> e.TicketRouted:
    names = ("rule", "category", "urgency", "complexity", "priority", "tags", "team", "level", "ladder")
    same = _same(ticket, *names, "ladder_digest", "assign", "skill")
    why = reasons.of("split_from", ticket=ticket.number)
    return e.TicketRouted(at=context.at, by=context.by, reason=why, **same)


def _same(values: Ticket | Post, *names: str) -> dict[str, Any]:
    return {name: getattr(values, name) for name in names}


# --- pieces -----------------------------------------------------------------------------------------------


def _same_or_merged(a: Ticket, b: Ticket) -> Refusal | None:
    if incident := next((each for each in (a, b) if each.is_incident), None):
        return reasons.refuse("incident_not_merged", ticket=incident.number)
    if a.number == b.number:
        return reasons.refuse("same_ticket", ticket=a.number)
    if a.merged_into:
        return reasons.refuse("merged_already", ticket=a.number, into=a.merged_into)
    if b.merged_into == a.number:
        return reasons.refuse("merged_already", ticket=b.number, into=a.number)
    if b.merged_into:
        return reasons.refuse("target_merged", ticket=b.number, into=b.merged_into)
    return None


def _held(a: Ticket, b: Ticket) -> Refusal | None:
    held = next((ticket for ticket in (a, b) if ticket.held_for), None)
    return reasons.refuse("held", ticket=held.number, other=held.held_for or "") if held else None


def _leaves_nothing(source: TicketState, gone: Collection[int]) -> Refusal | None:
    if any(post.turn == "customer" and post.id not in gone for post in source.posts):
        return None
    return reasons.refuse("no_message_left", ticket=source.ticket.number)


def _danger(target: Ticket) -> Reason:
    return reasons.of("other_customer", ticket=target.number, customer=target.customer)


def _takes_part(address: str, side: TicketState) -> bool:
    return address == side.ticket.customer or address in side.participants | side.linked


def _newcomers(addresses: Iterable[str], target: TicketState) -> set[str]:
    """Return who takes part in `target` only because of this operation."""
    guests = {address for each in arrivals(target.events) for address in each.joined}
    return set(addresses) - (set(target.participants) - guests) - {target.ticket.customer, *target.linked, ""}


def _leavers(side: TicketState, builder: DecisionBuilder) -> tuple[str, ...]:
    """Return who took part only because of messages that have left now."""
    before = {address for each in arrivals(side.events) for address in each.joined}
    after = {address for each in arrivals((*side.events, *builder.events)) for address in each.joined}
    return tuple(sorted(before - after - _added(side.events).keys()))


def _added(events: Iterable[Event]) -> dict[str, e.ParticipantsAdded]:
    """Return who takes part by a mail that named them, or by a command, with the event that added them."""
    added: dict[str, e.ParticipantsAdded] = {}
    for event in events:
        for address, role in e.roles_of(event).items():
            added.pop(address, None)
            if isinstance(event, e.ParticipantsAdded) and role is Role.PARTICIPANT:
                added[address] = event
    return added


def _bring_named(
    builder: DecisionBuilder, source: TicketState, gone: Sequence[Post], context: Context
) -> None:
    """Record on the new ticket those who take part because of a message that went there.

    They stay where they were, so that merging it back is the inverse.
    """
    ids = {post.message_id for post in gone} - {""}
    added = {address: event for address, event in _added(source.events).items() if event.message_id in ids}
    for address, event in added.items():
        if address in source.participants and address != builder.ticket.customer:
            builder.record(replace(event, at=context.at, by=context.by, addresses=(address,)))


def _with_posts(side: TicketState, posts: Sequence[Post], context: Context, event: Event) -> DecisionBuilder:
    builder = DecisionBuilder(side.ticket)
    builder.record(event)
    _rebuild(builder, side.events, posts, context)
    follow_posts(builder, side.posts, posts, side.linked, context.at)
    return builder


def _arrived(
    side: TicketState, came: Sequence[Post], context: Context, event: Event, why: Reason
) -> DecisionBuilder:
    builder = _with_posts(side, (*side.posts, *came), context, event)
    if not is_pending(side.ticket) and is_pending(builder.ticket):
        notify.notify_team(builder, context.policy, context.at, NoticeKind.CUSTOMER_WROTE, why)
    return builder


def _rebuild(
    builder: DecisionBuilder, before: Sequence[Event], posts: Sequence[Post], context: Context
) -> None:
    events = (*before, *builder.events)
    builder.record(rebuild(builder.ticket, events, posts, context.policy, context.at))
