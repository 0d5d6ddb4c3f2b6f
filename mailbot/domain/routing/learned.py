"""Judge by learned weights of words whether a mail is of a category. `analysis/learn` makes the model.

Theory of operation. A text becomes its distinct words and pairs of neighbours. A word is known by its pieces of
three to five letters, so that misspelt and inflected words count too. A pair is known as a whole. Each piece has a
weight. The score of a mail is the sum of all of them, divided by the root of their number, so that a long mail scores
like a short one. Training reads texts by `pieces_of` too: a mail scores here as it did there.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import chain, pairwise
from math import floor, isfinite, sqrt
from typing import Any

from mailbot.domain.routing.text import Text, fold_accents

FORMAT = 1
MIN_OF_CATEGORY, MIN_OF_ALL = 50, 200  # tickets
LENGTHS = range(3, 6)  # letters of a piece
_LONGEST, _LONGEST_WORD = 4_000, 30  # characters that are read, of a mail and of a word
_SPANS, _WORDS_OF_SPAN = 3, 3  # of the reason
_SAMPLES = 30
_SHARE_OF_HEAVIEST, _NO_WEIGHT = 0.3, 0.001  # lighter words are not named
_WORD = re.compile(r"[^\W\d_]+|\d+")
_PRECISION = re.compile(r"(?:0?[.,](\d{1,4})|(\d{2})(?:[.,](\d{1,2}))? ?%) precision")


@dataclass(frozen=True, slots=True)
class Reached:
    """From `score` on, at least `precision` of the mails are of the category (lower bound, of 95% confidence).

    `caught`: which share of the category's mails scores so high. `taken`: how many mails do that no rule with words
    of its own took; `right` of these are of the category.
    """

    precision: float
    score: float
    caught: float
    taken: int = 0
    right: int = 0


@dataclass(frozen=True, slots=True)
class Learned:
    """The weights of one category, and what it reached with mails that it had not learned from."""

    start: float
    weights: Mapping[str, float]
    reached: tuple[Reached, ...]

    @property
    def best(self) -> float:
        return max((each.precision for each in self.reached), default=0.0)

    def threshold(self, precision: float) -> Reached | None:
        """Return the score that catches most with that precision; None where none reaches it."""
        good = (each for each in self.reached if each.precision >= precision)
        return max(good, key=lambda each: each.caught, default=None)

    def score(self, subject: str, text: str) -> float:
        words = units_of(subject, text)
        pieces = sum(map(len, map(pieces_of, words)))
        return self.start + sum(map(self.weight, words)) / sqrt(pieces or 1)

    def weight(self, unit: str) -> float:
        return sum(self.weights.get(piece, 0.0) for piece in pieces_of(unit))

    def spans(self, subject: str, text: str) -> tuple[str, ...]:
        """Return the words and phrases that weighed most for the category, the weightiest first."""
        weighed = [[*self._weighed(_words(part)), ("", 0.0)] for part in (subject, text)]
        heaviest = max(weight for part in weighed for _, weight in part)
        least = max(heaviest * _SHARE_OF_HEAVIEST, _NO_WEIGHT)
        found: dict[str, float] = {}
        phrase: list[tuple[str, float]] = []
        for word, weight in chain.from_iterable(weighed):
            if phrase and (weight < least or len(phrase) == _WORDS_OF_SPAN):
                found[" ".join(each for each, _ in phrase)] = sum(each for _, each in phrase)
                phrase = []
            if weight >= least and word:
                phrase.append((word, weight))
        return tuple(sorted(found, key=lambda span: -found[span])[:_SPANS])

    def _weighed(self, words: Sequence[str]) -> Iterator[tuple[str, float]]:
        """Weigh each word; a pair weighs for both its words."""
        pairs = [0.0, *(self.weight(_pair(*each)) / 2 for each in pairwise(words)), 0.0]
        for at, word in enumerate(words):
            yield word, self.weight(_plain(word)) + pairs[at] + pairs[at + 1]


@dataclass(frozen=True, slots=True)
class Model:
    """What was learned of each category that had enough tickets. `examples`: how many each category had."""

    categories: Mapping[str, Learned] = field(default_factory=dict)
    examples: Mapping[str, int] = field(default_factory=dict)
    tickets: int = 0

    def samples(self, category: str) -> tuple[str, ...]:
        """Make texts that are as much of a category as any, of its weightiest pairs of words."""
        weights = self.categories[category].weights if category in self.categories else {}
        pairs = sorted((each for each in weights if " " in each.strip()), key=lambda each: -weights[each])
        best = pairs[:_SAMPLES]
        return (*(". ".join(best[at : at + 3]) + "." for at in range(len(best))), *best)


NOTHING_LEARNED = Model()


# --- texts ------------------------------------------------------------------------------------------------


@lru_cache(maxsize=8)  # a mail that several rules ask
def units_of(subject: str, text: str) -> frozenset[str]:
    """Return the distinct words of a mail and its pairs of neighbours; each number is "0"."""
    found: set[str] = set()
    for part in (subject, text):
        words = [_plain(word) for word in _words(part)]
        found.update(words)
        found.update(_pair(*each) for each in pairwise(words))
    return frozenset(found)


@lru_cache(maxsize=20_000)
def pieces_of(unit: str) -> tuple[str, ...]:
    """Return a word's pieces, with its edges as spaces; a pair is one piece."""
    if " " in unit:
        return (unit,)
    edged = f" {unit} "
    return tuple(
        edged[start : start + length] for length in LENGTHS for start in range(len(edged) - length + 1)
    )


