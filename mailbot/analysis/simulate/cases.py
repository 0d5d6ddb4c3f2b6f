"""Recorded tickets as each of several policies would have them: the work behind `simulate`."""

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
from mailbot.domain.decisions import mailbox_of, routing_facts
from mailbot.domain.policy import Ladder, Policy
from mailbot.domain.policy_diff import Case
from mailbot.errors import ConfigError
from mailbot.reports.figures.api import Period
from mailbot.store import ladders
from mailbot.store.store import Store

CHUNK = 200  # tickets read at once


class PolicyVersions:
    """The policies that the recorded decisions were made by; each is built once."""

    def __init__(self, store: Store, past: PastPolicies) -> None:
        self._store, self._past = store, past
        self._known: dict[str, Policy | None] = {}
        self._ladders: dict[str, Ladder] | None = None

    def of(self, version: str) -> Policy | None:
        """None when no daemon ever went by it, or when this mailbot would not take it."""
        if version not in self._known:
            self._known[version] = self._built(version)
        return self._known[version]

    def _built(self, version: str) -> Policy | None:
        if self._ladders is None:
            self._ladders = self._store.read_now(ladders.load)
        try:
            found = self._store.read_now(self._past.of, version)
        except ConfigError:
            return None
        return replace(found, past_ladders=self._ladders) if found else None

    def require(self, version: str) -> Policy:
        found = self.of(version)
        assert found, f"policy {version} was looked for before"
        return found


@dataclass(frozen=True, slots=True)
class Variant:
    """A policy that recorded tickets are taken through; None: those that were in force, as recorded.
    `by_rules`: its rules are asked again where they differ from those that routed the ticket."""

    policy: Policy | None
    by_rules: bool = True


@dataclass(slots=True)
class Omissions:
    """What could not be had. Tickets `unknown`: their record has no beginning, or names a policy that can't
    be built again (one of `versions`). Tickets `unread` kept their recorded routing: their mail is gone."""

    unknown: int = 0
    versions: set[str] = field(default_factory=set)
    unread: int = 0


def scenario_of(variant: Variant, versions: PolicyVersions) -> Scenario:
    if variant.policy is None:
        return Scenario(versions.require, punctual=False)
    return scenario_of_policy(variant.policy)


def scenario_of_policy(policy: Policy) -> Scenario:
    """One policy, which takes everything when it is due."""

    def always(_version: str) -> Policy:
        return policy

    return Scenario(always, only=policy)


def recorded(
    store: Store, period: Period, variants: Sequence[Variant], versions: PolicyVersions, left: Omissions
) -> tuple[int, Iterator[list[TicketScript]]]:
    """How many tickets lived in the period, and each of them as every side has it, in the order in which they
    came. Read in chunks; what is left out is counted in `left`."""
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
    alike = _Alike(versions)
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK]
        records = store.read_now(read.records, chunk, period.until)
        found = [script for number in chunk if (script := _script(number, records, left))]
        if any(variant.policy is None for variant in variants):
            found = [script for script in found if _can_be_replayed(script, versions, left)]
        cases = _cases(store, found, variants, alike)
        for script in found:
            yield [_of_side(variant, script, cases, alike, left) for variant in variants]


def _script(number: str, records: dict[str, Record], left: Omissions) -> TicketScript | None:
    script = script_of(number, records.get(number, ()))
    left.unknown += script is None and number in records
    return script


def _can_be_replayed(script: TicketScript, versions: PolicyVersions, left: Omissions) -> bool:
    """By the policies of its time: are all of them known?"""
    missing = {
        each
        for each in dict.fromkeys((script.version, *(stimulus.version for stimulus in script.stimuli)))
        if versions.of(each) is None
    }
    left.unknown += bool(missing)
    left.versions |= missing
    return not missing


class _Alike:
    """Which policies route alike, found out once each."""

    def __init__(self, versions: PolicyVersions) -> None:
        self._versions = versions
        self._known: dict[tuple[str, int], bool] = {}

    def old(self, version: str) -> Policy | None:
        return self._versions.of(version)

    def asks(self, variant: Variant, script: TicketScript) -> bool:
        """Are the rules of that side to be asked about the mail? Of what was split off nobody asked any."""
        if variant.policy is None or not variant.by_rules or script.opened.split_from:
            return False
        key = script.version, id(variant.policy)
        if key not in self._known:
            old = self._versions.of(script.version)
            self._known[key] = old is not None and routes_alike(old, variant.policy)
        return not self._known[key]


def _cases(
    store: Store, found: Sequence[TicketScript], variants: Sequence[Variant], alike: _Alike
) -> dict[str, Case]:
    numbers = [script.number for script in found if any(alike.asks(variant, script) for variant in variants)]
    asking = [variant.policy for variant in variants if variant.policy and variant.by_rules]
    return {case.name: case for case in replay.stored(store, numbers, asking)} if numbers else {}


def _of_side(
    variant: Variant, script: TicketScript, cases: dict[str, Case], alike: _Alike, left: Omissions
) -> TicketScript:
    new = variant.policy
    if new is None:
        return script
    case = cases.get(script.number) if alike.asks(variant, script) else None
    if case is None:
        left.unread += alike.asks(variant, script)
        routed = as_recorded(script.routed, alike.old(script.version), new)
    else:
        box = mailbox_of(case.envelope, new).address
        facts = routing_facts(case.mail, case.envelope.sender, box, new, case.at, case.customer_history)
        routed = by_rules(classify(new, facts), script.routed, new, case.customer_history)
    reopened: Callable[[Stimulus], Stimulus] = partial(_reopened, alike=alike, new=new)
    return replace(
        script, routed=routed, stimuli=tuple(map(reopened, script.stimuli)), holders=(), recorded=()
    )


def _reopened(stimulus: Stimulus, *, alike: _Alike, new: Policy) -> Stimulus:
    """A ticket that was routed anew when its customer opened it again: as recorded, with this policy's
    ladders."""
    if not isinstance(stimulus, CustomerMail) or stimulus.routed is None:
        return stimulus
    return replace(stimulus, routed=as_recorded(stimulus.routed, alike.old(stimulus.version), new))
