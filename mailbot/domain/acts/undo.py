"""Take an agent's newest act back while none of its mail has left.

Theory of operation. The ticket becomes what it was before the act, in the fields that the act changed and that
no later event changed. The events of the act and those after it stay on record. A clock that the act stopped
runs again as if it had never been stopped, with the steps it has taken; one that went on since stays as it is.
Whether a mail has left is decided by the database, which locks its rows first.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import get_args

from mailbot.domain import events as e
from mailbot.domain import notify, reasons
from mailbot.domain.actor import Actor, ActorKind
from mailbot.domain.acts.agent_act import ActMail, AgentAct, clock_time
from mailbot.domain.lifecycle import DecisionBuilder, clocks_set, status_by_turn
from mailbot.domain.model import OVER, Clock, NoticeKind, OutboxState, Role, Target, Ticket
from mailbot.domain.people.participants import Roles
from mailbot.domain.policy import Policy
from mailbot.domain.reasons import NO_REASON, Reason, Refusal
from mailbot.domain.ticket_clocks import sort_clocks

# Fields that hold together: all of a group are as the act left them, or none goes back.
_TOGETHER = (
    ("turn", "turn_until", "turn_why"),
    ("assignee", "assigned_at", "team", "level"),
    ("ladder", "ladder_digest", "priority"),
    ("customer", "reply_to"),
    ("status", "closed_at", "cause"),
)
# Fields that follow from another: a later answer answers the same mail.
_GUARDS: Mapping[str, tuple[str, ...]] = {
    **{name: group for group in _TOGETHER for name in group},
    **dict.fromkeys(("answered_by", "first_response_at"), ("answered_at",)),
    "unanswered": ("unanswered", "answered_at"),
}
_NEVER = frozenset({"number", "events", "clocks", "opened_at", "merged_into", "satisfaction"})
_FIELDS = tuple(each.name for each in fields(Ticket) if each.name not in _NEVER)
_COMPENSATION = get_args(e.Compensation)


@dataclass(frozen=True, slots=True)
class UndoFacts:
    """The newest act of the agent on the ticket, None for none.

    - `mails`: its mails to people outside. `events`: its own.
    - `roles`: what the people of these events were before it.
    - `held`: agents whose answers were held since, for the colleague who takes this one back had answered.
    """

    act: AgentAct | None = None
    mails: tuple[ActMail, ...] = ()
    events: tuple[e.Event, ...] = ()
    roles: Roles = field(default_factory=dict)
    held: tuple[str, ...] = ()


NOTHING_DONE = UndoFacts()


def undo(
    builder: DecisionBuilder,
    facts: UndoFacts,
    roles: Roles,
    by: Actor,
    policy: Policy,
    now: datetime,
    links: tuple[e.Event, ...] = (),
) -> Refusal | None:
    """Take the act back, or return why not. `roles`: of the ticket's people now.

    `links`: what takes back the links of identities that the act made or cut.
    """
    act, ticket = facts.act, builder.ticket
    if by.kind is not ActorKind.AGENT:
        return reasons.refuse("undo_needs_agent")
    if ticket.merged_into:
        return reasons.refuse("ticket_merged_into", ticket=ticket.number, into=ticket.merged_into)
    if act is None:
        box = policy.mailbox_for(ticket.mailbox)
        return reasons.refuse("nothing_to_undo" if box and box.undo else "no_undo", ticket=ticket.number)
    if reason := _why_not(act, facts, ticket, policy, now):
        return Refusal(reason)
    restored, names = taken_back(act.before, act.after, ticket)
    back = _roles_before(facts, roles)
    withdrawn = tuple(each.recipient for each in facts.mails if each.state is not OutboxState.SUPPRESSED)
    requests = _requests(facts)
    if not (names or back or withdrawn or links):
        if requests:
            return reasons.refuse("money_not_undone", request=requests[0])
        return reasons.refuse("nothing_to_undo", ticket=ticket.number)
    people = tuple(back.items())
    builder.record(
        e.ActUndone(now, by, restored, act.id, act.first, act.last, names, withdrawn, people, requests)
    )
    builder.record(*links)
    builder.record(clocks_set(builder.ticket, policy, now))
    _notify_colleagues(builder, facts, by, policy, now)
    return None


def _why_not(act: AgentAct, facts: UndoFacts, ticket: Ticket, policy: Policy, now: datetime) -> Reason:
    left = [each for each in facts.mails if each.left_at]
    if left:
        at = max(each.left_at for each in left if each.left_at)
        return reasons.of("act_left", to=left[0].recipient, at=clock_time(at, ticket, policy, now))
    waiting = any(each.state is not OutboxState.SUPPRESSED for each in facts.mails)
    if act.until <= now and not waiting:
        return reasons.of("undo_too_late", until=clock_time(act.until, ticket, policy, now))
    return NO_REASON


def _requests(facts: UndoFacts) -> tuple[int, ...]:
    """Return the requests for money of the act. They stay: the ledger is only ever added to."""
    return tuple(dict.fromkeys(event.request for event in facts.events if isinstance(event, _COMPENSATION)))


# --- the ticket ---------------------------------------------------------------------------------------------


def taken_back(before: Ticket, after: Ticket, now: Ticket) -> tuple[Ticket, tuple[str, ...]]:
    """Return the ticket without what the act changed, and the fields that go back.

    `before`, `after`: the ticket around the act. `now`: as others have made it since.
    """

    def is_untouched(name: str) -> bool:
        return all(getattr(now, each) == getattr(after, each) for each in _GUARDS.get(name, (name,)))

    names = [name for name in _FIELDS if getattr(before, name) != getattr(after, name) and is_untouched(name)]
    restored = replace(now, **{name: getattr(before, name) for name in names})
    restored = replace(restored, clocks=_clocks(before.clocks, after.clocks, now.clocks))
    if restored.status not in OVER:
        status = status_by_turn(restored, restored.turn, answered=not restored.unanswered)
        restored = replace(restored, status=status)
    changed = [*names, "status", "clocks"] if restored.status != now.status else [*names, "clocks"]
    return restored, tuple(dict.fromkeys(name for name in changed if _differs(restored, now, name)))


def _differs(restored: Ticket, now: Ticket, name: str) -> bool:
    return bool(getattr(restored, name) != getattr(now, name))


def _clocks(before: tuple[Clock, ...], after: tuple[Clock, ...], now: tuple[Clock, ...]) -> tuple[Clock, ...]:
    """Put back each clock that nothing has moved since. What moved has steps that must not come twice."""
    was, then, current = ({clock.target: clock for clock in each} for each in (before, after, now))
    found = (
        was.get(target) if current.get(target) == then.get(target) else current.get(target)
        for target in Target
    )
    return sort_clocks(clock for clock in found if clock)


# --- people -------------------------------------------------------------------------------------------------


def _roles_before(facts: UndoFacts, roles: Roles) -> dict[str, Role]:
    """Return what people were before, where the act changed that and no later event did."""
    given: dict[str, Role] = {}
    for event in facts.events:
        given |= e.roles_of(event)
    # Who was nothing on the ticket stays visible to agents, and gets nothing.
    return {
        address: before
        for address, role in given.items()
        if roles.get(address) is role and (before := facts.roles.get(address, Role.NAMED)) is not role
    }


def _notify_colleagues(
    builder: DecisionBuilder, facts: UndoFacts, by: Actor, policy: Policy, now: datetime
) -> None:
    """Notify the colleagues that the act had notified, and those with answers that it had held back."""
    because = reasons.of("act_undone", actor=str(by))
    held = tuple(each for each in facts.held if each in policy.agents)
    others = tuple(each for each in _colleagues(facts.events, policy, by.name) if each not in held)
    for recipients, reason in ((held, reasons.of("send_now", reason=because)), (others, because)):
        if recipients:
            notify.notify_team(builder, policy, now, NoticeKind.NOTIFY, reason, recipients=recipients)


def _colleagues(events: Iterable[e.Event], policy: Policy, agent: str) -> tuple[str, ...]:
    notified = (
        address for event in events if isinstance(event, e.PeopleNotified) for address in event.recipients
    )
    return tuple(dict.fromkeys(each for each in notified if each in policy.agents and each != agent))
