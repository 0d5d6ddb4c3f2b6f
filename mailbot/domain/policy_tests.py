"""The admins' own tests: a mail, what the policy does with it, and what was expected instead, and why.

A mail is taken through `decide.on_mail` as if it were the first of all, at a moment that the test names, so
that what holds here holds for the daemon. Nothing is read or written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mailbot.domain import ladder, routing_trace, ticket_number
from mailbot.domain.decisions import MailFacts, customer_of, mailbox_of, on_mail, routing_facts
from mailbot.domain.events import TicketAssigned, TicketRouted
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Verdict
from mailbot.domain.model import NO_HISTORY, CustomerHistory, Envelope, InboundMail, Status, Ticket
from mailbot.domain.policy import Moment, Policy
from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.domain.routing_trace import RuleTrace
from mailbot.domain.worktime import add

NOBODY = "nobody"  # as an agent
_AGES = timedelta(days=7300)  # longer than any `reopen_within`


@dataclass(frozen=True, slots=True)
class Letter:
    """What a test says of its mail: a `file` beside the YAML, or the mail itself. `at` is naive, by the wall
    clock of the first calendar; None: DEFAULT_AT. `language` None: told by the words, as of any mail."""

    file: str = ""
    sender: str = ""
    recipient: str = ""
    subject: str = ""
    body: str = ""
    language: str | None = None
    attachments: tuple[str, ...] = ()  # file names
    headers: tuple[tuple[str, str], ...] = ()
    size: int | None = None
    at: datetime | None = None
    customer_history: CustomerHistory = NO_HISTORY


# A Monday morning, no holiday: so that a test of today still says the same in years.
DEFAULT_AT = datetime(2026, 11, 23, 10, 0)  # noqa: DTZ001 (local time of a calendar that is not known here)


@dataclass(frozen=True, slots=True)
class Expected:
    """One thing that must come out, and where it stands in routing.yaml.

    `what` is a key of `expect:`, for details and deadlines with a dot and the inner key; `wanted` holds one
    text for what has one value.
    """

    what: str
    wanted: tuple[str, ...]
    line: int = 0
    column: int = 0
    moment: Moment | None = None  # of a deadline


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One test, and where its mail stands in routing.yaml."""

    name: str
    mail: Letter
    expected: tuple[Expected, ...]
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the mail. `routed` and `facts` are None when it opened no ticket."""

    policy: Policy
    decision: Decision
    routed: TicketRouted | None
    facts: RoutingFacts | None

    @property
    def tried(self) -> tuple[RuleTrace, ...]:
        """Worked out when it is asked for, which no test does that holds: with many rules it takes time."""
        return tuple(routing_trace.trace_rules(self.policy, self.facts)) if self.facts else ()

    @property
    def ticket(self) -> Ticket:
        return self.decision.ticket


@dataclass(frozen=True, slots=True)
class Mismatch:
    """`came` is what came instead, `because` which rule and which of its conditions made it so."""

    expected: Expected
    came: str
    because: str


def moment_of(at: datetime | None, policy: Policy) -> datetime:
    """A test's moment: its wall clock is that of the first calendar, as for the rules' `hour`."""
    zone = next(iter(policy.calendars.values())).zone
    return (at or DEFAULT_AT).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def rehearse(
    policy: Policy, mail: InboundMail, envelope: Envelope, known: CustomerHistory, at: datetime
) -> Outcome:
    """The mail through the policy, as the matter of its own that it is. `known` is what the store would say.

    Its number has no digit but 0, so that the choice of the agent is the same each time.
    """
    box = mailbox_of(envelope, policy)
    mail = replace(mail, authentication=known.authentication)
    number, earlier = (ticket_number.make(box.prefix, digit * box.digits) for digit in "01")
    before = _long_closed(earlier, mail, envelope, box.address, at) if known.reopened else None
    verdict = Verdict(number=before.number) if before else Verdict()
    facts = MailFacts(number, verdict, customer_history=replace(known, looked_up=True))
    decision = on_mail(before, mail, envelope, facts, policy, at).decision
    routed = next((event for event in decision.events if isinstance(event, TicketRouted)), None)
    return Outcome(policy, decision, routed, _facts(policy, mail, envelope, routed, at))


def _long_closed(number: str, mail: InboundMail, envelope: Envelope, box: str, at: datetime) -> Ticket:
    then = at - _AGES
    customer = customer_of(mail, envelope)
    return Ticket(number, box, customer, mail.subject, "", then, status=Status.CLOSED, closed_at=then)


def _facts(
    policy: Policy, mail: InboundMail, envelope: Envelope, routed: TicketRouted | None, at: datetime
) -> RoutingFacts | None:
    if routed is None or routed.customer_history is None:
        return None
    box = mailbox_of(envelope, policy).address
    return routing_facts(mail, envelope.sender, box, policy, at, routed.customer_history)


def compare(expected: tuple[Expected, ...], came: Outcome) -> list[Mismatch]:
    """What did not come out as expected, in the order in which it stands."""
    if came.routed is None:
        because = "it opened no ticket, so no rule was asked"
        return [Mismatch(each, "nothing", because) for each in expected[:1]]
    found = (_mismatch(each, came, came.routed) for each in expected)
    return [each for each in found if each]


def _mismatch(wanted: Expected, came: Outcome, routed: TicketRouted) -> Mismatch | None:
    kind = wanted.what.partition(".")[0]
    values = _READERS[kind](wanted, came, routed)
    found = set(wanted.wanted) & set(values)
    if found == (set() if kind == "not_rule" else set(wanted.wanted)):
        return None
    shown = values[:1] if kind == "agent" else values
    return Mismatch(wanted, ", ".join(shown) or "nothing", _because(kind, wanted, came))


_Reader = Callable[[Expected, Outcome, TicketRouted], tuple[str, ...]]


def _field(name: str) -> _Reader:
    return lambda _, came, routed: (getattr(routed, name),)


def _rules(_: Expected, came: Outcome, routed: TicketRouted) -> tuple[str, ...]:
    return (routed.rule, *routed.also)


def _details(wanted: Expected, came: Outcome, routed: TicketRouted) -> tuple[str, ...]:
    name = wanted.what.partition(".")[2]
    return tuple(value for each, value in routed.details if each == name)


def _agent(_: Expected, came: Outcome, routed: TicketRouted) -> tuple[str, ...]:
    address = came.ticket.assignee
    agent = came.policy.agents.get(address or "")
    return (agent.name, agent.address) if agent else (address or NOBODY,)


def _deadline(wanted: Expected, came: Outcome, routed: TicketRouted) -> tuple[str, ...]:
    due_at = due(came.ticket, came.policy, wanted.moment) if wanted.moment else None
    if due_at is None:
        return ()
    calendar = ladder.calendar_of(came.ticket, came.policy)
    return (clock_text(due_at.astimezone(ZoneInfo(calendar.zone))),)


_READERS: Mapping[str, _Reader] = {
    **{
        name: _field(name)
        for name in ("category", "urgency", "complexity", "priority", "team", "level", "ladder", "template")
    },
    "rule": _rules,
    "not_rule": _rules,
    "tags": lambda _, came, routed: routed.tags,
    "ask_for": lambda _, came, routed: routed.ask_for,
    "details": _details,
    "agent": _agent,
    "deadlines": _deadline,
}


def due(ticket: Ticket, policy: Policy, moment: Moment) -> datetime | None:
    """When a moment of the ladder comes for a ticket if nothing else happens; None when its clock stands."""
    clock = next((each for each in ticket.clocks if each.target is moment.target), None)
    if clock is None or clock.running_since is None:
        return None
    left = max(timedelta(), clock.span * moment.share + moment.offset - clock.spent)
    return add(ladder.calendar_of(ticket, policy), clock.running_since, left)


def clock_text(at: datetime) -> str:
    """As people write it: "2026-11-23 10:30", with seconds only where there are any."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second or at.microsecond else f"{at:%Y-%m-%d %H:%M}"


