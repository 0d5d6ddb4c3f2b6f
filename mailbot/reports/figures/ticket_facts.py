"""Walk through the events of one ticket once and yield the facts of its life.

Theory of operation. The walk keeps only what the facts need: the status and the turn (as `lifecycle` has them),
the team, since when the clocks of the resolution run and how much work time that took, and which promises run
(see `promises`). Held mail of a stranger is no work until it is released. A merged ticket gave its messages away.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mailbot.domain import events as e
from mailbot.domain.events import Event
from mailbot.domain.lifecycle import TRANSITIONS
from mailbot.domain.model import Status, Target, Turn
from mailbot.domain.policy_review import settled
from mailbot.domain.worktime import Calendar, between
from mailbot.reports.figures import facts as f
from mailbot.reports.figures.promises import Promises

_OPENING = 8  # events that the decision to open a ticket has at most, before it is filed

CalendarOf = Callable[[str], Calendar]  # of a team


# Compared by identity, not by hash: hashing an enum is slow, and there are millions of events.
def _live(status: Status) -> bool:
    return status is Status.NEW or status is Status.OPEN or status is Status.WAITING


def _over(status: Status) -> bool:
    return status is Status.CLOSED or status is Status.MERGED


def facts(events: Sequence[Event], borders: Iterable[datetime], calendar_of: CalendarOf) -> list[f.Fact]:
    """Yield the facts of one ticket, first to last, with one `Stood` for each border that it reached.

    `events` are its own, in their order; those from the last border on may be missing, and so may kinds that
    mean nothing here. `borders` are in ascending order.
    """
    if not events or not isinstance(events[0], e.TicketOpened):
        return []
    life = _Life(events[0], events, calendar_of)
    left = deque(borders)
    for event in events[1:]:
        while left and event.at >= left[0]:
            life.stand(left.popleft())
        if not left:
            return life.facts
        life.take(event)
    for border in left:
        life.stand(border)
    return life.facts


class _Life:
    def __init__(self, first: e.TicketOpened, events: Sequence[Event], calendar_of: CalendarOf) -> None:
        routed = next((event for event in events if isinstance(event, e.TicketRouted)), None)
        self.facts: list[f.Fact] = []
        self._calendar_of = calendar_of
        self._opened, self._routed, self._settled = first, routed, settled.settled_on(events)
        names = (routed.team, routed.priority, routed.rule, routed.level) if routed else ("", "", "", "")
        self._team, self._priority, self._rule, self._level = names
        self._assignee = ""
        self._status, self._turn = Status.NEW, Turn.OURS
        # Mail of a stranger, or of a machine: nobody's work until it is released.
        self._held = bool(first.held_for) or any(
            isinstance(event, e.TicketFiled) for event in events[:_OPENING]
        )
        self._began = first.since or first.at
        self._since = self._began  # the clocks run, or for this team
        self._asked_at: datetime | None = None  # the oldest mail that waits for a further answer
        self._worked = self._worked_asked = timedelta()
        self._answered = False
        self._promises = Promises(self._promised)
        self._confirmation: tuple[datetime, timedelta] | None = None  # asked for when, within what
        self._cause = ""
        self._acted_at: datetime | None = None  # when a person last did something
        self._scored: f.Scored | None = None
        self._closings = self._undone = 0
        self._known = first.at  # before that, a border saw no ticket
        self._counted_open = False
        self._unmerged = False  # and not rebuilt yet
        if not self._held:
            self._begin(first.at)

    def _begin(self, at: datetime) -> None:
        routed = self._routed
        category, details = (routed.category, routed.details) if routed else ("", ())
        opened = self._opened
        self._say(f.Opened(at, self._team, self._rule, category, opened.subject, details, opened.channel))
        if routed and self._settled:
            self._say(f.Judged(at, self._team, category, self._settled.category))
        self._counted_open = True

    def _say(self, fact: f.Fact) -> None:
        if not self._held:
            self.facts.append(fact)

    def _count_open(self, how: str, at: datetime) -> None:
        """Add a fact when the ticket becomes open, or is no longer open."""
        is_open = not _over(self._status)
        if self._held or is_open is self._counted_open:
            return
        self._counted_open = is_open
        if is_open:
            # The newest closing is undone, in the period in which it was.
            self._undone = min(self._undone + 1, self._closings)
            self._say(f.Returned(at, self._team, how))
        else:
            self._closings += how == "closed"
            closed = how == "closed"
            wall, work = (at - self._began, self._worked) if closed else (None, None)
            self._say(f.Left(at, self._team, how, self._assignee, wall, work, self._cause if closed else ""))

    def stand(self, border: datetime) -> None:
        """Add the state of the ticket at a border; the counts begin again."""
        if border > self._known and not self._held:
            rated = self._closings > 0 and self._scored is not None
            counts = (not _over(self._status), self._closings, self._undone, rated)
            self._say(f.Stood(border, self._team, self._assignee, self._began, *counts))
        self._closings = self._undone = 0

    def take(self, event: Event) -> None:
        if event.by.is_staff:
            self._acted_at = event.at
        if done := _TAKE.get(type(event)):
            done(self, event)

    # --- turns ---

    def _accrue(self, at: datetime) -> None:
        """Add the time up to now, by the calendar of the team that has it. The customer's turn is none of it."""
        runs = _live(self._status) and self._turn is not Turn.CUSTOMER
        if at > self._since and runs and not self._held:
            spent = between(self._calendar, self._since, at)
            self._worked += spent
            self._worked_asked += spent
        self._since = max(self._since, at)

    @property
    def _calendar(self) -> Calendar:
        return self._calendar_of(self._team)

    def _become(self, status: Status, turn: Turn, at: datetime) -> None:
        self._accrue(at)
        self._status, self._turn = status, turn
        if not _live(status):
            self._asked_at = None

    def _turned(self, event: Event, turn: Turn | None = None) -> None:
        status = TRANSITIONS[type(event)].get(self._status) or self._status
        self._become(status, turn or self._turn, event.at)

    def _give_turn(self, turn: Turn, at: datetime) -> None:
        """Set the turn as `lifecycle` does: it shows in the status of a ticket that lives."""
        ours = Status.OPEN if self._answered else Status.NEW
        status = ours if turn is Turn.OURS else Status.WAITING
        self._become(status if _live(self._status) else self._status, turn, at)

    def _write(self, event: e.CustomerWrote) -> None:
        self._turned(event, Turn.OURS)
        if self._answered and self._asked_at is None:
            self._asked_at, self._worked_asked = event.at, timedelta()

    def _answer(self, event: e.AgentAnswered) -> None:
        self._accrue(event.at)
        which, wall, work = "more", None, None
        if not self._answered:
            which, wall, work = "first", event.at - self._began, self._worked
        elif self._asked_at is not None:
            which, wall, work = "next", event.at - self._asked_at, self._worked_asked
        self._answered, self._asked_at = True, None
        self._say(f.Answered(event.at, self._team, event.agent, which, wall, work))
        self._promises.answered(event.at, self._calendar)
        self._give_turn(event.turn, event.at)

    def _set_turn(self, event: e.TurnSet) -> None:
        self._give_turn(event.turn, event.at)

    def _close(self, event: e.TicketClosed) -> None:
        self._turned(event)
        self._cause = event.cause or self._cause
        self._count_open("closed", event.at)
        self._promises.closed(event.at, self._calendar)
        self._promises.forget()

    def _reopen(self, event: e.TicketReopened) -> None:
        self._turned(event, Turn.OURS)
        self._count_open("reopened", event.at)

    def _merge(self, event: e.TicketMerged) -> None:
        self._turned(event)
        self._promises.forget()
        self._count_open("merged", event.at)

    def _rebuild(self, event: e.TicketRebuilt) -> None:
        """Set the turn after messages moved. Always follows TicketUnmerged."""
        by_status = Turn.CUSTOMER if event.status is Status.WAITING else Turn.OURS
        self._become(event.status, event.turn or by_status, event.at)
        self._answered = event.first_response_at is not None
        is_unanswered = event.status is Status.OPEN if event.unanswered is None else event.unanswered
        self._asked_at = (self._asked_at or event.at) if self._answered and is_unanswered else None
        self._promises.forget()  # messages moved: neither kept nor missed
        self._watch(event)
        self._count_open("unmerged" if self._unmerged else "rebuilt", event.at)
        self._unmerged = False

    def _unmerge(self, event: e.TicketUnmerged) -> None:
        self._turned(event)
        self._unmerged = True

    def _file(self, event: e.TicketFiled) -> None:
        self._turned(event)
        self.facts.append(f.Filed(event.at, self._team))

    def _begin_incident(self, event: e.IncidentOpened) -> None:
        self.facts.append(f.IncidentBegan(event.at, self._team))

    def _release(self, event: e.TicketReleased) -> None:
        self._turned(event)
        self._held, self._began, self._since, self._known = False, event.at, event.at, event.at
        self._begin(event.at)
        self._count_open("rebuilt", event.at)  # closed since then

    # --- who has it ---

    def _route(self, event: e.TicketRouted) -> None:
        self._move(event.team, event.at)
        self._priority, self._rule, self._level = event.priority, event.rule, event.level

    def _correct(self, event: e.TicketCorrected) -> None:
        values = dict(event.values)
        self._priority = values.get("priority", self._priority)
        if "cause" not in values:
            return
        self._cause = values["cause"]
        for place in reversed(range(len(self.facts))):  # a cause named later is that of the last closing
            if isinstance(fact := self.facts[place], f.Left) and fact.how == "closed":
                self.facts[place] = replace(fact, cause=self._cause)
                break

    def _hand_over(self, event: e.TicketHandedOver) -> None:
        self._move(event.team, event.at)
        self._assignee = ""
        self._say(f.HandedOver(event.at, event.team))

    def _move(self, team: str, at: datetime) -> None:
        if team != self._team:
            self._accrue(at)
            self._team = team

    def _assign(self, event: e.TicketAssigned) -> None:
        self._assignee = event.assignee

    def _escalate(self, event: e.TicketEscalated) -> None:
        self._assignee, self._level = "", event.level
        self._say(f.Escalated(event.at, self._team, self._rule, event.level, event.by.is_staff))

    def _score_given(self, event: e.SatisfactionRated) -> None:
        if self._held:  # it is not counted, so the next mark replaces none
            return
        before = self._scored and replace(self._scored, replaces=None)
        self._scored = f.Scored(event.at, self._team, self._rule, self._level, event.score, before)
        self._say(self._scored)

    # --- promises ---

    def _watch(self, event: e.ClocksSet | e.LadderChanged | e.TicketRebuilt) -> None:
        at, clocks = event.at, event.clocks
        if not _over(self._status):
            self._promises.watch(clocks, at, self._calendar)
        asked = next((each for each in clocks if each.target is Target.CONFIRMATION), None)
        if asked and self._confirmation is None:
            self._confirmation = at, asked.span
        elif not asked and self._confirmation is not None:
            self._confirm(at, *self._confirmation)
            self._confirmation = None

    def _confirm(self, at: datetime, since: datetime, within: timedelta) -> None:
        """Add a confirmation, or its time running out. Neither, when the ladder took the ticket away
        before.
        """
        work = between(self._calendar, since, at)
        if work >= within or self._acted_at == at:
            self._say(f.Confirmed(at, self._team, at - since, work, kept=work < within))

    def _miss(self, event: e.TargetMissed) -> None:
        self._promises.missed(event.target, event.at)

    def _promise_news(self, event: e.NewsPromised) -> None:
        self._promises.news(event.at, event.until)

    def _promised(self, at: datetime, target: Target, kept: bool) -> None:
        self._say(f.Promised(at, self._team, target, self._priority, kept))


