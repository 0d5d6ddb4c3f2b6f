"""Two policies over the same mail: what one decides otherwise than the other, by which condition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain.classify import Classified, classify
from mailbot.domain.decisions import mailbox_of, routing_facts
from mailbot.domain.events import TicketRouted
from mailbot.domain.model import CustomerHistory, Envelope, InboundMail
from mailbot.domain.notify import OUR_TAGS
from mailbot.domain.policy import Actions, Policy

CHANGED, UNCAUGHT, CAUGHT = "changed", "uncaught", "caught"
KINDS = (CHANGED, UNCAUGHT, CAUGHT)
# What a policy says of a mail, in the order in which people care; all of it stands on TicketRouted.
NAMES = (
    *("rule", "team", "level", "category", "priority", "urgency", "complexity", "tags", "ladder"),
    *("assign", "skill", "template", "ask_for", "details"),
)

Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A mail that opened a ticket, or would: all that a policy needs to route it. `name` is for people.

    `routed` is what was recorded then, by the policy of version `policy`; None for a mail from elsewhere.
    """

    name: str
    at: datetime
    mail: InboundMail
    envelope: Envelope
    customer_history: CustomerHistory
    routed: TicketRouted | None = None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """What a policy says of a mail: a value for each of NAMES, and what decided it, in words ("" for what no
    rule names). `caught`: a rule with conditions took it, not the last one that takes everything."""

    values: Mapping[str, Value]
    because: Mapping[str, str]
    caught: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two policies say otherwise of one mail, with what decided it in each."""

    name: str
    old: Value
    new: Value
    old_because: str
    new_because: str


@dataclass(frozen=True, slots=True)
class Change:
    """A mail that goes another way. `kind`: "uncaught" and "caught" are about the rule that takes everything.
    The rules are those that win, told also where they stay."""

    name: str
    at: datetime
    kind: str
    old_rule: str
    new_rule: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """Mails that went from one rule to another: how many, what else changes for them, the first of them."""

    kind: str
    old_rule: str
    new_rule: str
    count: int
    names: tuple[str, ...]
    examples: tuple[str, ...]


def placed(policy: Policy, case: Case) -> Placed:
    """What `policy` says of the mail, by its own mailboxes and its own default calendar."""
    box = mailbox_of(case.envelope, policy).address
    facts = routing_facts(case.mail, case.envelope.sender, box, policy, case.at, case.customer_history)
    found = classify(policy, facts)
    values = {name: getattr(found, name) for name in NAMES} | {"details": _pairs(found.details)}
    values["tags"] = _without_ours(found.tags)
    because = {name: _because(name, policy, found) for name in NAMES}
    return Placed(values, because, policy.rules[found.matches[-1].rule_index].when is not None)


def recorded(routed: TicketRouted, policy: Policy | None) -> Placed:
    """The same as it was decided then. `policy` is the one that did, None when it is not known any more."""
    values = {name: getattr(routed, name) for name in NAMES} | {"details": _pairs(routed.details)}
    values["tags"] = _without_ours(routed.tags)
    last = policy.rules[-1].name if policy else ""
    return Placed(values, dict.fromkeys(NAMES, f"{routed.rule}: {routed.reason}"), routed.rule != last)


def compared(case: Case, old: Placed, new: Placed) -> Change | None:
    """What the new one says otherwise; None when both say the same."""
    differences = tuple(
        Difference(name, old.values[name], new.values[name], old.because[name], new.because[name])
        for name in NAMES
        if old.values[name] != new.values[name]
    )
    if not differences:
        return None
    kind = CHANGED if old.caught == new.caught else UNCAUGHT if old.caught else CAUGHT
    return Change(case.name, case.at, kind, str(old.values["rule"]), str(new.values["rule"]), differences)


def moves(changes: Iterable[Change]) -> list[Move]:
    """The changes by kind and rules, the most frequent first."""
    grouped: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        grouped.setdefault((change.kind, change.old_rule, change.new_rule), []).append(change)
    found = [Move(*key, len(group), _names(group), _examples(group)) for key, group in grouped.items()]
    return sorted(found, key=lambda move: (-move.count, move.old_rule, move.new_rule))


def _names(changes: Sequence[Change]) -> tuple[str, ...]:
    said = {each.name for change in changes for each in change.differences}
    return tuple(name for name in NAMES if name in said and name != "rule")


def _examples(changes: Sequence[Change]) -> tuple[str, ...]:
    return tuple(change.name for change in changes[:3])


def _pairs(details: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(f"{name} {value}" for name, value in details)


def _without_ours(tags: Iterable[str]) -> tuple[str, ...]:
    return tuple(tag for tag in tags if tag not in OUR_TAGS)


# --- what decided -----------------------------------------------------------------------------------------


def _because(name: str, policy: Policy, found: Classified) -> str:
    """The first rule that names a thing decided it, with the condition that held; see `classify.merged`."""
    said = [(policy.rules[match.rule_index], match.because) for match in found.matches]
    if name == "rule":
        return f"{found.rule}: {found.reason}"
    deciders = [f"{rule.name}: {because}" for rule, because in said if _names_it(rule.then, name)]
    if name in ("tags", "ask_for"):
        return "; ".join(deciders)
    return deciders[0] if deciders else _derived(name, found)


def _names_it(then: Actions, name: str) -> bool:
    return bool(getattr(then, name, None))  # details are named by no action: they are found


def _derived(name: str, found: Classified) -> str:
    match name:
        case "priority":
            return f"follows from urgency {found.urgency} and complexity {found.complexity}"
        case "ladder":
            return f"the ladder of priority {found.priority}"
        case "level":
            return "the lowest level: no rule names one"
        case "category" | "urgency" | "complexity":
            return "no rule names it"
    return ""
