"""Turn and clocks of a ticket, rebuilt from the messages that it has now.

Theory of operation. After messages arrived or left, the ticket's events are replayed. What people and the
policy did stays as recorded, also when they gave the turn away or took it back. Else the turn follows from the
messages that are there. So moving a message and moving it back ends where it began, and each clock runs from the
opening of its own ticket, or from the moment when it was brought over from another desk.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from mailbot.domain import events as e
from mailbot.domain import ladder, ticket_clocks
from mailbot.domain.actor import CUSTOMER, POLICY, ActorKind
from mailbot.domain.acts.agent_act import without_undone
from mailbot.domain.events import Event
from mailbot.domain.lifecycle import status_by_turn
from mailbot.domain.model import OVER, Post, Status, Target, Ticket, Turn
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason

Arrival = e.MessageMoved | e.MergeReceived
OUR_TURN = frozenset({Status.NEW, Status.OPEN})
_NOT_KEPT = ticket_clocks.STEP_CLOCKS | {
    Target.THIRD_PARTY,
    Target.PROMISE,
    Target.REPEAT,
}  # clocks whose span says nothing about the next one


@dataclass(frozen=True, slots=True)
class _Turn:
    """A mail that changed the turn: see `Post.turn`. `why`: as it was recorded."""

    at: datetime
    turn: str
    message_id: str
    why: Reason = NO_REASON


def rebuild(
    ticket: Ticket, events: Sequence[Event], posts: Sequence[Post], policy: Policy, now: datetime
) -> e.TicketRebuilt:
    """Rebuild from all events of the ticket, first to last, and the messages that it has from now on."""
    events = without_undone(events)
    walk = _Walk(ticket, events, posts, policy)
    for moment in _moments(events, posts, ticket.number):
        walk.take(moment)
    then = walk.ticket
    return e.TicketRebuilt(
        *(
            now,
            POLICY,
            then.status,
            then.first_response_at,
            then.closed_at,
            then.last_message_id,
            then.clocks,
        ),
        turn=then.turn,
        unanswered=then.unanswered,
        turn_until=then.turn_until,
        turn_why=then.turn_why,
    )


def is_pending(ticket: Ticket) -> bool:
    """Check whether a mail of the customer waits for an answer of ours."""
    return ticket.unanswered and ticket.turn is not Turn.CUSTOMER and ticket.status not in OVER


def arrivals(events: Iterable[Event]) -> list[Arrival]:
    """Return what arrived from other tickets and has not left again."""
    here: list[Arrival] = []
    for event in events:
        match event:
            case e.MessageMoved(origin=origin) if origin:
                here.append(event)
            case e.MergeReceived():
                here.append(event)
            case e.MergeReverted(other=other):
                here = [each for each in here if isinstance(each, e.MessageMoved) or each.other != other]
            case e.MessageMoved(message=message):
                here = [each for each in here if carried(each) != (message,)]
            case e.TicketSplit(messages=messages):
                here = [each for each in here if not set(carried(each)) <= set(messages)]
    return here


def carried(arrival: Arrival) -> tuple[int, ...]:
    """Return the messages that arrived with it."""
    return (arrival.message,) if isinstance(arrival, e.MessageMoved) else arrival.messages


def _moments(events: Sequence[Event], posts: Sequence[Post], number: str) -> Iterator[Event | _Turn]:
    """Yield the ticket's events with the turns in their places.

    Its own mails stand where they were recorded, those of other tickets by their time.
    """
    own = [post for post in posts if post.turn and post.home == number]
    slots: dict[int, _Turn] = {}
    for position, event in enumerate(events):
        mail = next((post for post in own if (post.turn, post.at) == _slot(event)), None)
        if mail:
            own.remove(mail)
            why = event.reason if isinstance(event, e.AgentAnswered) else NO_REASON
            slots[position] = _Turn(mail.at, mail.turn, mail.message_id, why)
    foreign = [post for post in posts if post.turn and post.home != number]
    others = sorted((*foreign, *own), key=lambda post: (post.at, post.id))
    rest = [_Turn(post.at, post.turn, post.message_id) for post in others]
    for position, event in enumerate(events):
        while position and rest and rest[0].at <= event.at:
            yield rest.pop(0)
        if _slot(event)[0]:
            yield from filter(None, [slots.get(position)])
        else:
            yield event
    yield from rest


def _slot(event: Event) -> tuple[str, datetime]:
    """Return the turn of the mail that an event recorded, and when it came."""
    match event:
        case e.TicketOpened() | e.CustomerWrote():
            return "customer", event.at
        case e.AgentAnswered(turn=turn):
            return post_turn(turn), event.at
    return "", event.at


def post_turn(turn: Turn) -> str:
    """Return what a stored answer keeps of the turn after it."""
    return "working" if turn is Turn.OURS else "answer"


_OURS: Mapping[str, object] = {"turn": Turn.OURS, "turn_until": None, "turn_why": NO_REASON}


class _Walk:
    """The ticket so far, while its events are replayed."""

    def __init__(
        self, ticket: Ticket, events: Sequence[Event], posts: Sequence[Post], policy: Policy
    ) -> None:
        first = events[0]
        assert isinstance(first, e.TicketOpened)
        routed = next((event for event in events if isinstance(event, e.TicketRouted)), None)
        self.ticket = replace(
            ticket,
            status=Status.NEW,
            team=routed.team if routed else ticket.team,
            clocks=(),
            first_response_at=None,
            closed_at=None,
            merged_into=None,
            held_for=first.held_for or None,
            last_message_id="",
            unanswered=True,
            turn=Turn.OURS,
            turn_until=None,
            turn_why=NO_REASON,
        )
        self._policy, self._spans = policy, _spans(events)
        here = {post.id for post in posts}
        self._pending = [each for each in arrivals(events) if each.pending and here & set(carried(each))]
        self._set_clocks(ticket.opened_at)

    def take(self, moment: Event | _Turn) -> None:
        match moment:
            case _Turn():
                self._turn(moment)
            case e.TicketClosed(at=at):
                self._change(Status.CLOSED, at, closed_at=at, turn_until=None)
            case e.TicketReopened(at=at, by=by) if by != CUSTOMER:  # else the customer's mail does it
                self._change(Status.OPEN, at, closed_at=None, **_OURS)
            case e.TurnSet(at=at, turn=turn, until=until, reason=reason) if self.ticket.status not in OVER:
                status = status_by_turn(self.ticket, turn, answered=not self.ticket.unanswered)
                self._change(status, at, turn=turn, turn_until=until, turn_why=reason)
            case e.NewsPromised(at=at, until=until) if self.ticket.status not in OVER:
                self._change(
                    self.ticket.status, at, clocks=ticket_clocks.promise(self.ticket.clocks, until, at)
                )
            case e.MessageMoved() | e.MergeReceived():
                if moment in self._pending and not is_pending(self.ticket):
                    self._change(Status.OPEN, moment.at, closed_at=None, unanswered=True, **_OURS)
            case e.TicketReleased(at=at):
                clocks = ticket_clocks.after_answer(self.ticket.clocks)
                self._change(self.ticket.status, at, held_for=None, clocks=clocks)
            case e.TicketHandedOver(at=at, team=team):
                old = ladder.calendar_of(self.ticket, self._policy)
                clocks = ticket_clocks.change_calendar(self.ticket.clocks, old, at)
                self.ticket = replace(self.ticket, team=team, clocks=clocks)
            case e.StepTaken(target=target, step=step, at=at):
                self._fire(target, step, at)
            case e.TargetMissed(target=target, at=at) | e.ReminderDue(target=target, at=at):
                self._fire(target, ladder.MISSED, at)
            case e.DecisionMade():
                self.ticket = replace(self.ticket, clocks=ticket_clocks.after_decision(self.ticket.clocks))
            case e.LadderChanged():
                self._change_ladder(moment)
                self._keep_waiting_clocks(moment)
            case e.ClocksSet(at=at, by=by) if by.kind is ActorKind.IMPORT:
                self.ticket = replace(
                    self.ticket, clocks=()
                )  # what ran at another desk is no promise of ours
                self._set_clocks(at)
            case e.ClocksSet():
                self._keep_waiting_clocks(moment)

    def _turn(self, mail: _Turn) -> None:
        at, then = max(mail.at, self.ticket.opened_at), self.ticket
        if mail.turn == "customer":
            status = then.status if then.status in OUR_TURN else Status.OPEN
            news = {"closed_at": None, "last_message_id": mail.message_id, "unanswered": True}
            self._change(status, at, **news, **_OURS)
        elif mail.at >= then.opened_at:  # an answer from before it was asked answers nothing
            turn = Turn.OURS if mail.turn == "working" else Turn.CUSTOMER
            self._change(
                status_by_turn(then, turn, answered=True),
                at,
                first_response_at=then.first_response_at or at,
                clocks=ticket_clocks.after_answer(then.clocks),
                unanswered=False,
                turn=turn,
                turn_until=None,
                turn_why=mail.why,
            )

    def _change(self, status: Status, at: datetime, **changes: object) -> None:
        self.ticket = replace(self.ticket, status=status, **changes)  # type: ignore[arg-type]
        self._set_clocks(at)

    def _set_clocks(self, at: datetime) -> None:
        promised = ladder.ladder_of(self.ticket, self._policy)
        mine = replace(promised, targets={**promised.targets, **self._spans})
        calendar = ladder.calendar_of(self.ticket, self._policy)
        self.ticket = replace(self.ticket, clocks=ticket_clocks.clocks_for(self.ticket, mine, calendar, at))

    def _fire(self, target: Target, step: int, at: datetime) -> None:
        self.ticket = replace(
            self.ticket, clocks=ticket_clocks.take_step(self.ticket.clocks, target, step, at)
        )

    def _change_ladder(self, event: e.LadderChanged) -> None:
        """Go on with another ladder: its steps count from here, and the clocks it started run since then."""
        then = {clock.target: clock for clock in event.clocks}
        begun = {target for target, clock in then.items() if clock.running_since == event.at}
        clocks = (
            then[each.target] if each.target in begun else replace(each, fired=then[each.target].fired)
            for each in self.ticket.clocks
            if each.target in then
        )
        self.ticket = replace(self.ticket, clocks=tuple(clocks))

    def _keep_waiting_clocks(self, event: e.ClocksSet | e.LadderChanged) -> None:
        """Keep who has to confirm or decide, and until when, as it was recorded, while it is our turn."""
        waiting = tuple(each for each in event.clocks if each.target in ticket_clocks.STEP_CLOCKS)
        if self.ticket.turn is not Turn.CUSTOMER and self.ticket.status not in OVER:
            clocks = (*ticket_clocks.without(self.ticket.clocks, *ticket_clocks.STEP_CLOCKS), *waiting)
            self.ticket = replace(self.ticket, clocks=ticket_clocks.sort_clocks(clocks))


def _spans(events: Iterable[Event]) -> Mapping[Target, timedelta]:
    """Return the promises as they were recorded: a reload alone changes no promise that was given."""
    spans: dict[Target, timedelta] = {}
    for event in events:
        if isinstance(event, e.LadderChanged):
            spans = {}
        if isinstance(event, e.ClocksSet | e.TicketRebuilt | e.LadderChanged):
            kept = (clock for clock in event.clocks if clock.target not in _NOT_KEPT)
            spans |= {clock.target: clock.span for clock in kept}
    return spans
