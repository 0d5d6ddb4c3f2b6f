"""The virtual clock: the daemon's decisions, applied to ticket scripts instead of mails.

Theory of operation. A heap holds one moment for each open ticket: its next stimulus or its next deadline,
whichever is first (the deadline where both are equal). Tickets are added in the order of their opening and
removed when nothing more can happen to them. So memory holds only open tickets.

A punctual scenario takes deadlines when they are due: that is what a policy would do. A recorded scenario
takes them when the daemon did, which may have been down. This matters for clocks that begin with an
escalation, such as "confirm within 30 min". A deadline that was not taken before something else happened
is reported as overtaken.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from heapq import heappop, heappush

from mailbot.analysis.simulate.agent_loads import AgentLoads, favouring
from mailbot.analysis.simulate.recorded_ticket import (
    AgentAnswer,
    CommandGiven,
    CustomerMail,
    DeadlinesRecomputed,
    DeadlineTaken,
    MessagesMoved,
    Stimulus,
    TicketScript,
)
from mailbot.domain import events as e
from mailbot.domain import ladder, notify, reroute, ticket_clocks
from mailbot.domain.actor import CUSTOMER
from mailbot.domain.assignment import NO_LOADS, Loads
from mailbot.domain.commands.carry_out import on_command
from mailbot.domain.decisions import on_deadline, record_customer_mail
from mailbot.domain.escalation import ownership
from mailbot.domain.escalation.overdue import take_first
from mailbot.domain.escalation.reapply import recompute
from mailbot.domain.ladder import Deadline
from mailbot.domain.lifecycle import Decision, DecisionBuilder, IllegalTransition, evolve, opened
from mailbot.domain.model import NoticeKind, Ticket
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal, written
from mailbot.domain.replies.agent_answer import record_agent_answer

BEGIN, END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Scenario:
    """The policies of a simulation, by the version of each stimulus. `punctual`: see the module.

    `only` is the policy where all versions have the same one.
    """

    policy_of: Callable[[str], Policy]
    punctual: bool = True
    only: Policy | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One decision. `before` is None at the opening. `refused` is the reason why a command was not possible.

    `overtaken` is a deadline that fell due before, which nothing took. `over`: nothing more can happen.
    """

    at: datetime
    script: TicketScript
    before: Ticket | None
    after: Ticket
    events: tuple[e.Event, ...] = ()
    refused: str = ""
    overtaken: Deadline | None = None
    over: bool = False


def _due_at(event: e.Event) -> datetime:
    return event.due_at if isinstance(event, e.StepTaken | e.TargetMissed | e.ReminderDue) else BEGIN


def _decision_or_none(decided: Decision | Refusal) -> Decision | None:
    return decided if isinstance(decided, Decision) else None


def _act_after(stimuli: Sequence[Stimulus], place: int, stimulus: Stimulus) -> Stimulus | None:
    """Return the act of a person for which a deadline was taken first, None for none."""
    following = stimuli[place] if place < len(stimuli) else None
    is_act = isinstance(following, AgentAnswer | CommandGiven)
    return following if is_act and following and following.at == stimulus.at else None


class _OpenTicket:
    """A ticket with its place in the script."""

    __slots__ = ("due", "place", "script", "ticket", "version")

    def __init__(self, script: TicketScript) -> None:
        self.script = script
        self.ticket: Ticket | None = None
        self.place = 0  # of the next stimulus
        self.due: Deadline | None = None
        self.version = script.version


