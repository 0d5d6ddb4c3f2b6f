"""Learn from tickets which words speak for a category: the model that conditions with `learned` ask.

Theory of operation. Each category with enough tickets gets a linear model of its own, this category against all
others. How sure a score is comes from cross-validation: five times a model learns from four fifths of the tickets,
and is asked about the rest. Parts are cut along time, so that the similar mails of one storm stay together. The same
tickets give the same bytes: nothing is drawn by lot.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from math import ceil, sqrt
from typing import TYPE_CHECKING, Any

from mailbot.analysis.corrections import SettledTicket
from mailbot.domain.model import Author
from mailbot.domain.policy import Policy
from mailbot.domain.routing.conditions import is_learned, judged_texts, match_rules
from mailbot.domain.routing.learned import (
    MIN_OF_ALL,
    MIN_OF_CATEGORY,
    Learned,
    Model,
    Reached,
    encode,
    pieces_of,
    units_of,
)
from mailbot.domain.routing.routing_facts import mailbox_of, routing_facts
from mailbot.errors import install_hint

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

PIECES = 1_500  # of a category: those that tell most
MOST_CATEGORIES = 24
MOST_BYTES = 1_000_000  # of the file: the policy reads no larger one
RARE = 5  # a piece in fewer tickets is not learned: it may be somebody's name
PARTS = 5
STEPS = 40  # scores that are tried as a threshold
CONFIDENCE = 1.6449  # of a lower bound, one-sided 95%
NEEDS = f"learning needs the package scikit-learn: {install_hint('learn')}"


def is_possible() -> bool:
    """Check for the package that learns."""
    return find_spec("sklearn") is not None


class NotEnough(Exception):
    """There is too little to learn from; the text says how much there is and is needed."""


@dataclass(frozen=True, slots=True)
class Example:
    """The opening mail of a ticket, and the category that people settled on.

    `is_left`: only the last rule takes it, or one that is learned.
    """

    subject: str
    text: str
    category: str
    is_left: bool = True


def teaches(ticket: SettledTicket) -> bool:
    """Check whether people have settled what a person's mail was about: corrected, or closed as it was."""
    return (ticket.is_closed or "category" in ticket.corrected) and ticket.case.mail.author is Author.PERSON


def without_guesses(policy: Policy) -> Policy:
    """Return the policy without the rules that ask what was learned."""
    return replace(policy, rules=tuple(each for each in policy.rules if not is_learned(each.when)))


def example_of(ticket: SettledTicket, policy: Policy) -> Example:
    """Return what a condition with `learned` would see of the mail, and the category in the end.

    `policy`: without guesses.
    """
    case = ticket.case
    mailbox = mailbox_of(case.envelope, policy).address
    facts = routing_facts(case.mail, case.envelope.sender, mailbox, policy, case.at, case.customer_history)
    subject, text = (each.raw for each in judged_texts(facts))
    taken_by = policy.rules[match_rules(policy.rules, facts, policy.prefilter)[-1].rule_index]
    return Example(subject, text, ticket.settled.category, is_left=taken_by.when is None)


def learn(examples: Iterable[Example]) -> Model:
    """Learn from tickets, oldest first. The same words of several tickets count once, as the newest one.

    Raises NotEnough. Needs the extra `learn`.
    """
    latest = {(each.subject, each.text): each for each in examples}
    kept = list(latest.values())
    counts = _counts(kept)
    examples_of = dict(sorted(counts.items()))
    if len(kept) < MIN_OF_ALL:
        raise NotEnough(f"{len(kept)} tickets, and at least {MIN_OF_ALL} are needed")
    most = len(kept) - PARTS  # others must be in each part
    chosen = [name for name, count in counts.most_common() if MIN_OF_CATEGORY <= count <= most]
    if not chosen:
        name, count = counts.most_common(1)[0]
        needed = f"at least {MIN_OF_CATEGORY} of a category and {PARTS} others are needed"
        raise NotEnough(f"{count} tickets of {name}, and {needed}")
    table = _Table(kept)
    learned = {name: table.learn(name) for name in chosen[:MOST_CATEGORIES]}
    while len(encode(model := Model(learned, examples_of, len(kept))).encode()) > MOST_BYTES:
        learned.popitem()  # the rarest
    return model


