"""Recorded tickets as several policies would treat them: the input of `simulate`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from mailbot.analysis import replay
from mailbot.analysis.past_policies import PastPolicies
from mailbot.analysis.simulate import read
from mailbot.analysis.simulate.engine import Scenario
from mailbot.analysis.simulate.recorded_ticket import CustomerMail, Record, Stimulus, TicketScript, script_of
from mailbot.analysis.simulate.rerouting import as_recorded, by_rules, routes_alike
from mailbot.domain.classify import classify
from mailbot.domain.policy import Ladder, Policy
from mailbot.domain.policy_review.policy_diff import Case
from mailbot.domain.routing.routing_facts import mailbox_of, routing_facts
from mailbot.errors import ConfigError
from mailbot.reports.figures.api import Period
from mailbot.store import ladders
from mailbot.store.store import Store

CHUNK = 200  # tickets read at once


class PolicyVersions:
    """The policies of the recorded decisions, each built once."""

    def __init__(self, store: Store, past: PastPolicies) -> None:
        self._store, self._past = store, past
        self._known: dict[str, Policy | None] = {}
        self._ladders: dict[str, Ladder] | None = None

    def of(self, version: str) -> Policy | None:
        """Return the policy of a version; None when it was never in force or can't be loaded any more."""
        if version not in self._known:
            self._known[version] = self._build(version)
        return self._known[version]

    def _build(self, version: str) -> Policy | None:
        if self._ladders is None:
            self._ladders = self._store.read_now(ladders.load)
        try:
            found = self._store.read_now(self._past.of, version)
        except ConfigError:
            return None
        return replace(found, past_ladders=self._ladders) if found else None

    def require(self, version: str) -> Policy:
        found = self.of(version)
        assert found, f"policy {version} was checked before"
        return found


@dataclass(frozen=True, slots=True)
class Variant:
    """A policy that recorded tickets are run through; None: the policies in force then, as recorded.

    `by_rules`: its rules route a ticket again where they differ from those that routed it.
    """

    policy: Policy | None
    by_rules: bool = True


@dataclass(slots=True)
class Omissions:
    """What is left out. `unknown` tickets have no beginning on record, or name a policy (in `versions`) that
    can't be built.

    `unread` tickets keep their recorded routing because their mail is gone.
    """

    unknown: int = 0
    versions: set[str] = field(default_factory=set)
    unread: int = 0


def scenario_of(variant: Variant, versions: PolicyVersions) -> Scenario:
    if variant.policy is None:
        return Scenario(versions.require, punctual=False)
    return scenario_of_policy(variant.policy)


def scenario_of_policy(policy: Policy) -> Scenario:
    """Return the scenario of one policy that takes all deadlines when they are due."""

    def always(_version: str) -> Policy:
        return policy

    return Scenario(always, only=policy)


def recorded(
    store: Store, period: Period, variants: Sequence[Variant], versions: PolicyVersions, left: Omissions
) -> tuple[int, Iterator[list[TicketScript]]]:
    """Return the number of tickets in the period, and each ticket as every variant routes it, oldest first.

    Tickets are read in chunks. What is left out is counted in `left`.
    """
    numbers = store.read_now(read.numbers, period.since, period.until)
    return len(numbers), _stream(store, numbers, period, variants, versions, left)


def _stream(
    store: Store,
    numbers: Sequence[str],
    period: Period,
    variants: Sequence[Variant],
    versions: PolicyVersions,
    left: Omissions,
) -> Iterator[list[TicketScript]]:
    comparison = _RoutingComparison(versions)
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK]
        records = store.read_now(read.records, chunk, period.until)
        found = [script for number in chunk if (script := _script(number, records, left))]
        if any(variant.policy is None for variant in variants):
            found = [script for script in found if _all_policies_known(script, versions, left)]
        cases = _cases(store, found, variants, comparison)
        for script in found:
            yield [_for_variant(variant, script, cases, comparison, left) for variant in variants]


def _script(number: str, records: dict[str, Record], left: Omissions) -> TicketScript | None:
    script = script_of(number, records.get(number, ()))
    left.unknown += script is None and number in records
    return script


def _all_policies_known(script: TicketScript, versions: PolicyVersions, left: Omissions) -> bool:
    """Check that the policies of all decisions about a ticket can be built."""
    missing = {
        each
        for each in dict.fromkeys((script.version, *(stimulus.version for stimulus in script.stimuli)))
        if versions.of(each) is None
    }
    left.unknown += bool(missing)
    left.versions |= missing
    return not missing


class _RoutingComparison:
    """Remembers which policies route the same."""

    def __init__(self, versions: PolicyVersions) -> None:
        self._versions = versions
        self._known: dict[tuple[str, int], bool] = {}

    def old(self, version: str) -> Policy | None:
        return self._versions.of(version)

    def routes_again(self, variant: Variant, script: TicketScript) -> bool:
        """Decide whether the rules of a variant must route the mail again. No rules routed tickets that
        were split off."""
        if variant.policy is None or not variant.by_rules or script.opened.split_from:
            return False
        key = script.version, id(variant.policy)
        if key not in self._known:
            old = self._versions.of(script.version)
            self._known[key] = old is not None and routes_alike(old, variant.policy)
        return not self._known[key]


def _cases(
    store: Store, found: Sequence[TicketScript], variants: Sequence[Variant], comparison: _RoutingComparison
) -> dict[str, Case]:
    numbers = [
        script.number
        for script in found
        if any(comparison.routes_again(variant, script) for variant in variants)
    ]
    asking = [variant.policy for variant in variants if variant.policy and variant.by_rules]
    return {case.name: case for case in replay.stored_cases(store, numbers, asking)} if numbers else {}


def _for_variant(
    variant: Variant,
    script: TicketScript,
    cases: dict[str, Case],
    comparison: _RoutingComparison,
    left: Omissions,
) -> TicketScript:
    new = variant.policy
    if new is None:
        return script
    case = cases.get(script.number) if comparison.routes_again(variant, script) else None
    if case is None:
        left.unread += comparison.routes_again(variant, script)
        routed = as_recorded(script.routed, comparison.old(script.version), new)
    else:
        box = mailbox_of(case.envelope, new).address
        facts = routing_facts(case.mail, case.envelope.sender, box, new, case.at, case.customer_history)
        routed = by_rules(classify(new, facts), script.routed, new, case.customer_history)
    reopened: Callable[[Stimulus], Stimulus] = partial(_reopened, comparison=comparison, new=new)
    return replace(
        script, routed=routed, stimuli=tuple(map(reopened, script.stimuli)), holders=(), recorded=()
    )


def _reopened(stimulus: Stimulus, *, comparison: _RoutingComparison, new: Policy) -> Stimulus:
    """Return a mail that reopened a ticket with the recorded routing and the ladders of this policy."""
    if not isinstance(stimulus, CustomerMail) or stimulus.routed is None:
        return stimulus
    return replace(stimulus, routed=as_recorded(stimulus.routed, comparison.old(stimulus.version), new))