# --- why ----------------------------------------------------------------------------------------------------


def _because(kind: str, wanted: Expected, came: Outcome) -> str:
    if kind == "rule":
        return _why_not(wanted.wanted[0], came)
    if kind == "not_rule":
        hit = next(each for each in came.tried if each.matched and each.rule.name in wanted.wanted)
        return _took(hit)
    if kind == "agent":
        given = (each.because for each in came.decision.events if isinstance(each, TicketAssigned))
        return next(given, "") or f"of {came.ticket.team} at {came.ticket.level}"
    if kind == "deadlines":
        return _why_due(wanted, came)
    if kind == "details":
        return _why_detail(wanted.what.partition(".")[2], came)
    setter = _setter(kind, came)
    if kind == "priority" and not setter and came.routed:
        return f"it follows from urgency {came.routed.urgency} and complexity {came.routed.complexity}"
    return _took(setter) if setter else f"no rule names it; {_took(came.tried[-1])}"


def _why_detail(name: str, came: Outcome) -> str:
    found = came.routed is not None and name in dict(came.routed.details)
    return "this is the first in its subject or text" if found else "there is none in its subject or text"


def _setter(kind: str, came: Outcome) -> RuleTrace | None:
    """The rule that decided this: the first of those that matched to name it."""
    return next((each for each in came.tried if each.matched and getattr(each.rule.then, kind, None)), None)


def _why_not(name: str, came: Outcome) -> str:
    asked = next((each for each in came.tried if each.rule.name == name), None)
    if asked is None or asked.conditions is None:
        return f"{_took(came.tried[-1])}, before rule '{name}' was asked"
    return f"rule '{name}' (line {asked.rule.line}) said no: {routing_trace.explain(asked.conditions)}"


def _took(hit: RuleTrace) -> str:
    why = routing_trace.explain(hit.conditions) if hit.conditions else "no rule above it matched"
    return f"rule '{hit.rule.name}' (line {hit.rule.line}) decided: {why}"


def _why_due(wanted: Expected, came: Outcome) -> str:
    ticket = came.ticket
    mine = ladder.ladder_of(ticket, came.policy)
    calendar = ladder.calendar_of(ticket, came.policy)
    promised = {clock.target: clock.span for clock in ticket.clocks}
    target = wanted.moment.target if wanted.moment else None
    if target not in promised:
        return f"that clock does not run on a new ticket of ladder '{mine.name}'"
    span = _span(promised[target])
    return f"ladder '{mine.name}' promises {target} in {span} of work time of calendar '{calendar.name}'"


def _span(length: timedelta) -> str:
    hours, seconds = divmod(length.total_seconds(), 3600)
    parts = ((hours, "h"), (seconds // 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count:.0f} {unit}" for count, unit in parts if count)
