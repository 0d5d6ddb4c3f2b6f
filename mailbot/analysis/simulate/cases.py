"""Recorded tickets as each of several policies would have them: the work behind `simulate`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from mailbot.analysis import replay
from mailbot.analysis.past_policies import Past
from mailbot.analysis.simulate import read
from mailbot.analysis.simulate.engine import World
from mailbot.analysis.simulate.recorded_ticket import Life, Stimulus, Told, Wrote, life_of
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


class Versions:
    """The policies that the recorded decisions were made by; each is built once."""

    def __init__(self, store: Store, past: Past) -> None:
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

    def sure(self, version: str) -> Policy:
        found = self.of(version)
        assert found, f"policy {version} was looked for before"
        return found


@dataclass(frozen=True, slots=True)
class Side:
    """A policy that recorded tickets are taken through; None: those that were in force, as recorded.
    `by_rules`: its rules are asked again where they differ from those that routed the ticket."""

    policy: Policy | None
    by_rules: bool = True


@dataclass(slots=True)
class Left:
    """What could not be had. Tickets `unknown`: their record has no beginning, or names a policy that can't
    be built again (one of `versions`). Tickets `unread` kept their recorded routing: their mail is gone."""

    unknown: int = 0
    versions: set[str] = field(default_factory=set)
    unread: int = 0


def world(side: Side, versions: Versions) -> World:
    if side.policy is None:
        return World(versions.sure, punctual=False)
    return punctual(side.policy)


def punctual(policy: Policy) -> World:
    """One policy, which takes everything when it is due."""

    def always(_version: str) -> Policy:
        return policy

    return World(always, only=policy)


def recorded(
    store: Store, period: Period, sides: Sequence[Side], versions: Versions, left: Left
) -> tuple[int, Iterator[list[Life]]]:
    """How many tickets lived in the period, and each of them as every side has it, in the order in which they
    came. Read in chunks; what is left out is counted in `left`."""
    numbers = store.read_now(read.numbers, period.since, period.until)
    return len(numbers), _stream(store, numbers, period, sides, versions, left)


def _stream(
    store: Store,
    numbers: Sequence[str],
    period: Period,
    sides: Sequence[Side],
    versions: Versions,
    left: Left,
) -> Iterator[list[Life]]:
    alike = _Alike(versions)
    for start in range(0, len(numbers), CHUNK):
        chunk = numbers[start : start + CHUNK]
        told = store.read_now(read.told, chunk, period.until)
        found = [life for number in chunk if (life := _life(number, told, left))]
        if any(side.policy is None for side in sides):
            found = [life for life in found if _can_be_told_again(life, versions, left)]
        cases = _cases(store, found, sides, alike)
        for life in found:
            yield [_of_side(side, life, cases, alike, left) for side in sides]


def _life(number: str, told: dict[str, Told], left: Left) -> Life | None:
    life = life_of(number, told.get(number, ()))
    left.unknown += life is None and number in told
    return life


def _can_be_told_again(life: Life, versions: Versions, left: Left) -> bool:
    """By the policies of its time: are all of them known?"""
    missing = {
        each
        for each in dict.fromkeys((life.version, *(stimulus.version for stimulus in life.stimuli)))
        if versions.of(each) is None
    }
    left.unknown += bool(missing)
    left.versions |= missing
    return not missing


class _Alike:
    """Which policies route alike, found out once each."""

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._known: dict[tuple[str, int], bool] = {}

    def old(self, version: str) -> Policy | None:
        return self._versions.of(version)

    def asks(self, side: Side, life: Life) -> bool:
        """Are the rules of that side to be asked about the mail? Of what was split off nobody asked any."""
        if side.policy is None or not side.by_rules or life.opened.split_from:
            return False
        key = life.version, id(side.policy)
        if key not in self._known:
            old = self._versions.of(life.version)
            self._known[key] = old is not None and routes_alike(old, side.policy)
        return not self._known[key]


def _cases(store: Store, found: Sequence[Life], sides: Sequence[Side], alike: _Alike) -> dict[str, Case]:
    numbers = [life.number for life in found if any(alike.asks(side, life) for side in sides)]
    asking = [side.policy for side in sides if side.policy and side.by_rules]
    return {case.name: case for case in replay.stored(store, numbers, asking)} if numbers else {}


def _of_side(side: Side, life: Life, cases: dict[str, Case], alike: _Alike, left: Left) -> Life:
    new = side.policy
    if new is None:
        return life
    case = cases.get(life.number) if alike.asks(side, life) else None
    if case is None:
        left.unread += alike.asks(side, life)
        routed = as_recorded(life.routed, alike.old(life.version), new)
    else:
        box = mailbox_of(case.envelope, new).address
        facts = routing_facts(case.mail, case.envelope.sender, box, new, case.at, case.customer_history)
        routed = by_rules(classify(new, facts), life.routed, new, case.customer_history)
    reopened: Callable[[Stimulus], Stimulus] = partial(_reopened, alike=alike, new=new)
    return replace(life, routed=routed, stimuli=tuple(map(reopened, life.stimuli)), holders=(), recorded=())


def _reopened(stimulus: Stimulus, *, alike: _Alike, new: Policy) -> Stimulus:
    """A ticket that was routed anew when its customer opened it again: as recorded, with this policy's
    ladders."""
    if not isinstance(stimulus, Wrote) or stimulus.routed is None:
        return stimulus
    return replace(stimulus, routed=as_recorded(stimulus.routed, alike.old(stimulus.version), new))
