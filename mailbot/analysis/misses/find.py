"""Find what the rules got wrong and group it by what was wanted and by shared words.

Theory of operation. A group is what one proposal catches: the search takes the term (a word or a pair) that brings
most misses to what people wanted and moves fewest other tickets, makes a group of it, and goes on with the rest.
What a proposal does is never estimated: each mail that holds the term is routed again with the proposal in place. It
can't touch the others.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailbot.analysis.corrections import Outcome, SettledTicket, read_outcomes, with_mails
from mailbot.analysis.misses.miss import Miss, Wanted, find_miss, wishes_of
from mailbot.analysis.misses.proposals import Proposal, propose
from mailbot.domain.policy import Policy
from mailbot.domain.policy_review.policy_diff import Placement, place_mail
from mailbot.domain.policy_review.settled import NAMES
from mailbot.domain.routing.prefilter import word_scan
from mailbot.domain.routing.text import Text
from mailbot.store.store import Store

FEWEST = 2  # misses that share a term: of one mail nothing can be learned
COMMON = 500  # uncorrected tickets with a term from which on it tells nothing; more are not kept in memory
_TRIED = 12  # terms that are replayed for each group
_WEIGHT = 2  # misses that one moved ticket outweighs

Breaks = Callable[[Policy], Iterable[str]]
Progress = Callable[[Iterator[SettledTicket], int, str], Iterable[SettledTicket]]


@dataclass(frozen=True, slots=True)
class Judged:
    """A proposal, replayed. `moves`: others that would go where people did not want them."""

    proposal: Proposal
    catches: tuple[Miss, ...]
    moves: tuple[SettledTicket, ...]

    @property
    def gain(self) -> int:
        return len(self.catches) - _WEIGHT * len(self.moves)

    @property
    def is_good(self) -> bool:
        return len(self.catches) >= FEWEST and self.gain >= 0


@dataclass(frozen=True, slots=True)
class Group:
    """Misses with one wish that share a term ("" for what is left over).

    `best` is a good proposal, or the best of those that are not good, None where no two share a term. `breaks`:
    tests beside the rules that it would fail.
    """

    wanted: Wanted
    term: str
    misses: tuple[Miss, ...]
    best: Judged | None = None
    breaks: tuple[str, ...] = ()

    @property
    def good(self) -> Judged | None:
        return self.best if self.best and self.best.is_good else None


@dataclass(slots=True)
class Misses:
    """The result. `tickets`: that rules routed. `settled`: of them the closed or corrected ones.

    `mended`: corrected tickets that the rules of today place as people wanted. `outdated`: those corrected to what
    the policy does not have any more.
    """

    tickets: int = 0
    settled: int = 0
    corrected: int = 0
    mended: int = 0
    outdated: int = 0
    groups: list[Group] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return sum(len(group.misses) for group in self.groups)


@dataclass(frozen=True, slots=True)
class _Other:
    """A ticket with a term that might be proposed, as the rules in force place it."""

    ticket: SettledTicket
    terms: frozenset[str]
    today: Placement


def find_misses(
    store: Store, since: datetime, policy: Policy, progress: Progress, breaks: Breaks = lambda _policy: ()
) -> Misses:
    """Find them among the tickets opened since then, and what might mend them.

    `breaks`: names the tests beside the rules that a policy would fail.
    """
    outcomes = read_outcomes(store, since)
    corrected = {number: each for number, each in outcomes.items() if each.is_corrected}
    settled = sum(each.is_closed or each.is_corrected for each in outcomes.values())
    result = Misses(len(outcomes), settled, len(corrected))
    by_wish: dict[Wanted, list[Miss]] = {}
    for ticket in progress(with_mails(store, corrected, [policy]), len(corrected), "Reading corrections"):
        if not (wishes := wishes_of(ticket, policy)):
            result.outdated += 1
        elif miss := find_miss(ticket, wishes, policy):
            by_wish.setdefault(miss.wanted, []).append(miss)
        else:
            result.mended += 1
    terms = frozenset().union(*(_shared(each) for each in by_wish.values()))
    others = list(_others(store, outcomes if terms else {}, policy, terms, progress))
    for wanted, each in sorted(by_wish.items(), key=lambda item: (-len(item[1]), item[0])):
        groups = _grouped(policy, wanted, each, others)
        result.groups += [_with_broken_tests(group, policy, breaks) for group in groups]
    result.groups.sort(key=lambda group: (group.good is None, -len(group.misses)))
    return result


def _with_broken_tests(group: Group, policy: Policy, breaks: Breaks) -> Group:
    good = group.good
    return replace(group, breaks=tuple(breaks(good.proposal.apply(policy)))) if good else group


def _shared(misses: Sequence[Miss]) -> dict[str, int]:
    """Return the terms that at least two have, with how many do."""
    counts = Counter(term for miss in misses for term in miss.terms)
    return {term: count for term, count in counts.items() if count >= FEWEST}


def _others(
    store: Store, outcomes: dict[str, Outcome], policy: Policy, terms: frozenset[str], progress: Progress
) -> Iterator[_Other]:
    """Read the tickets whose mail has a term, also inside a word: `contains` finds it there."""
    scan, counts = word_scan(terms), Counter[str]()
    for ticket in progress(with_mails(store, outcomes, [policy]), len(outcomes), "Routing again"):
        mail = ticket.case.mail
        found = scan((Text(mail.subject), Text(mail.visible or mail.text)))
        here = terms if found is None else found
        if not ticket.corrected:
            counts.update(here)
        if here and (ticket.corrected or any(counts[term] <= COMMON for term in here)):
            yield _Other(ticket, here, place_mail(policy, ticket.case))


def _grouped(
    policy: Policy, wanted: Wanted, misses: Sequence[Miss], others: Sequence[_Other]
) -> Iterator[Group]:
    rest, best = list(misses), None
    numbers = {miss.ticket.number for miss in misses}
    others = [each for each in others if each.ticket.number not in numbers]
    while (best := _best(policy, wanted, rest, others)) and best.is_good:
        term = best.proposal.term
        yield Group(wanted, term, tuple(miss for miss in rest if term in miss.terms), best)
        rest = [miss for miss in rest if term not in miss.terms]
    if rest:
        yield Group(wanted, "", tuple(rest), best)


def _best(policy: Policy, wanted: Wanted, misses: Sequence[Miss], others: Sequence[_Other]) -> Judged | None:
    shared = _shared(misses)
    elsewhere = Counter(term for other in others for term in other.terms)
    telling = [term for term in shared if elsewhere[term] < COMMON]
    # Which terms to replay is an estimate: often here, rarely elsewhere, rather a pair than a word.
    likely = sorted(
        telling, key=lambda term: (elsewhere[term] - shared[term], " " not in term, -len(term), term)
    )
    judged = [each for term in likely[:_TRIED] for each in _judge_all(policy, wanted, term, misses, others)]
    return max(judged, key=_worth, default=None)


def _worth(judged: Judged) -> tuple[object, ...]:
    proposal = judged.proposal
    return (
        len(judged.catches) >= FEWEST,
        judged.gain,
        len(judged.catches),
        " " in proposal.term,
        proposal.words is not None,
        len(proposal.term),
        proposal.term,
    )


def _judge_all(
    policy: Policy, wanted: Wanted, term: str, misses: Sequence[Miss], others: Sequence[_Other]
) -> Iterator[Judged]:
    having = [miss for miss in misses if term in miss.terms]
    near = [other for other in others if term in other.terms]
    for proposal in propose(policy, wanted, term, having):
        changed = proposal.apply(policy)
        catches = tuple(miss for miss in having if miss.is_mended_by(place_mail(changed, miss.ticket.case)))
        moves = tuple(
            other.ticket for other in near if _is_moved(other, place_mail(changed, other.ticket.case))
        )
        yield Judged(proposal, catches, moves)


def _is_moved(other: _Other, after: Placement) -> bool:
    """Check whether it goes elsewhere than today, and not where people wanted it."""
    return any(
        other.today.values[name] != after.values[name] != getattr(other.ticket.settled, name)
        for name in NAMES
    )
