"""Run the admins' own tests: a mail, what the policy does with it, and where that is not what was expected.

A mail goes through `decisions.on_mail` as if it were the first of all, at the moment that the test names. So
what holds here holds for the daemon. Nothing is read or written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mailbot.domain import ladder, ticket_number
from mailbot.domain.decisions import on_mail
from mailbot.domain.events import TicketAssigned, TicketRouted
from mailbot.domain.lifecycle import Decision
from mailbot.domain.matching import Match
from mailbot.domain.model import NO_HISTORY, Author, CustomerHistory, Envelope, InboundMail, Status, Ticket
from mailbot.domain.people.customer import customer_of
from mailbot.domain.policy import Moment, Policy
from mailbot.domain.replies.mail_facts import MailFacts
from mailbot.domain.routing import trace as routing_trace
from mailbot.domain.routing.conditions import RoutingFacts
from mailbot.domain.routing.routing_facts import mailbox_of, routing_facts
from mailbot.domain.routing.trace import RuleTrace
from mailbot.domain.worktime import add

NOBODY = "nobody"  # as an agent
_LONG_CLOSED = timedelta(days=7300)  # longer than any `reopen_within`


@dataclass(frozen=True, slots=True)
class SampleMail:
    """The mail of a test: a `file` beside the YAML, or the fields of the mail itself.

    `at` is naive local time of the first calendar, None is DEFAULT_AT. `language` None: detected, as for any
    mail.
    """

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
    author: Author | None = None  # None: by its header and text, as for any mail


# A Monday morning, no holiday: so that a test of today has the same result in years.
DEFAULT_AT = datetime(2026, 11, 23, 10, 0)  # noqa: DTZ001 (local time of a calendar that is not known here)


@dataclass(frozen=True, slots=True)
class Expected:
    """One expected result, and its place in routing.yaml.

    `key` is a key of `expect:`; for details and deadlines a dot and the inner key follow. `values` has one
    text where the key takes one value.
    """

    key: str
    values: tuple[str, ...]
    line: int = 0
    column: int = 0
    moment: Moment | None = None  # of a deadline


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test, and the place of its mail in routing.yaml.

    `expected_to_fail`: it says what the rules should do and do not do yet.
    """

    name: str
    mail: SampleMail
    expected: tuple[Expected, ...]
    line: int = 0
    column: int = 0
    expected_to_fail: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What the policy did with the mail. `routed` and `facts` are None when it opened no ticket."""

    policy: Policy
    decision: Decision
    routed: TicketRouted | None
    facts: RoutingFacts | None

    @property
    def rules(self) -> tuple[RuleTrace, ...]:
        """Build the traces of the rules, on demand: they take time, and a test that passes needs none."""
        return tuple(routing_trace.trace_rules(self.policy, self.facts)) if self.facts else ()

    @property
    def ticket(self) -> Ticket:
        return self.decision.ticket


@dataclass(frozen=True, slots=True)
class Mismatch:
    """An expectation that failed: the `actual` value, and which rule and condition led to it."""

    expected: Expected
    actual: str
    explanation: str


def moment_of(at: datetime | None, policy: Policy) -> datetime:
    """Convert a test's local time (of the first calendar, as for `hour` in rules) to UTC."""
    zone = policy.zone_of()
    return (at or DEFAULT_AT).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def run_mail(
    policy: Policy, mail: InboundMail, envelope: Envelope, history: CustomerHistory, at: datetime
) -> Result:
    """Decide on the mail as a new matter. `history` replaces what the store would know.

    The digits of its ticket number are all 0, so that the same agent is chosen each time.
    """
    box = mailbox_of(envelope, policy)
    mail = replace(mail, authentication=history.authentication, channel=history.channel)
    number, earlier = (ticket_number.make(box.prefix, digit * box.digits) for digit in "01")
    before, then = None, at - _LONG_CLOSED
    if history.reopened:
        concerned = (box.address, customer_of(mail, envelope, policy), mail.subject)
        before = Ticket(earlier, *concerned, "", then, status=Status.CLOSED, closed_at=then)
    match = Match(number=before.number) if before else Match()
    facts = MailFacts(number, match, customer_history=replace(history, looked_up=True))
    decision = on_mail(before, mail, envelope, facts, policy, at).decision
    routed = next((event for event in decision.events if isinstance(event, TicketRouted)), None)
    if routed is None or routed.customer_history is None:
        return Result(policy, decision, routed, None)
    tested = routing_facts(mail, envelope.sender, box.address, policy, at, routed.customer_history)
    return Result(policy, decision, routed, tested)


def find_mismatches(expected: tuple[Expected, ...], result: Result) -> list[Mismatch]:
    """List the expectations that failed, in the order of the file."""
    if result.routed is None:
        explanation = "the mail opened no ticket, so no rule was tested"
        return [Mismatch(first, "nothing", explanation) for first in expected[:1]]
    found = (_mismatch(one, result, result.routed) for one in expected)
    return [mismatch for mismatch in found if mismatch]


