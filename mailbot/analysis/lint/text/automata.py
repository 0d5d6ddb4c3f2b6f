"""Automata that read a text letter by letter, one for each literal. `solver` runs them together."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailbot.analysis.lint.budget import Undecided
from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.text.regex import Automaton, UnsupportedPattern, compile_pattern, is_word
from mailbot.domain.routing.text import fold

YES, NO = -1, -2  # final states, which no letter changes
State = Any  # of an automaton: hashable


@dataclass(slots=True)
class LiteralAutomaton:
    """The automaton of one literal. `final(state)` decides whether the atom is true of a text that ends
    there.

    `distance(state)` estimates how many letters are missing until it is true. `signature` differs for
    letters that it distinguishes. `reads_plain`: it reads letters as written, else folded ones.
    """

    sign: bool
    start: State
    reads_plain: bool
    advance: Callable[[State, str], State]
    final: Callable[[State], bool]
    distance: Callable[[State], int]
    signature: Callable[[str], object]
    letters: str  # that it names
    restart: bool = False  # at each @: it reads the text behind the last one
    steps: dict[tuple[State, str], State] = field(default_factory=dict)

    def step(self, state: State, letter: str) -> State:
        if self.restart and letter == "@":
            return self.start
        if state in (YES, NO) and not self.restart:
            return state
        key = (state, letter)
        found = self.steps.get(key)
        if found is None:
            found = self.steps[key] = self.advance(state, letter)
        return found

    def is_lost(self, state: State) -> bool:
        """Decide that the literal can't hold any more, whatever follows."""
        return not self.restart and state == (NO if self.sign else YES)


def automaton_of(literal: Literal) -> LiteralAutomaton:
    """Build the automaton of a literal. Raises Undecided for unsupported ones."""
    atom, domain = literal.atom, literal.atom.field == "sender_domain"
    if atom.operator == "matches":
        try:
            return _pattern(compile_pattern(str(atom.item)), literal.sign, domain)
        except UnsupportedPattern as refusal:
            raise Undecided(f"the pattern {str(atom.item)!r} is not supported: {refusal}") from None
    if atom.operator == "exists":
        return LiteralAutomaton(
            literal.sign,
            0,
            False,
            lambda s, c: YES,
            lambda s: s == YES,
            lambda s: s == 0,
            lambda c: 0,
            "",
            domain,
        )
    if atom.operator not in _PHRASES:
        raise Undecided(f"the operator `{atom.operator}` is not supported")
    return _phrase(_PHRASES[atom.operator], atom.phrase, literal.sign, domain)


# --- phrases: bit i of the state means that the text so far ends with the first i + 1 letters --------------


@dataclass(frozen=True, slots=True)
class _PhraseForm:
    anchored: bool = False  # it begins where the text begins
    at_end: bool = False  # it ends where the text ends
    before: str = ""  # added in front of the text
    bounds: str = ""  # "word": no letter or digit on either side; ".": a dot before


_PHRASES = {
    "contains": _PhraseForm(),
    "mentions": _PhraseForm(bounds="word", before=" "),
    "starts_with": _PhraseForm(anchored=True),
    "ends_with": _PhraseForm(at_end=True),
    "is": _PhraseForm(anchored=True, at_end=True),
    "under": _PhraseForm(at_end=True, bounds=".", before="."),
}


def _phrase(kind: _PhraseForm, phrase: str, sign: bool, domain: bool) -> LiteralAutomaton:
    letters = {"word": f"\0{phrase}\0", ".": f".{phrase}"}.get(kind.bounds, phrase)
    last = 1 << (len(letters) - 1)
    masks: dict[str, int] = {}

    def mask(letter: str) -> int:
        if letter not in masks:
            bound = not (letter.isalpha() or letter.isnumeric())
            masks[letter] = sum(
                1 << place for place, each in enumerate(letters) if each == letter or (each == "\0" and bound)
            )
        return masks[letter]

    def advance(state: State, letter: str) -> State:
        if state in (YES, NO):
            return state
        entry = 0 if kind.anchored and state != 0 else 1
        bits = ((state << 1) | entry) & mask(letter)
        if bits & last and not kind.at_end:
            return YES
        return NO if kind.anchored and not bits else bits

    def final(state: State) -> bool:
        if kind.bounds == "word" and state not in (YES, NO):
            state = advance(state, " ")  # the text's end is a bound too
        return state == YES or (state not in (YES, NO) and bool(state & last))

    def distance(state: State) -> int:
        if state == YES:
            return 0
        return len(letters) + 1 - (0 if state == NO else state.bit_length())

    start = advance(0, kind.before) if kind.before else 0
    return LiteralAutomaton(sign, start, False, advance, final, distance, mask, phrase, domain)