def _counts(examples: Sequence[Example]) -> Counter[str]:
    """Count the tickets of each category and of those above it."""
    return Counter(name for each in examples for name in _and_above(each.category))


def _and_above(category: str) -> list[str]:
    parts = category.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]


class _Table:
    """The pieces of all examples as numbers: one row for each."""

    def __init__(self, examples: Sequence[Example]) -> None:
        from scipy.sparse import diags_array
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

        counter, rarity = CountVectorizer(analyzer=_pieces, min_df=RARE), TfidfTransformer(norm=None)
        counted = rarity.fit_transform(counter.fit_transform(examples))
        lengths = diags_array([1 / sqrt(sum(1 for _ in _pieces(each)) or 1) for each in examples])
        self.values: csr_matrix = (lengths @ counted).tocsr()
        self.pieces, self.rarity = counter.get_feature_names_out(), rarity.idf_
        self.left = [each.is_left for each in examples]
        self.learned: dict[bytes, Learned] = {}
        self.categories = [_and_above(each.category) for each in examples]

    def learn(self, category: str) -> Learned:
        """Learn a category. One that is all of the category above it is learned once."""
        import numpy as np

        is_of = np.array([category in names for names in self.categories])
        key = is_of.tobytes()
        if key not in self.learned:
            self.learned[key] = self._learn(is_of)
        return self.learned[key]

    def _learn(self, is_of: "NDArray[Any]") -> Learned:
        import numpy as np
        from sklearn.model_selection import StratifiedKFold

        scores = np.zeros(len(is_of))
        for known, asked in StratifiedKFold(PARTS).split(self.values, is_of):
            columns, fitted = self._fit(known, is_of[known])
            scores[asked] = fitted.decision_function(self.values[asked][:, columns])
        columns, fitted = self._fit(np.arange(len(is_of)), is_of)
        weights = np.round(fitted.coef_[0] * self.rarity[columns], 3)
        pairs = zip(self.pieces[columns], weights, strict=True)
        found = {str(piece): float(weight) for piece, weight in pairs if weight}
        reached = tuple(_reached(scores, is_of, np.array(self.left)))
        return Learned(round(float(fitted.intercept_[0]), 3), found, reached)

    def _fit(self, rows: "NDArray[Any]", is_of: "NDArray[Any]") -> tuple["NDArray[Any]", Any]:
        """Choose the pieces that tell most in these rows, and fit a linear model to them."""
        from sklearn.feature_selection import SelectKBest, chi2
        from sklearn.linear_model import LogisticRegression

        here = self.values[rows]
        chosen = SelectKBest(chi2, k=min(PIECES, here.shape[1])).fit(here, is_of).get_support(indices=True)
        return chosen, LogisticRegression(C=1, solver="liblinear").fit(here[:, chosen], is_of)


def _pieces(example: Example) -> Iterator[str]:
    return (piece for unit in units_of(example.subject, example.text) for piece in pieces_of(unit))


def _reached(scores: "NDArray[Any]", is_of: "NDArray[Any]", is_left: "NDArray[Any]") -> Iterator[Reached]:
    """Return what thresholds reach, the surest first; of two that catch as much only the surer."""
    inside = sorted(scores[is_of], reverse=True)
    best = 0.0
    for step in range(STEPS, 0, -1):
        caught = ceil(len(inside) * step / STEPS)
        score = float(inside[caught - 1])
        precision = lower_bound(caught, int((scores >= score).sum()))
        if precision > best:
            best = precision
            share = round(caught / len(inside), 3)
            left = (scores >= score) & is_left
            counts = int(left.sum()), int((left & is_of).sum())
            yield Reached(round(precision - 0.00005, 4), round(score - 0.0005, 3), share, *counts)


def lower_bound(hits: int, tries: int) -> float:
    """Return the share that lies below the true one with 95% confidence (Wilson's score interval)."""
    share, square = hits / tries, CONFIDENCE**2
    middle = share + square / (2 * tries)
    spread = CONFIDENCE * sqrt(share * (1 - share) / tries + square / (4 * tries**2))
    return (middle - spread) / (1 + square / tries)