def _words(text: str) -> list[str]:
    return [word[:_LONGEST_WORD] for word in _WORD.findall(fold_accents(text[:_LONGEST]))]


def _plain(word: str) -> str:
    return "0" if word[:1].isdigit() else word


def _pair(first: str, second: str) -> str:
    return f"{_plain(first)} {_plain(second)}"


# --- the condition ----------------------------------------------------------------------------------------


def read_condition(value: object) -> tuple[str, str]:
    """Read [category, "0.95 precision"] as the operator takes it. ValueError."""
    category, at_least = value if isinstance(value, tuple) else (value, None)
    if not isinstance(category, str) or not category:
        raise ValueError("`is` takes one category")
    if not isinstance(at_least, str):
        raise ValueError("say how sure it must be: at_least: 0.95 precision")
    read_precision(at_least)
    return category, at_least


def read_precision(written: str) -> float:
    """Read "0.95 precision" or "95% precision". ValueError."""
    found = _PRECISION.fullmatch(written.strip())
    value = float("0." + (found[1] or found[2] + (found[3] or ""))) if found else 0.0
    if not 0.5 <= value < 1:
        raise ValueError(f"{written!r} is no precision from 0.5 to 0.99; write it like 0.95 precision")
    return value


def prepare(category: str, at_least: str, model: Model | None) -> Callable[..., tuple[object, ...]]:
    """Return the test of `learned: {is: category, at_least: ...}`. ValueError where the model can't tell."""
    if model is None:
        return lambda texts, hits=None: ()
    learned, step = _known(category, read_precision(at_least), model)

    def test(texts: tuple[Text, Text], hits: Any = None) -> tuple[object, ...]:
        subject, text = texts[0].raw, texts[1].raw
        if learned.score(subject, text) < step.score:
            return ()
        return (category, *learned.spans(subject, text))

    return test


def _known(category: str, precision: float, model: Model) -> tuple[Learned, Reached]:
    if not model.tickets:
        hint = "`mailbot rules learn`, then `learned: learned.json` above the rules"
        raise ValueError("nothing is learned yet", hint)
    learned = model.categories.get(category)
    if learned is None:
        count = model.examples.get(category, 0)
        message = f"`{category}` is not learned: {count} of {model.tickets} tickets are of it"
        raise ValueError(
            message, f"at least {MIN_OF_CATEGORY} are needed: `mailbot rules learn --since 365d`"
        )
    step = learned.threshold(precision)
    if step is None:
        message = f"`{category}` was learned to a precision of {floor(learned.best * 100) / 100} at most"
        raise ValueError(message, "ask for less, or learn again when there are more tickets")
    return learned, step


# --- the file ---------------------------------------------------------------------------------------------


def encode(model: Model) -> str:
    """Return the model as the text of its file: the same for the same model."""
    return (
        json.dumps({"format": FORMAT, **asdict(model)}, ensure_ascii=False, sort_keys=True, indent=0) + "\n"
    )


@lru_cache(maxsize=2)  # the old policy and the new one
def decode(text: str) -> Model:
    """Read the text of a model's file. ValueError says what is wrong with it."""
    try:
        data = json.loads(text)
        if data["format"] != FORMAT:
            raise ValueError(f"it has format {data['format']!r}, and this version reads {FORMAT}")
        categories = {str(name): _learned(each) for name, each in data["categories"].items()}
        examples = {str(name): int(count) for name, count in data["examples"].items()}
        return Model(categories, examples, int(data["tickets"]))
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is no model of `mailbot rules learn`") from error


def _learned(data: Any) -> Learned:
    weights = {str(piece): _number(weight) for piece, weight in data["weights"].items()}
    return Learned(_number(data["start"]), weights, tuple(map(_reached, data["reached"])))


def _reached(data: Any) -> Reached:
    precision, score, caught = (_number(data[name]) for name in ("precision", "score", "caught"))
    return Reached(precision, score, caught, int(data.get("taken", 0)), int(data.get("right", 0)))


def _number(value: Any) -> float:
    if not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return float(value)