# --- patterns ---------------------------------------------------------------------------------------------


def _pattern(of: Automaton, sign: bool, domain: bool) -> LiteralAutomaton:
    """Simulate a pattern. A state is the set of states reached by a letter, and the kind of that letter.

    Assertions such as \\b need the letters on both sides.
    """

    def closure(states: frozenset[int], before: str, after: str) -> frozenset[int]:
        found, waiting = set(states) | {0}, [*states, 0]
        while waiting:
            for assertion, following in of.empty_moves[waiting.pop()]:
                if following not in found and _holds(assertion, before, after):
                    found.add(following)
                    waiting.append(following)
        return frozenset(found)

    def advance(state: State, letter: str) -> State:
        if state in (YES, NO):
            return state
        states, before = state
        reached = closure(states, before, _letter_kind(letter))
        if of.end in reached or (splits and not letter.isascii()):
            return YES
        moved = frozenset(after for each in reached for chars, after in of.moves[each] if letter in chars)
        return moved, _letter_kind(letter)

    def final(state: State) -> bool:
        return state == YES or (state != NO and of.end in closure(state[0], state[1], "end"))

    # RE2 reads bytes: an empty match of \B can lie inside of a letter beyond ASCII.
    splits = of.end in closure(frozenset(), "other", "other")
    sets = list(dict.fromkeys(chars for moves in of.moves for chars, _ in moves))
    if any(low == high and _folds_differently(chr(low)) for chars in sets for low, high in chars.ranges):
        raise Undecided("a pattern names a letter that folding changes to another one")
    boundary_letters = "".join(dict.fromkeys(each for chars in sets for each in chars.boundary_letters()))

    def signature(letter: str) -> object:
        inside = splits and not letter.isascii()
        return _letter_kind(letter), inside, *(letter in chars for chars in sets)

    distances = _distances(of)

    def distance(state: State) -> int:
        if state in (YES, NO):
            return 0 if state == YES else 1 + max(distances)
        return int(1 + min(distances[each] for each in (0, *state[0])))

    start = (frozenset({0}), "start")
    return LiteralAutomaton(sign, start, True, advance, final, distance, signature, boundary_letters, domain)


def _distances(of: Automaton) -> list[int]:
    """Return for each state how many letters it needs at least until the match (0-1 breadth-first search)."""
    backwards: list[list[tuple[int, int]]] = [[] for _ in of.moves]
    for state, moves in enumerate(of.moves):
        for _, after in moves:
            backwards[after].append((state, 1))
        for _, after in of.empty_moves[state]:
            backwards[after].append((state, 0))
    distances, waiting = [len(of.moves)] * len(of.moves), deque([(of.end, 0)])
    while waiting:
        state, length = waiting.popleft()
        if length < distances[state]:
            distances[state] = length
            for before, more in backwards[state]:
                (waiting.append if more else waiting.appendleft)((before, length + more))
    return distances


def _letter_kind(letter: str) -> str:
    return "line" if letter == "\n" else "word" if is_word(letter) else "other"


def _holds(assertion: str, before: str, after: str) -> bool:
    bound = (before == "word") is not (after == "word")
    return {
        "": True,
        "start": before == "start",
        "end": after == "end",
        "line start": before in ("start", "line"),
        "line end": after in ("end", "line"),
        "word bound": bound,
        "no word bound": not bound,
    }[assertion]


# --- letters ----------------------------------------------------------------------------------------------

_USUAL = "xqkaeiounstrlmdbpgcfhjvwyz" + "7419023568" + " -.,'!@/:_" + "éя中٣—"
_ADDRESS_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_+@")


def alphabet(automata: Sequence[LiteralAutomaton], *, address: bool) -> list[str]:
    """Return one letter for each class of letters that some automaton distinguishes."""
    asked = [letter for each in automata for letter in each.letters]
    found: dict[object, str] = {}
    for letter in _distinct([*_USUAL, *asked]):
        if letter.isspace() and letter != " ":  # all white space is read as a space
            continue
        if address and letter not in _ADDRESS_LETTERS:
            continue
        sign = (letter.isspace(), letter == "@", *(each.signature(letter) for each in automata))
        if address:
            sign = (*sign, letter in ".-_+")
        found.setdefault(sign, letter)
    return list(found.values())


def _distinct(letters: Iterable[str]) -> Iterator[str]:
    return iter(
        dict.fromkeys(each for letter in letters for each in letter.lower() if not _folds_differently(each))
    )


def _folds_differently(letter: str) -> bool:
    """Check that folding changes a letter to another one. The solver handles white space."""
    return not letter.isspace() and fold(letter) != letter.lower()
