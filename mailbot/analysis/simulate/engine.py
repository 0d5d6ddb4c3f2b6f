"""The virtual clock: the engine that the daemon decides by, fed with lives instead of mails.

Theory of operation. A heap holds one moment for each ticket under way: that of its next stimulus or its
next deadline, whichever is first (the deadline where both come at once). Tickets are fed in the order in
which they came and forgotten when nothing more will happen to them: memory holds those under way alone.

Punctually, what is due is taken at its moment: that is what a policy would do. As recorded, it is taken when
the daemon took it, which may have been down: a clock that begins with an escalation (confirm within 30 min)
began when the daemon escalated, not when it should have. There, what fell due and was not taken before
something else happened is told as overtaken.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from heapq import heappop, heappush

from mailbot.analysis.simulate.agent_loads import Hands, favouring
from mailbot.analysis.simulate.recorded_ticket import (
    Answered,
    Commanded,
    Fired,
    Life,
    Rearranged,
    Recomputed,
    Stimulus,
    Wrote,
)
from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reroute
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.decisions import agent_turned, begin, customer_turned, on_command, on_deadline
from mailbot.domain.escalation.reapply import recompute
from mailbot.domain.ladder import Deadline
from mailbot.domain.lifecycle import Decision, DecisionBuilder, IllegalTransition, opened
from mailbot.domain.model import Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.replies.undeliverable import Mute

BEGIN, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class World:
    """What a simulation goes by: the policy of a version that stands on a stimulus; `punctual`: see above.
    `only`: the policy, where there is one for all versions."""

    policy_of: Callable[[str], Policy]
    punctual: bool = True
    only: Policy | None = None


@dataclass(frozen=True, slots=True)
class Happened:
    """One decision. `before` is None at the opening. `refused`: why a person's command could not be done.

    As recorded: `overtaken` fell due before this, and nobody took it. `over`: nothing more will happen.
    """

    at: datetime
    life: Life
    before: Ticket | None
    after: Ticket
    events: tuple[e.Event, ...] = ()
    refused: str = ""
    overtaken: Deadline | None = None
    over: bool = False


def _due_at(event: e.Event) -> datetime:
    return event.due_at if isinstance(event, e.StepTaken | e.TargetMissed | e.ReminderDue) else BEGIN


class _Course:
    """A ticket under way."""

    __slots__ = ("due", "life", "place", "ticket", "version")

    def __init__(self, life: Life) -> None:
        self.life = life
        self.ticket: Ticket | None = None
        self.place = 0  # of the next stimulus
        self.due: Deadline | None = None
        self.version = life.version


class Run:
    """One simulation. Feed lives in the order of their opening, then let the time pass.

    `taken_until`: as recorded, the newest moment of which anything due was taken so far. What was due first
    is taken first, so that nothing much older can still be on its way.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._hands = Hands()
        self._queue: list[tuple[datetime, int, int, _Course]] = []
        self._fed = 0
        self._newest = ""  # version of the newest decision
        self.taken_until = BEGIN

    def feed(self, life: Life) -> None:
        self._fed += 1
        heappush(self._queue, (life.opened.at, 1, self._fed, _Course(life)))

    def advance(self, until: datetime) -> Iterator[Happened]:
        """All that happens before `until`, in the order of time."""
        queue = self._queue
        while queue and queue[0][0] < until:
            at, kind, order, course = heappop(queue)
            happened = self._take(course, at, is_due=not kind)
            again = self._next(course, at)
            if again is None:
                yield replace(happened, over=True)
                continue
            yield happened
            heappush(queue, (*again, order, course))

    def end(self, until: datetime) -> Iterator[Happened]:
        """What is left under way at `until`; as recorded, with what was due before and never taken."""
        for *_, course in sorted(self._queue, key=lambda entry: entry[2]):
            if course.ticket:
                rests = not self._world.punctual and course.place == len(course.life.stimuli)
                missed = self._overdue(course, until, self._newest) if rests else None
                yield Happened(until, course.life, course.ticket, course.ticket, overtaken=missed, over=True)
        self._queue = []

    # --- one moment of one ticket ---

    def _take(self, course: _Course, at: datetime, *, is_due: bool) -> Happened:
        if course.ticket is None:
            return self._open(course, at)
        if is_due:
            policy = self._world.policy_of(course.version)
            loads = self._loads(policy, course)
            return self._done(course, at, on_deadline(course.ticket, policy, at, loads=loads))
        stimulus = course.life.stimuli[course.place]
        course.place += 1
        overtaken = None
        if not self._world.punctual and not isinstance(stimulus, Fired):
            overtaken = self._overdue(course, at, stimulus.version)
        course.version = self._newest = stimulus.version
        policy = self._world.policy_of(stimulus.version)
        decision = self._decided(course, stimulus, policy)
        if isinstance(decision, str):
            return Happened(at, course.life, course.ticket, course.ticket, (), decision, overtaken)
        if isinstance(stimulus, Fired):
            self.taken_until = max(self.taken_until, *(_due_at(event) for event in decision.events), BEGIN)
        return self._done(course, at, decision, overtaken)

    def _loads(self, policy: Policy, course: _Course) -> Loads:
        """As recorded: what another node knew of the loads is not known, so that of those who could get the
        ticket whoever got it has least. Who could not does not get it here either."""
        if not policy.needs_loads:
            return NO_LOADS
        if self._world.punctual:
            return self._hands.loads
        return favouring(course.life.holders[course.place], policy)

    def _done(
        self, course: _Course, at: datetime, decision: Decision, overtaken: Deadline | None = None
    ) -> Happened:
        before, after = course.ticket, decision.ticket
        if self._world.punctual:
            self._hands.learn(before, after)
        elif after.assignee != (holder := course.life.holders[course.place]):
            after = replace(after, assignee=holder)
        course.ticket = after
        course.due = ladder.next_deadline(after, self._world.policy_of(course.version))
        return Happened(at, course.life, before, after, decision.events, "", overtaken)

    def _next(self, course: _Course, at: datetime) -> tuple[datetime, int] | None:
        """When something comes to it again, and of which kind (0: what is due); None when nothing will."""
        stimuli = course.life.stimuli
        stimulus_at = stimuli[course.place].at if course.place < len(stimuli) else END
        if self._world.punctual:
            while course.place < len(stimuli) and isinstance(stimuli[course.place], Fired | Recomputed):
                course.place += 1
            stimulus_at = stimuli[course.place].at if course.place < len(stimuli) else END
            due_at = max(at, course.due.due_at) if course.due else END
            if due_at <= stimulus_at:
                return (due_at, 0) if due_at < END else None
        elif stimulus_at == END and course.due is None:
            return None
        return max(at, stimulus_at), 1

    def _overdue(self, course: _Course, at: datetime, version: str) -> Deadline | None:
        """What was armed for a moment before `at`, and still is due then by the policy of that version."""
        if course.due is None or course.due.due_at >= at or course.ticket is None:
            return None
        if version == course.version:
            return course.due
        found = ladder.next_deadline(course.ticket, self._world.policy_of(version))
        return found if found and found.due_at < at else None

    # --- the decisions ---

    def _open(self, course: _Course, at: datetime) -> Happened:
        life, world = course.life, self._world
        self._newest = life.version
        policy = world.policy_of(life.version)
        builder = DecisionBuilder(
            opened(life.number, life.opened), life.opened, loads=self._loads(policy, course)
        )
        builder.record(life.routed)
        if life.retold:
            holder, because = life.holder
            if holder:
                builder.record(e.TicketAssigned(at, life.opened.by, holder, because))
            builder.record(self._retold(builder.ticket, life.retold, policy, since=builder.ticket.opened_at))
        else:
            begin(builder, policy, at, *life.holder)
            if life.acknowledged:
                builder.record(life.acknowledged)
        if life.why:
            notify.team(builder, policy, at, life.why, "", "")
        return self._done(course, at, builder.decision())

    def _decided(self, course: _Course, stimulus: Stimulus, policy: Policy) -> Decision | str:
        assert course.ticket
        builder = DecisionBuilder(course.ticket, loads=self._loads(policy, course))
        at = stimulus.at
        try:
            match stimulus:
                case Wrote():
                    self._wrote(builder, stimulus, policy)
                case Answered(agent=agent):
                    agent_turned(builder, agent or builder.ticket.assignee or "", policy, at)
                case Commanded(command=command, by=by):
                    return on_command(course.ticket, command, by, policy, at, builder.loads)
                case Rearranged(event=event, retold=retold, why=why):
                    builder.record(event)
                    if retold:
                        builder.record(self._retold(builder.ticket, retold, policy, since=at))
                    if why:
                        notify.team(builder, policy, at, why, "", "")
                case Fired(muted=muted):
                    mute = Mute(course.ticket.customer, "bounce", muted, at) if muted else None
                    return on_deadline(course.ticket, policy, at, mute, builder.loads)
                case Recomputed(by=by):
                    return recompute(course.ticket, policy, at, by, builder.loads)
        except IllegalTransition as impossible:
            return str(impossible)
        return builder.decision()

    def _wrote(self, builder: DecisionBuilder, wrote: Wrote, policy: Policy) -> None:
        def reopened(builder: DecisionBuilder) -> str:
            if wrote.routed is None:
                return ""
            return reroute.take(builder, wrote.routed, policy, wrote.at)

        customer_turned(builder, wrote.message_id, wrote.because, policy, wrote.at, reopened)
        why = "unconfirmed" if builder.ticket.held_for else "customer_wrote"
        notify.team(builder, policy, wrote.at, why, "", "")

    def _retold(
        self, ticket: Ticket, retold: e.TicketRebuilt, policy: Policy, since: datetime
    ) -> e.TicketRebuilt:
        """Whose turn it is as recorded. The clocks too, as recorded; punctually they follow from the turn."""
        if not self._world.punctual:
            return retold
        turned = replace(
            ticket,
            status=retold.status,
            first_response_at=retold.first_response_at,
            closed_at=retold.closed_at,
        )
        mine, calendar = ladder.ladder_of(turned, policy), ladder.calendar_of(turned, policy)
        return replace(retold, clocks=ladder.clocks_for(turned, mine, calendar, since))


