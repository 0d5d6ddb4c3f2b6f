"""Messages that change their ticket: moving, merging, splitting, accepting what was held; and back again.

Messages go over with the turn they stand for, then both tickets are told anew (`retelling`), so that every
one of these has its inverse: moving back, unmerging, merging what was split off. Whose eyes a message was
written for decides what is refused: the words of one customer must not reach another by a slip.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import ladder, notify
from mailbot.domain.events import Event
from mailbot.domain.lifecycle import Decision, DecisionBuilder, opened
from mailbot.domain.merging.rebuild import OUR_TURN, arrivals, retold
from mailbot.domain.model import Post, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.states import Direction


@dataclass(frozen=True, slots=True)
class Side:
    """A ticket with all that these decisions need of it; locked while they are made."""

    ticket: Ticket
    events: tuple[Event, ...]
    posts: tuple[Post, ...]
    participants: frozenset[str]


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one of the tickets. `came`: (message, ticket it was on)."""

    before: Ticket | None
    decision: Decision
    came: tuple[tuple[int, str], ...] = ()
    joining: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()


Changes = tuple[Change, Change]


@dataclass(frozen=True, slots=True)
class Who:
    """Who does it, by which policy, when."""

    by: str
    policy: Policy
    at: datetime


def on_join(command: c.Join, source: Side, target: Side | None, fresh: str, who: Who) -> Changes | str:
    """What the command leads to, or why it can't be done. `target` is the ticket that `goes_to` names."""
    if isinstance(command, c.Split):
        return split(source, command.messages, fresh, who)
    if target is None:
        return _goes_nowhere(command, source)
    match command:
        case c.MoveMessage(message, _, other_customer):
            return move(source, message, target, who, other_customer=other_customer)
        case c.Merge(_, other_customer):
            return merge(source, target, who, other_customer=other_customer)
        case c.Accept():
            return merge(source, target, who, accepted=True)
        case c.Unmerge():
            return unmerge(source, target, who)


def goes_to(command: c.Join, ticket: Ticket, events: Iterable[Event]) -> str:
    """The other ticket that a command on `ticket` is about; "" when there is none."""
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


def _goes_nowhere(command: c.Join, source: Side) -> str:
    match command:
        case c.Unmerge():
            return f"{source.ticket.number} is not merged into any other"
        case c.Accept():
            return f"{source.ticket.number} claims to be about no other ticket"
    return f"there is no ticket {goes_to(command, source.ticket, source.events)}"


# --- moving -----------------------------------------------------------------------------------------------


def move(source: Side, message: int, target: Side, who: Who, *, other_customer: bool) -> Changes | str:
    """One message to another ticket. Undone by moving it back."""
    a, b = source.ticket, target.ticket
    post = next((each for each in source.posts if each.id == message), None)
    if post is None:
        return f"message {message} is not on {a.number}"
    refusal = _same_or_merged(a, b) or _leaves_nothing(source, {message})
    if refusal:
        return refusal
    concerned = post.author if post.direction == Direction.IN else a.customer
    if not _takes_part(concerned, target) and not other_customer:
        return _of_another(f"message {message}", concerned, b)
    stays = tuple(each for each in source.posts if each.id != message)
    left = _left(source, stays, who, e.MessageMoved(who.at, who.by, message, to=b.number))
    pending = post.turn == "customer" and post.home != b.number
    pending = pending and a.status in OUR_TURN and left.ticket.status not in OUR_TURN
    joined = _newcomers({post.author} if post.direction == Direction.IN else (), target)
    came = e.MessageMoved(
        who.at, who.by, message, origin=a.number, pending=pending, joined=tuple(sorted(joined))
    )
    arrived = _arrived(target, (post,), who, came, f"message {message} was moved here from {a.number}")
    return (
        Change(a, left.decision(), leaving=_leavers(source, left)),
        Change(b, arrived.decision(), ((message, a.number),), came.joined),
    )


# --- merging ----------------------------------------------------------------------------------------------