def _mismatch(expected: Expected, result: Result, routed: TicketRouted) -> Mismatch | None:
    kind = expected.key.partition(".")[0]
    actual = _READERS[kind](expected, result, routed)
    common = set(expected.values) & set(actual)
    if common == (set() if kind == "not_rule" else set(expected.values)):
        return None
    shown = actual[:1] if kind == "agent" else actual
    return Mismatch(expected, ", ".join(shown) or "nothing", _explain(kind, expected, result))


_Reader = Callable[[Expected, Result, TicketRouted], tuple[str, ...]]


def _details(expected: Expected, result: Result, routed: TicketRouted) -> tuple[str, ...]:
    wanted = expected.key.partition(".")[2]
    return tuple(value for name, value in routed.details if name == wanted)


def _agent(_: Expected, result: Result, routed: TicketRouted) -> tuple[str, ...]:
    address = result.ticket.assignee
    agent = result.policy.agents.get(address or "")
    return (agent.name, agent.address) if agent else (address or NOBODY,)


def _deadline(expected: Expected, result: Result, routed: TicketRouted) -> tuple[str, ...]:
    due = due_at(result.ticket, result.policy, expected.moment) if expected.moment else None
    if due is None:
        return ()
    calendar = ladder.calendar_of(result.ticket, result.policy)
    return (clock_text(due.astimezone(ZoneInfo(calendar.zone))),)


_READERS: Mapping[str, _Reader] = {
    **dict.fromkeys(
        ("category", "urgency", "complexity", "priority", "team", "level", "ladder", "template"),
        lambda expected, result, routed: (getattr(routed, expected.key),),
    ),
    **dict.fromkeys(("rule", "not_rule"), lambda _, result, routed: (routed.rule, *routed.also)),
    "tags": lambda _, result, routed: routed.tags,
    "ask_for": lambda _, result, routed: routed.ask_for,
    "details": _details,
    "agent": _agent,
    "deadlines": _deadline,
}


def due_at(ticket: Ticket, policy: Policy, moment: Moment) -> datetime | None:
    """Return when a moment of the ladder comes if nothing else happens; None when its clock is stopped."""
    clock = next((clock for clock in ticket.clocks if clock.target is moment.target), None)
    if clock is None or clock.running_since is None:
        return None
    left = max(timedelta(), clock.span * moment.share + moment.offset - clock.spent)
    return add(ladder.calendar_of(ticket, policy), clock.running_since, left)


def clock_text(at: datetime) -> str:
    """Format as "2026-11-23 10:30", with seconds only where they are not 0."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second or at.microsecond else f"{at:%Y-%m-%d %H:%M}"


# --- explanations -------------------------------------------------------------------------------------------


def _explain(kind: str, expected: Expected, result: Result) -> str:
    if kind == "rule":
        return _why_not_matched(expected.values[0], result)
    if kind == "not_rule":
        return _matched(next(r for r in result.rules if r.matched and r.rule.name in expected.values))
    if kind == "agent":
        given = (event.reason for event in result.decision.events if isinstance(event, TicketAssigned))
        return str(next(given, "")) or f"of {result.ticket.team} at {result.ticket.level}"
    if kind == "deadlines":
        return _why_due(expected, result)
    if kind == "details":
        found = result.routed is not None and expected.key.partition(".")[2] in dict(result.routed.details)
        return "this is the first in its subject or text" if found else "there is none in its subject or text"
    # The first rule of those that matched and name it.
    setter = next((r for r in result.rules if r.matched and getattr(r.rule.then, kind, None)), None)
    if kind == "priority" and not setter and result.routed:
        return f"it follows from urgency {result.routed.urgency} and complexity {result.routed.complexity}"
    return _matched(setter) if setter else f"no rule sets it; {_matched(result.rules[-1])}"


def _why_not_matched(name: str, result: Result) -> str:
    trace = next((r for r in result.rules if r.rule.name == name), None)
    if trace is None or trace.conditions is None:
        return f"{_matched(result.rules[-1])}, before rule '{name}' was tested"
    return f"rule '{name}' (line {trace.rule.line}) did not match: {routing_trace.explain(trace.conditions)}"


def _matched(trace: RuleTrace) -> str:
    why = routing_trace.explain(trace.conditions) if trace.conditions else "no rule above it matched"
    return f"rule '{trace.rule.name}' (line {trace.rule.line}) decided: {why}"


def _why_due(expected: Expected, result: Result) -> str:
    ticket = result.ticket
    steps = ladder.ladder_of(ticket, result.policy)
    calendar = ladder.calendar_of(ticket, result.policy)
    spans = {clock.target: clock.span for clock in ticket.clocks}
    target = expected.moment.target if expected.moment else None
    if target not in spans:
        return f"that clock does not run on a new ticket of ladder '{steps.name}'"
    span = _span_text(spans[target])
    return f"ladder '{steps.name}' promises {target} in {span} of work time of calendar '{calendar.name}'"


def _span_text(length: timedelta) -> str:
    hours, seconds = divmod(length.total_seconds(), 3600)
    parts = ((hours, "h"), (seconds // 60, "min"), (seconds % 60, "s"))
    return " ".join(f"{count:.0f} {unit}" for count, unit in parts if count)
