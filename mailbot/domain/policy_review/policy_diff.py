"""Compare two policies on the same mails: what they decide differently, and by which condition."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailbot.domain.classify import Classification, classify
from mailbot.domain.events import TicketRouted
from mailbot.domain.model import CustomerHistory, Envelope, InboundMail
from mailbot.domain.notify import OUR_TAGS
from mailbot.domain.policy import Policy
from mailbot.domain.routing.routing_facts import mailbox_of, routing_facts

CHANGED, UNCAUGHT, CAUGHT = "changed", "uncaught", "caught"
KINDS = (CHANGED, UNCAUGHT, CAUGHT)
# What a policy decides about a mail, most important first; all of it is on TicketRouted.
NAMES = (
    *("rule", "team", "level", "category", "priority", "urgency", "complexity", "tags", "ladder"),
    *("assign", "skill", "template", "ask_for", "details"),
)

Value = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """A mail that opened a ticket, or would, with all that a policy needs. `name` is for people.

    `routed` is the recorded decision of the policy of version `policy`; None for a mail from elsewhere.
    """

    name: str
    at: datetime
    mail: InboundMail
    envelope: Envelope
    customer_history: CustomerHistory
    routed: TicketRouted | None = None
    policy: str = ""


@dataclass(frozen=True, slots=True)
class Placement:
    """What a policy decides about a mail: a value for each of NAMES, and why ("" for what no rule sets).

    `caught`: a rule with conditions matched, not only the last one, which matches everything.
    """

    values: Mapping[str, Value]
    because: Mapping[str, str]
    caught: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs between two policies for one mail, with the reason of each."""

    name: str
    old: Value
    new: Value
    old_because: str
    new_because: str


@dataclass(frozen=True, slots=True)
class Change:
    """A mail with differences. `kind`: "uncaught" now falls to the last rule, "caught" no longer does.

    The rules are those that won, also where both are the same.
    """

    name: str
    at: datetime
    kind: str
    old_rule: str
    new_rule: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """Mails that went from one rule to another: how many, what else changed, the first of them."""

    kind: str
    old_rule: str
    new_rule: str
    count: int
    names: tuple[str, ...]
    examples: tuple[str, ...]


def place_mail(policy: Policy, case: Case) -> Placement:
    """Decide about a mail by `policy`, with its own mailboxes and its own default calendar."""
    box = mailbox_of(case.envelope, policy).address
    facts = routing_facts(case.mail, case.envelope.sender, box, policy, case.at, case.customer_history)
    found = classify(policy, facts)
    because = {name: _because(name, policy, found) for name in NAMES}
    return Placement(_values(found), because, policy.rules[found.matches[-1].rule_index].when is not None)


def recorded_placement(routed: TicketRouted, policy: Policy | None) -> Placement:
    """Return the recorded decision. `policy` is the one that decided, None when it is no longer known."""
    last = policy.rules[-1].name if policy else ""
    return Placement(
        _values(routed), dict.fromkeys(NAMES, f"{routed.rule}: {routed.reason}"), routed.rule != last
    )


def compare_placements(case: Case, old: Placement, new: Placement) -> Change | None:
    """Compare two decisions about a mail; None when they are the same."""
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
    """Group the changes by kind and rules, the most frequent first."""
    grouped: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        grouped.setdefault((change.kind, change.old_rule, change.new_rule), []).append(change)
    found = [
        Move(*key, len(group), _names(group), tuple(change.name for change in group[:3]))
        for key, group in grouped.items()
    ]
    return sorted(found, key=lambda move: (-move.count, move.old_rule, move.new_rule))


def _names(changes: Sequence[Change]) -> tuple[str, ...]:
    changed = {difference.name for change in changes for difference in change.differences}
    return tuple(name for name in NAMES if name in changed and name != "rule")


def _values(placed: Classification | TicketRouted) -> dict[str, Value]:
    """Return what was decided, with the admins' tags alone."""
    details = tuple(f"{name} {value}" for name, value in placed.details)
    tags = tuple(tag for tag in placed.tags if tag not in OUR_TAGS)
    return {name: getattr(placed, name) for name in NAMES} | {"details": details, "tags": tags}


# --- reasons ----------------------------------------------------------------------------------------------


def _because(name: str, policy: Policy, found: Classification) -> str:
    """Return the first rule that sets a thing, with the condition that held; see `classify.merge_actions`."""
    matched = [(policy.rules[match.rule_index], match.because) for match in found.matches]
    if name == "rule":
        return f"{found.rule}: {found.reason}"
    # No action sets details: they are found.
    deciders = [f"{rule.name}: {because}" for rule, because in matched if getattr(rule.then, name, None)]
    if name in ("tags", "ask_for"):
        return "; ".join(deciders)
    return deciders[0] if deciders else _derived(name, found)


def _derived(name: str, found: Classification) -> str:
    texts = {
        **dict.fromkeys(("category", "urgency", "complexity"), "no rule sets it"),
        "priority": f"follows from urgency {found.urgency} and complexity {found.complexity}",
        "ladder": f"the ladder of priority {found.priority}",
        "level": "the lowest level: no rule sets one",
    }
    return texts.get(name, "")