class Simulation:
    """One simulation. Add scripts in the order of their opening, then advance the time.

    `taken_until`: the newest due time that the recorded daemon has taken. Deadlines are taken oldest
    first, so an older one is no longer on its way.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._world = scenario
        self._agent_loads = AgentLoads()
        self._queue: list[tuple[datetime, int, int, _OpenTicket]] = []
        self._count = 0
        self._newest_version = ""  # version of the newest decision
        self.taken_until = BEGIN

    def add(self, script: TicketScript) -> None:
        self._count += 1
        heappush(self._queue, (script.opened.at, 1, self._count, _OpenTicket(script)))

    def advance(self, until: datetime) -> Iterator[Outcome]:
        """Run everything before `until`, in the order of time."""
        queue = self._queue
        while queue and queue[0][0] < until:
            at, kind, order, open_ticket = heappop(queue)
            outcome = self._take(open_ticket, at, is_deadline=not kind)
            following = self._next_moment(open_ticket, at)
            if following is None:
                yield replace(outcome, over=True)
                continue
            yield outcome
            heappush(queue, (*following, order, open_ticket))

    def end(self, until: datetime) -> Iterator[Outcome]:
        """List the tickets still open at `until`; as recorded, with deadlines that were due and never
        taken."""
        for *_, open_ticket in sorted(self._queue, key=lambda entry: entry[2]):
            if open_ticket.ticket:
                is_idle = not self._world.punctual and open_ticket.place == len(open_ticket.script.stimuli)
                missed = self._overdue(open_ticket, until, self._newest_version) if is_idle else None
                yield Outcome(
                    until,
                    open_ticket.script,
                    open_ticket.ticket,
                    open_ticket.ticket,
                    overtaken=missed,
                    over=True,
                )
        self._queue = []

    # --- one moment of one ticket ---

    def _take(self, open_ticket: _OpenTicket, at: datetime, *, is_deadline: bool) -> Outcome:
        if open_ticket.ticket is None:
            return self._open(open_ticket, at)
        if is_deadline:
            policy = self._world.policy_of(open_ticket.version)
            loads = self._loads_for(policy, open_ticket)
            return self._apply(open_ticket, at, on_deadline(open_ticket.ticket, policy, at, loads=loads))
        stimulus = open_ticket.script.stimuli[open_ticket.place]
        open_ticket.place += 1
        overtaken = None
        if not self._world.punctual and not isinstance(stimulus, DeadlineTaken):
            overtaken = self._overdue(open_ticket, at, stimulus.version)
        open_ticket.version = self._newest_version = stimulus.version
        policy = self._world.policy_of(stimulus.version)
        decision = self._decide(open_ticket, stimulus, policy)
        if isinstance(decision, Refusal):
            refused, ticket = str(decision.reason), open_ticket.ticket
            return Outcome(at, open_ticket.script, ticket, ticket, (), refused, overtaken)
        if isinstance(stimulus, DeadlineTaken):
            self.taken_until = max(self.taken_until, *(_due_at(event) for event in decision.events), BEGIN)
        return self._apply(open_ticket, at, decision, overtaken)

    def _loads_for(self, policy: Policy, open_ticket: _OpenTicket) -> Loads:
        """Return the loads for a decision.

        Loads on other nodes are not on record. So the recorded owner is given the smallest load of all who
        could get the ticket.
        """
        if not policy.needs_loads:
            return NO_LOADS
        if self._world.punctual:
            return self._agent_loads.loads
        return favouring(open_ticket.script.holders[open_ticket.place], policy)

    def _apply(
        self, open_ticket: _OpenTicket, at: datetime, decision: Decision, overtaken: Deadline | None = None
    ) -> Outcome:
        before, after = open_ticket.ticket, decision.ticket
        if self._world.punctual:
            self._agent_loads.update(before, after)
        elif after.assignee != (holder := open_ticket.script.holders[open_ticket.place]):
            after = replace(after, assignee=holder)
        open_ticket.ticket = after
        open_ticket.due = ladder.next_deadline(after, self._world.policy_of(open_ticket.version), at)
        return Outcome(at, open_ticket.script, before, after, decision.events, "", overtaken)

    def _next_moment(self, open_ticket: _OpenTicket, at: datetime) -> tuple[datetime, int] | None:
        """Return when a ticket is next and whether for a deadline (0) or a stimulus (1); None when it is
        over."""
        stimuli = open_ticket.script.stimuli
        stimulus_at = stimuli[open_ticket.place].at if open_ticket.place < len(stimuli) else END
        if self._world.punctual:
            while open_ticket.place < len(stimuli) and isinstance(
                stimuli[open_ticket.place], DeadlineTaken | DeadlinesRecomputed
            ):
                open_ticket.place += 1
            stimulus_at = stimuli[open_ticket.place].at if open_ticket.place < len(stimuli) else END
            due_at = max(at, open_ticket.due.due_at) if open_ticket.due else END
            if due_at <= stimulus_at:
                return (due_at, 0) if due_at < END else None
        elif stimulus_at == END and open_ticket.due is None:
            return None
        return max(at, stimulus_at), 1

    def _overdue(self, open_ticket: _OpenTicket, at: datetime, version: str) -> Deadline | None:
        """Return a deadline before `at` that is still due by the policy of that version."""
        if open_ticket.due is None or open_ticket.due.due_at >= at or open_ticket.ticket is None:
            return None
        if version == open_ticket.version:
            return open_ticket.due
        outcomes = ladder.next_deadline(open_ticket.ticket, self._world.policy_of(version), at)
        return outcomes if outcomes and outcomes.due_at < at else None

    # --- the decisions ---

    def _open(self, open_ticket: _OpenTicket, at: datetime) -> Outcome:
        script, scenario = open_ticket.script, self._world
        self._newest_version = script.version
        policy = scenario.policy_of(script.version)
        builder = DecisionBuilder(
            opened(script.number, script.opened), script.opened, loads=self._loads_for(policy, open_ticket)
        )
        builder.record(script.routed)
        if script.rebuilt:
            holder, reason = script.holder
            if holder:
                builder.record(e.TicketAssigned(at, script.opened.by, holder, reason))
            builder.record(
                self._rebuilt_event(builder.ticket, script.rebuilt, policy, since=builder.ticket.opened_at)
            )
        else:
            ownership.begin(builder, policy, at, *script.holder)
            if script.acknowledged:
                builder.record(script.acknowledged)
        if script.why:
            notify.notify_team(builder, policy, at, script.why, NO_REASON)
        return self._apply(open_ticket, at, builder.decision())

    def _decide(self, open_ticket: _OpenTicket, stimulus: Stimulus, policy: Policy) -> Decision | Refusal:
        assert open_ticket.ticket
        loads = self._loads_for(policy, open_ticket)
        act = _act_after(open_ticket.script.stimuli, open_ticket.place, stimulus)
        if isinstance(stimulus, DeadlineTaken) and act:
            due, _ = take_first(
                open_ticket.ticket,
                lambda then: self._decide_on(then, act, policy, loads),
                _decision_or_none,
                policy,
                stimulus.at,
                stimulus.suppressed,
                loads,
            )
            return due or Decision(open_ticket.ticket)
        return self._decide_on(open_ticket.ticket, stimulus, policy, loads)

    def _decide_on(
        self, ticket: Ticket, stimulus: Stimulus, policy: Policy, loads: Loads
    ) -> Decision | Refusal:
        builder = DecisionBuilder(ticket, loads=loads)
        at = stimulus.at
        try:
            match stimulus:
                case CustomerMail():
                    self._customer_mail(builder, stimulus, policy)
                case AgentAnswer(agent=agent, after=after):
                    record_agent_answer(builder, agent or builder.ticket.assignee or "", after, policy, at)
                case CommandGiven(command=command, by=by):
                    return on_command(ticket, command, by, policy, at, loads)
                case MessagesMoved(event=event, rebuilt=rebuilt, why=why):
                    builder.record(event)
                    if rebuilt:
                        builder.record(self._rebuilt_event(builder.ticket, rebuilt, policy, since=at))
                    if why:
                        notify.notify_team(builder, policy, at, why, NO_REASON)
                case DeadlineTaken(suppressed=suppressed):
                    return on_deadline(ticket, policy, at, suppressed, loads)
                case DeadlinesRecomputed(by=by):
                    return recompute(ticket, policy, at, by, loads)
        except IllegalTransition as impossible:
            return Refusal(written(str(impossible)))
        return builder.decision()

    def _customer_mail(self, builder: DecisionBuilder, wrote: CustomerMail, policy: Policy) -> None:
        def route_again(builder: DecisionBuilder) -> Reason:
            if wrote.routed is None:
                return NO_REASON
            return reroute.apply_routing(builder, wrote.routed, policy, wrote.at)

        event = e.CustomerWrote(wrote.at, CUSTOMER, wrote.message_id, wrote.reason)
        record_customer_mail(builder, event, policy, route_again)
        why = NoticeKind.UNCONFIRMED if builder.ticket.held_for else NoticeKind.CUSTOMER_WROTE
        notify.notify_team(builder, policy, wrote.at, why, NO_REASON)

    def _rebuilt_event(
        self, ticket: Ticket, rebuilt: e.TicketRebuilt, policy: Policy, since: datetime
    ) -> e.TicketRebuilt:
        """Return the event with the recorded turn. A punctual scenario computes its clocks from that turn."""
        if not self._world.punctual:
            return rebuilt
        again = evolve(ticket, rebuilt)
        turned = replace(
            ticket,
            status=rebuilt.status,
            first_response_at=rebuilt.first_response_at,
            closed_at=rebuilt.closed_at,
            turn=again.turn,
            turn_until=again.turn_until,
            unanswered=again.unanswered,
        )
        mine, calendar = ladder.ladder_of(turned, policy), ladder.calendar_of(turned, policy)
        return replace(rebuilt, clocks=ticket_clocks.clocks_for(turned, mine, calendar, since))


def run_together(
    scenarios: Sequence[Scenario], feed: Iterable[Sequence[TicketScript]], until: datetime
) -> Iterator[tuple[int, Simulation, Outcome]]:
    """Run several scenarios over the same tickets; list (index of the scenario, simulation, outcome).

    `feed` has one script for each scenario and ticket, in the order of the openings. A ticket that two
    scenarios can't treat differently is simulated once and reported for both.
    """
    runs = [Simulation(scenario) for scenario in scenarios]
    may_share = _differ_by_ladders_alone(scenarios)
    shared: set[str] = set()

    def shared_outcomes(index: int, outcomes: Iterator[Outcome]) -> Iterator[tuple[int, Simulation, Outcome]]:
        for outcome in outcomes:
            yield index, runs[index], outcome
            if outcome.script.number in shared:
                yield 1, runs[1], outcome
                if outcome.over:
                    shared.discard(outcome.script.number)

    for scripts in feed:
        for index, (run, script) in enumerate(zip(runs, scripts, strict=True)):
            yield from shared_outcomes(index, run.advance(min(script.begins_at, until)))
            if not (index and scripts[0].number in shared):
                run.add(script)
            if may_share and not index and _same_script(*scripts):
                shared.add(script.number)
    for index, run in enumerate(runs):
        yield from shared_outcomes(index, run.advance(until))
        yield from shared_outcomes(index, run.end(until))


def _differ_by_ladders_alone(scenarios: Sequence[Scenario]) -> bool:
    """Check that tickets with the same script and ladder fare the same in both scenarios.

    This is false where loads count, because all other tickets change them.
    """
    if len(scenarios) != 2 or scenarios[0].only is None or scenarios[1].only is None:
        return False
    one, other = scenarios[0].only, scenarios[1].only
    if one.needs_loads or other.needs_loads:
        return False
    names = ("levels", "teams", "calendars", "mailboxes", "level_names")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _same_script(one: TicketScript, other: TicketScript) -> bool:
    return one.routed == other.routed and one.stimuli == other.stimuli
