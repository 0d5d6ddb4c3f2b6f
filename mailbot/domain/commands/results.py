"""What each command of an act did, as a sentence for the agent who wrote it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain import commands as c
from mailbot.domain import events as e
from mailbot.domain import reasons
from mailbot.domain.actor import Actor
from mailbot.domain.events import Event
from mailbot.domain.model import Turn
from mailbot.domain.reasons import NO_REASON, Reason


@dataclass(frozen=True, slots=True)
class Result:
    """What one command did. `until`: the moment that ends the sentence, where it has one."""

    reason: Reason
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an act led to, for who did it.

    - `done`: what each command did. `text`: what the customer reads of it, "" for nothing.
    - `also_sent`: our mails to the customer beside the text.
    - `turn` and `turn_until`: who has to act next. `promised_at`: when the customer's promise ends.
    - `next_steps`: what comes by itself. `undo_until`: until when it can be taken back, None for never.
    """

    done: tuple[Result, ...] = ()
    text: str = ""
    also_sent: Reason = NO_REASON
    turn: Reason = NO_REASON
    turn_until: datetime | None = None
    promised_at: datetime | None = None
    next_steps: tuple[tuple[datetime, Reason], ...] = ()
    undo_until: datetime | None = None


def result_of(command: c.AnyCommand, events: Sequence[Event], by: Actor, outcome: str = "") -> Result:
    """Return what the command did by the events that it led to. `outcome`: of a request for compensation."""
    match command:
        case c.WorkOn(until):
            return Result(reasons.of("did_promise" if until else "did_work_on"), until)
        case c.Wait(turn, until):
            return Result(_waits(turn, until), until)
        case c.Snooze(until):
            return Result(reasons.of("did_snooze" if until else "did_wake"), until)
    return Result(_reason(command, events, by, outcome))


def _waits(turn: Turn, until: datetime | None) -> Reason:
    return reasons.of("did_wait_until" if until else "did_wait", turn=turn)


def _reason(command: c.AnyCommand, events: Sequence[Event], by: Actor, outcome: str) -> Reason:
    match command:
        case c.AddNote():
            return reasons.of("did_note")
        case c.Assign(agent):
            return reasons.of("did_take") if agent == by.name else reasons.of("did_assign", agent=agent)
        case c.HandOver(team):
            return reasons.of("did_hand_over", team=team)
        case c.Escalate(level):
            reached = [each.level for each in events if isinstance(each, e.TicketEscalated)]
            return reasons.of("did_escalate", level=reached[-1] if reached else level)
        case c.Close():
            cause = next((each.cause for each in events if isinstance(each, e.TicketClosed)), "")
            return reasons.of("did_close_cause", cause=cause) if cause else reasons.of("did_close")
        case c.Reopen():
            return reasons.of("did_reopen")
        case c.Correct(priority, category):
            set_to = {
                name: value
                for each in events
                if isinstance(each, e.TicketCorrected)
                for name, value in each.values
            }
            return reasons.together(
                reasons.of("did_priority", priority=priority) if priority else NO_REASON,
                reasons.of("did_category", category=category) if category else NO_REASON,
                reasons.of("did_cause", cause=set_to["cause"]) if "cause" in set_to else NO_REASON,
            )
        case c.Tag(added, removed):
            return reasons.of(
                "did_tag", tags=" ".join((*(f"+{x}" for x in added), *(f"-{x}" for x in removed)))
            )
        case c.Decide(option):
            return reasons.of("did_decide", option=option)
        case c.Resolve():
            return reasons.of("did_resolve")
        case c.LeaveIncident():
            return reasons.of("did_detach")
        case c.Undo():
            return _undone(events)
        case c.Macro(name):
            return reasons.of("did_macro", macro=name)
        case c.LinkIdentity() | c.UnlinkIdentity() | c.AnswerVia():
            return _about_identities(events)
    return _about_people(command, outcome)


def _undone(events: Sequence[Event]) -> Reason:
    """Return what was taken back, and what of it stays."""
    taken = next(each for each in events if isinstance(each, e.ActUndone))
    unsent = ", ".join(dict.fromkeys(taken.withdrawn))
    return reasons.together(
        reasons.of("did_undo_mail", to=unsent) if unsent else reasons.of("did_undo"),
        *(reasons.of("money_stays", request=request) for request in taken.requests),
    )


def _about_identities(events: Sequence[Event]) -> Reason:
    match events[0]:
        case e.IdentityLinked(address=address, other=other):
            return reasons.of("did_link", address=address, customer=other)
        case e.IdentityUnlinked(address=address, other=other):
            return reasons.of("did_unlink", address=address, customer=other)
        case e.AnswersMoved(to=to):
            return reasons.of("did_via", address=to)
    return NO_REASON


def _about_people(command: c.AnyCommand, outcome: str) -> Reason:
    match command:
        case c.AddParticipants(addresses):
            return reasons.of("did_add", addresses=", ".join(addresses))
        case c.RemoveParticipants(addresses):
            return reasons.of("did_remove", addresses=", ".join(addresses))
        case c.Accept():
            return reasons.of("did_accept")
        case c.Reject():
            return reasons.of("did_reject")
        case c.SetCustomer(customer):
            return reasons.of("did_set_customer", customer=customer)
        case c.Compensate(amount):
            return reasons.of("did_compensate", amount=str(amount), outcome=outcome)
        case c.Approve() | c.Refuse():
            return reasons.of("did_judge", outcome=outcome)
    return reasons.of("did", command=type(command).__name__.lower())