def merge(
    source: Side, target: Side, who: Who, *, other_customer: bool = False, accepted: bool = False
) -> Changes | str:
    """The whole ticket into another, which keeps its own clocks. Undone by `unmerge`."""
    a, b = source.ticket, target.ticket
    refusal = _same_or_merged(a, b) or ("" if accepted else _held(a, b))
    if refusal:
        return refusal
    if not (accepted or other_customer or _takes_part(a.customer, target)):
        return _of_another(a.number, a.customer, b)
    ids = tuple(post.id for post in source.posts)
    newest = next((post for post in reversed(source.posts) if post.turn == "customer"), None)
    pending = a.status in OUR_TURN and newest is not None and newest.home != b.number
    ended = DecisionBuilder(a)
    ended.record(e.TicketMerged(who.at, who.by, b.number, ids, not _takes_part(a.customer, target)))
    ended.record(_standing_still(ended.ticket, who))
    came = e.MergeReceived(
        at=who.at,
        by=who.by,
        other=a.number,
        messages=ids,
        pending=pending,
        joined=tuple(sorted(_newcomers(source.participants, target))),
        accepted=accepted,
    )
    why = f"{a.number} was {'accepted' if accepted else 'merged'} into it"
    arrived = _arrived(target, source.posts, who, came, why)
    moved = tuple((id_, a.number) for id_ in ids)
    return Change(a, ended.decision()), Change(b, arrived.decision(), moved, came.joined)


def _standing_still(ticket: Ticket, who: Who) -> e.TicketRebuilt:
    mine, calendar = ladder.ladder_of(ticket, who.policy), ladder.calendar_of(ticket, who.policy)
    names = ("status", "first_response_at", "closed_at", "last_message_id")
    same = {name: getattr(ticket, name) for name in names}
    clocks = ladder.clocks_for(ticket, mine, calendar, who.at)
    return e.TicketRebuilt(at=who.at, by="policy", clocks=clocks, **same)


def unmerge(source: Side, target: Side, who: Who) -> Changes | str:
    """What was merged is a ticket of its own again, with the messages it brought that are still there."""
    a, b = source.ticket, target.ticket
    if b.merged_into:
        return f"{b.number} is itself merged into {b.merged_into}: unmerge {b.number} first"
    merged = next(event for event in reversed(source.events) if isinstance(event, e.TicketMerged))
    back = tuple(post for post in target.posts if post.id in merged.messages)
    ids = tuple(post.id for post in back)
    if not any(post.turn == "customer" for post in (*source.posts, *back)):
        return f"no customer's message that {a.number} brought is left on {b.number}: move one back first"
    if refusal := _leaves_nothing(target, ids):
        return refusal
    stays = tuple(post for post in target.posts if post.id not in merged.messages)
    left = _left(target, stays, who, e.MergeReverted(who.at, who.by, a.number, ids))
    again = DecisionBuilder(a)
    again.record(e.TicketUnmerged(who.at, who.by, b.number, ids))
    _retell(again, source.events, (*source.posts, *back), who)
    if again.ticket.status in OUR_TURN:
        because = f"it is no longer merged into {b.number}"
        notify.team(again, who.policy, who.at, "notify", because, "")
    moved = tuple((id_, b.number) for id_ in ids)
    return (
        Change(b, left.decision(), leaving=_leavers(target, left)),
        Change(a, again.decision(), moved),
    )


# --- splitting --------------------------------------------------------------------------------------------


def split(source: Side, messages: Collection[int], fresh: str, who: Who) -> Changes | str:
    """Messages to a new ticket, whose clocks run from the first of them. Undone by merging it back."""
    a, wanted = source.ticket, set(messages)
    gone = tuple(post for post in source.posts if post.id in wanted)
    asked = [post for post in gone if post.turn == "customer"]
    refusal = _why_not_split(source, wanted, gone)
    if refusal:
        return refusal
    left = _left(
        source, tuple(post for post in source.posts if post not in gone), who, _split_off(gone, fresh, who)
    )
    first = e.TicketOpened(
        at=who.at,
        by=who.by,
        mailbox=a.mailbox,
        customer=asked[0].author or a.customer,
        subject=asked[0].subject,
        language=a.language,
        message_id=asked[0].message_id,
        split_from=a.number,
        since=asked[0].at,
    )
    builder = DecisionBuilder(opened(fresh, first), first)
    builder.record(_routed_alike(a, who))
    if a.assignee:
        builder.record(e.TicketAssigned(who.at, who.by, a.assignee, f"has {a.number}"))
    # The customer had an acknowledgement for the mail, and hears the new number with the first answer.
    builder.record(e.AcknowledgementSuppressed(who.at, "policy", f"split from {a.number}"))
    _retell(builder, (), gone, who)
    if builder.ticket.status in OUR_TURN:
        notify.team(builder, who.policy, who.at, "new", f"split from {a.number}", "")
    moved = tuple((post.id, a.number) for post in gone)
    joining = (builder.ticket.customer,)
    return Change(a, left.decision(), leaving=_leavers(source, left)), Change(
        None, builder.decision(), moved, joining
    )