_TAKE: dict[type[Any], Callable[[_Life, Any], None]] = {
    e.TicketRouted: _Life._route,
    e.TicketAssigned: _Life._assign,
    e.TicketCorrected: _Life._correct,
    e.TicketHandedOver: _Life._hand_over,
    e.TicketEscalated: _Life._escalate,
    e.CustomerWrote: _Life._write,
    e.AgentAnswered: _Life._answer,
    e.ClocksSet: _Life._watch,
    e.LadderChanged: _Life._watch,
    e.TargetMissed: _Life._miss,
    e.TurnSet: _Life._set_turn,
    e.NewsPromised: _Life._promise_news,
    e.TicketClosed: _Life._close,
    e.TicketReopened: _Life._reopen,
    e.SatisfactionRated: _Life._score_given,
    e.TicketFiled: _Life._file,
    e.IncidentOpened: _Life._begin_incident,
    e.TicketReleased: _Life._release,
    e.TicketMerged: _Life._merge,
    e.TicketUnmerged: _Life._unmerge,
    e.TicketRebuilt: _Life._rebuild,
}
# What the store needs to read: TicketOpened, and all that the walk looks at.
KINDS: tuple[str, ...] = tuple({e.TicketOpened.kind, *(event.kind for event in _TAKE), *settled.KINDS})
