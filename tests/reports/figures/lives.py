"""Event histories of tickets for the tests of reports, written by hand or generated as `lifecycle` allows."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from mailbot.domain import events as e
from mailbot.domain.actor import CUSTOMER, POLICY, Actor
from mailbot.domain.events import Event
from mailbot.domain.lifecycle import IllegalTransition, evolve
from mailbot.domain.lifecycle import opened as opened_by
from mailbot.domain.model import Clock, Status, Target, Ticket, Turn
from mailbot.domain.reasons import NO_REASON, written
from mailbot.domain.worktime import Calendar, hours
from mailbot.reports.figures.api import Maker, Period, Report
from mailbot.reports.figures.ticket_facts import CalendarOf
from tests.builders import EKO

MONDAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # 10:00 in Jakarta
OFFICE = Calendar("office", "Asia/Jakarta", ((hours("08:00-17:00"),),) * 5 + ((), ()))
RINA, BAYU = "rina@tim.example", "bayu@tim.example"
BY_RINA = Actor.agent(RINA)
HOUR = timedelta(hours=1)


def at(hours_later: float) -> datetime:
    return MONDAY + HOUR * hours_later


def opened(later: float = 0, **changes: object) -> e.TicketOpened:
    said = {"subject": "Saldo belum masuk", "language": "id", "message_id": "<a@x>", **changes}
    return e.TicketOpened(at(later), CUSTOMER, "support@x.example", "budi@x.example", **said)  # type: ignore[arg-type]


def routed(later: float = 0, team: str = "payments", **changes: object) -> e.TicketRouted:
    said = {"rule": "saldo", "category": "payment", "priority": "high", "level": "L1", **changes}
    rest = {"reason": NO_REASON, "urgency": "", "complexity": "", "tags": (), "ladder": "standard"}
    return e.TicketRouted(at(later), POLICY, team=team, **{**rest, **said})  # type: ignore[arg-type]


def clocks(later: float, *targets: Target, missed: Sequence[Target] = (), within: float = 1) -> e.ClocksSet:
    running = tuple(
        Clock(each, HOUR * within, timedelta(), at(later), (-1,) if each in missed else ())
        for each in targets
    )
    return e.ClocksSet(at(later), POLICY, running)


def assigned(later: float, agent: str = RINA, by: Actor = POLICY) -> e.TicketAssigned:
    return e.TicketAssigned(at(later), by, agent)


def answered(later: float, agent: str = RINA, turn: Turn = Turn.CUSTOMER) -> e.AgentAnswered:
    return e.AgentAnswered(at(later), Actor.agent(agent), agent, turn)


def wrote(later: float) -> e.CustomerWrote:
    return e.CustomerWrote(at(later), CUSTOMER, "<b@x>", NO_REASON)


def closed(later: float, by: Actor = BY_RINA) -> e.TicketClosed:
    return e.TicketClosed(at(later), by)


def reopened(later: float) -> e.TicketReopened:
    return e.TicketReopened(at(later), CUSTOMER)


def folded(events: Sequence[Event]) -> Ticket:
    first = events[0]
    assert isinstance(first, e.TicketOpened)
    ticket = opened_by("TOKO-48217390-8", first)
    for event in events[1:]:
        ticket = evolve(ticket, event)
    return ticket


# --- generated events -------------------------------------------------------------------------------------

_ACTIONS = (
    *("answer", "write", "close", "reopen", "escalate", "escalate by hand", "hand over", "miss", "score"),
    *("merge", "unmerge", "assign", "release", "promise", "check", "wait", "hand back"),
)
_steps = st.lists(st.tuples(st.sampled_from(_ACTIONS), st.integers(0, 40)), max_size=14)


@st.composite
def lives(draw: st.DrawFn) -> list[Event]:
    """Generate one ticket's events, all legal, over some days that begin up to ten days before MONDAY."""
    later = draw(st.integers(-240, 48))
    held = draw(st.sampled_from(["", "", "", "TOKO-11112222-9"]))
    team = draw(st.sampled_from(["payments", "frontline"]))
    events: list[Event] = [opened(later, held_for=held), routed(later, team), *_promise(later)]
    ticket = folded(events)
    for action, gap in draw(_steps):
        later += gap
        try:
            more = _taken(action, later, ticket)
            for event in more:
                ticket = evolve(ticket, event)
        except IllegalTransition:
            ticket = folded(events)
            continue
        events += more
    return events


def _promise(later: float) -> list[Event]:
    return [clocks(later, Target.FIRST_RESPONSE, Target.RESOLUTION)]


def _taken(action: str, later: float, ticket: Ticket) -> list[Event]:
    now = at(later)
    match action:
        case "answer":
            return [answered(later), clocks(later, Target.RESOLUTION)]
        case "check":
            return [answered(later, turn=Turn.OURS), clocks(later, Target.RESOLUTION)]
        case "wait":
            return [e.TurnSet(now, BY_RINA, Turn.THIRD_PARTY, at(later + 9))]
        case "hand back":
            return [e.TurnSet(now, POLICY, Turn.OURS), e.NewsPromised(now, BY_RINA, at(later + 3))]
        case "write":
            return [wrote(later), clocks(later, Target.NEXT_RESPONSE, Target.RESOLUTION)]
        case "close":
            return [closed(later)]
        case "reopen":
            return [reopened(later), wrote(later), clocks(later, Target.NEXT_RESPONSE)]
        case "escalate":
            return [e.TicketEscalated(now, POLICY, "L2", written("late"))]
        case "escalate by hand":
            return [e.TicketEscalated(now, EKO, "L3", written("angry"))]
        case "hand over":
            return [e.TicketHandedOver(now, POLICY, "frontline", NO_REASON)]
        case "miss":
            return [e.TargetMissed(now, POLICY, Target.RESOLUTION, now)]
        case "score":
            return [e.SatisfactionRated(now, CUSTOMER, later % 5 + 1)]
        case "merge":
            return [e.TicketMerged(now, EKO, "TOKO-11112222-9", ())]
        case "unmerge":
            retold = e.TicketRebuilt(now, POLICY, Status.WAITING, now, None, "", ())
            return [e.TicketUnmerged(now, EKO, "TOKO-11112222-9", ()), retold]
        case "assign":
            return [assigned(later, BAYU, EKO)]
        case "release" if ticket.held_for:
            return [e.TicketReleased(now, EKO)]
        case "promise":
            return [clocks(later, Target.RESOLUTION, missed=[Target.RESOLUTION])]
    return []


def report(
    lives: Iterable[Sequence[Event]],
    period: Period,
    calendar_of: CalendarOf,
    made_at: datetime,
    team: str = "",
) -> Report:
    """Build a report from the whole lives of tickets."""
    maker = Maker(period, calendar_of, team)
    for number, events in enumerate(lives):
        maker.add(str(number), events)
        maker.opened(str(number), events)
    return maker.report(made_at)