def _why_not_split(source: Side, wanted: set[int], gone: Sequence[Post]) -> str:
    number = source.ticket.number
    missing = wanted - {post.id for post in gone}
    if missing:
        return f"not on {number}: message {', '.join(map(str, sorted(missing)))}"
    if source.ticket.merged_into or source.ticket.held_for:
        return f"{number} is {'merged' if source.ticket.merged_into else 'held'}: nothing can be split off it"
    if not any(post.turn == "customer" for post in gone):
        return "none of these messages is a customer's: there would be nobody to answer"
    if len({post.author for post in gone if post.direction == Direction.IN}) > 1:
        return "these messages are of different senders: split them one by one"
    return _leaves_nothing(source, wanted)


def _split_off(gone: Sequence[Post], fresh: str, who: Who) -> e.TicketSplit:
    return e.TicketSplit(who.at, who.by, fresh, tuple(post.id for post in gone))


def _routed_alike(ticket: Ticket, who: Who) -> e.TicketRouted:
    names = (
        *("rule", "category", "urgency", "complexity", "priority", "tags", "team", "level"),
        *("ladder", "ladder_digest"),
    )
    same = {name: getattr(ticket, name) for name in (*names, "assign", "skill")}
    return e.TicketRouted(at=who.at, by=who.by, because=f"split from {ticket.number}", **same)


# --- pieces -----------------------------------------------------------------------------------------------


def _same_or_merged(a: Ticket, b: Ticket) -> str:
    if a.number == b.number:
        return f"{a.number} is the same ticket on both sides"
    if a.merged_into:
        return f"{a.number} is merged into {a.merged_into} already: unmerge it first"
    if b.merged_into == a.number:
        return f"{b.number} is merged into {a.number} already: unmerge it first"
    if b.merged_into:
        return f"{b.number} is itself merged into {b.merged_into}: name that one"
    return ""


def _held(a: Ticket, b: Ticket) -> str:
    for each in (a, b):
        if each.held_for:
            return f"{each.number} is held for {each.held_for}, unconfirmed: accept or reject it first"
    return ""


def _leaves_nothing(source: Side, gone: Collection[int]) -> str:
    if any(post.turn == "customer" and post.id not in gone for post in source.posts):
        return ""
    return (
        f"no customer's message would be left on {source.ticket.number}: merge what belongs together instead"
    )


def _of_another(what: str, customer: str, target: Ticket) -> str:
    return (
        f"{what} is of {customer}, who takes no part in {target.number} of {target.customer}: agents would "
        f"read both as one matter, and every answer goes to {target.customer}, so that the words of one "
        "customer can reach another. Nothing was changed. If it truly is one matter: --other-customer."
    )


def _takes_part(address: str, side: Side) -> bool:
    return address == side.ticket.customer or address in side.participants


def _newcomers(addresses: Iterable[str], target: Side) -> set[str]:
    """Who takes part in `target` only because of this."""
    guests = {address for each in arrivals(target.events) for address in each.joined}
    return set(addresses) - (set(target.participants) - guests) - {target.ticket.customer, ""}


def _leavers(side: Side, builder: DecisionBuilder) -> tuple[str, ...]:
    """Who took part only because of what has left now."""
    before = {address for each in arrivals(side.events) for address in each.joined}
    after = {address for each in arrivals((*side.events, *builder.events)) for address in each.joined}
    return tuple(sorted(before - after))


def _left(side: Side, stays: Sequence[Post], who: Who, event: Event) -> DecisionBuilder:
    builder = DecisionBuilder(side.ticket)
    builder.record(event)
    _retell(builder, side.events, stays, who)
    return builder


def _arrived(side: Side, came: Sequence[Post], who: Who, event: Event, why: str) -> DecisionBuilder:
    builder = DecisionBuilder(side.ticket)
    builder.record(event)
    _retell(builder, side.events, (*side.posts, *came), who)
    if side.ticket.status not in OUR_TURN and builder.ticket.status in OUR_TURN:
        notify.team(builder, who.policy, who.at, "customer_wrote", why, "")
    return builder


def _retell(builder: DecisionBuilder, before: Sequence[Event], posts: Sequence[Post], who: Who) -> None:
    events = (*before, *builder.events)
    builder.record(retold(builder.ticket, events, posts, who.policy, who.at, "policy"))