def together(
    worlds: Sequence[World], feed: Iterable[Sequence[Life]], until: datetime
) -> Iterator[tuple[int, Run, Happened]]:
    """Several worlds over the same tickets: (index of the world, its run, what happened there).

    `feed`: for each ticket one life a world, in the order of the openings. Where two worlds can't differ, the
    ticket is simulated once and told of both.
    """
    runs = [Run(world) for world in worlds]
    may_share = _differ_by_ladders_alone(worlds)
    shared: set[str] = set()

    def told(index: int, found: Iterator[Happened]) -> Iterator[tuple[int, Run, Happened]]:
        for happened in found:
            yield index, runs[index], happened
            if happened.life.number in shared:
                yield 1, runs[1], happened
                if happened.over:
                    shared.discard(happened.life.number)

    for lives in feed:
        for index, (run, life) in enumerate(zip(runs, lives, strict=True)):
            yield from told(index, run.advance(min(life.begins_at, until)))
            if not (index and lives[0].number in shared):
                run.feed(life)
            if may_share and not index and _same(*lives):
                shared.add(life.number)
    for index, run in enumerate(runs):
        yield from told(index, run.advance(until))
        yield from told(index, run.end(until))


def _differ_by_ladders_alone(worlds: Sequence[World]) -> bool:
    """Two worlds in which a ticket with the same ladder has the same life: but for what all others do to the
    loads of those who could get it."""
    if len(worlds) != 2 or worlds[0].only is None or worlds[1].only is None:
        return False
    one, other = worlds[0].only, worlds[1].only
    if one.needs_loads or other.needs_loads:
        return False
    names = ("levels", "teams", "calendars", "mailboxes", "level_names")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _same(one: Life, other: Life) -> bool:
    return one.routed == other.routed and one.stimuli == other.stimuli
