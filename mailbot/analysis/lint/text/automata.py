"""One literal followed through a text, letter by letter: the automata that `strings` searches together."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailbot.analysis.lint.budget import Undecided
from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.text.regex import Automaton, UnsupportedPattern, automaton, is_word
from mailbot.domain.routing.text import fold

YES, NO = -1, -2  # states that nothing changes any more
State = Any  # whatever a tracker keeps; hashable


@dataclass(slots=True)
class LiteralAutomaton:
    """`step(state, letter)`, and `final(state)`: is the atom true of the text that ends here? `plain`: it is
    fed the text as it is written, else the folded one. `signature` differs for letters that it tells apart.
    """

    sign: bool
    start: State
    plain: bool
    advance: Callable[[State, str], State]
    final: Callable[[State], bool]
    lacking: Callable[[State], int]
    signature: Callable[[str], object]
    letters: str  # that it asks for by themselves
    restart: bool = False  # at each @: it looks at what stands behind the last one
    known: dict[tuple[State, str], State] = field(default_factory=dict)

    def step(self, state: State, letter: str) -> State:
        if self.restart and letter == "@":
            return self.start
        if state in (YES, NO) and not self.restart:
            return state
        key = (state, letter)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self.advance(state, letter)
        return found

    def lost(self, state: State) -> bool:
        """Can this no longer become what it shall be?"""
        return not self.restart and state == (NO if self.sign else YES)


def automaton_of(literal: Literal) -> LiteralAutomaton:
    """Raises Undecided for what can't be followed."""
    atom, domain = literal.atom, literal.atom.field == "sender_domain"
    if atom.operator == "matches":
        try:
            return _pattern(automaton(str(atom.item)), literal.sign, domain)
        except UnsupportedPattern as refusal:
            raise Undecided(f"the pattern {str(atom.item)!r} can't be taken apart: {refusal}") from None
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
        raise Undecided(f"what `{atom.operator}` asks can't be taken apart")
    return _phrase(_PHRASES[atom.operator], atom.phrase, literal.sign, domain)


# --- phrases: bit i of the state says that the first i + 1 letters of the phrase stand just before ---------


@dataclass(frozen=True, slots=True)
class _Kind:
    anchored: bool = False  # it begins where the text begins
    at_end: bool = False  # it ends where the text ends
    before: str = ""  # as if this stood before the text
    bounds: str = ""  # "word": no letter or digit on either side; ".": a dot before


_PHRASES = {
    "contains": _Kind(),
    "mentions": _Kind(bounds="word", before=" "),
    "starts_with": _Kind(anchored=True),
    "ends_with": _Kind(at_end=True),
    "is": _Kind(anchored=True, at_end=True),
    "under": _Kind(at_end=True, bounds=".", before="."),
}


def _phrase(kind: _Kind, phrase: str, sign: bool, domain: bool) -> LiteralAutomaton:
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

    def lacking(state: State) -> int:
        if state == YES:
            return 0
        return len(letters) + 1 - (0 if state == NO else state.bit_length())

    start = advance(0, kind.before) if kind.before else 0
    return LiteralAutomaton(sign, start, False, advance, final, lacking, mask, phrase, domain)


# --- patterns ---------------------------------------------------------------------------------------------


def _pattern(of: Automaton, sign: bool, domain: bool) -> LiteralAutomaton:
    """A state is (automaton's states that a letter led to, the letter's kind): bounds look at both sides."""

    def closed(states: frozenset[int], before: str, after: str) -> frozenset[int]:
        found, waiting = set(states) | {0}, [*states, 0]
        while waiting:
            for asserted, following in of.free[waiting.pop()]:
                if following not in found and _asserted(asserted, before, after):
                    found.add(following)
                    waiting.append(following)
        return frozenset(found)

    def advance(state: State, letter: str) -> State:
        if state in (YES, NO):
            return state
        states, before = state
        reached = closed(states, before, _kind(letter))
        if of.end in reached:
            return YES
        moved = frozenset(after for each in reached for chars, after in of.moves[each] if letter in chars)
        return moved, _kind(letter)

    def final(state: State) -> bool:
        return state == YES or (state != NO and of.end in closed(state[0], state[1], "end"))

    sets = list(dict.fromkeys(chars for moves in of.moves for chars, _ in moves))
    if any(low == high and _unlike(chr(low)) for chars in sets for low, high in chars.ranges):
        raise Undecided("a pattern asks for a letter whose small form is another one")
    telling = "".join(dict.fromkeys(each for chars in sets for each in chars.telling()))

    def signature(letter: str) -> object:
        return _kind(letter), *(letter in chars for chars in sets)

    away = _away(of)

    def lacking(state: State) -> int:
        if state in (YES, NO):
            return 0 if state == YES else 1 + max(away)
        return int(1 + min(away[each] for each in (0, *state[0])))

    start = (frozenset({0}), "start")
    return LiteralAutomaton(sign, start, True, advance, final, lacking, signature, telling, domain)


def _away(of: Automaton) -> list[int]:
    """How many letters each state is from the match, at least: what is nearer is looked at first."""
    back: list[list[tuple[int, int]]] = [[] for _ in of.moves]
    for state, moves in enumerate(of.moves):
        for _, after in moves:
            back[after].append((state, 1))
        for _, after in of.free[state]:
            back[after].append((state, 0))
    away, waiting = [len(of.moves)] * len(of.moves), deque([(of.end, 0)])
    while waiting:
        state, far = waiting.popleft()
        if far < away[state]:
            away[state] = far
            for before, more in back[state]:
                (waiting.append if more else waiting.appendleft)((before, far + more))
    return away


def _kind(letter: str) -> str:
    return "line" if letter == "\n" else "word" if is_word(letter) else "other"


def _asserted(what: str, before: str, after: str) -> bool:
    bound = (before == "word") is not (after == "word")
    return {
        "": True,
        "start": before == "start",
        "end": after == "end",
        "line start": before in ("start", "line"),
        "line end": after in ("end", "line"),
        "word bound": bound,
        "no word bound": not bound,
    }[what]


# --- letters ----------------------------------------------------------------------------------------------

_USUAL = "xqkaeiounstrlmdbpgcfhjvwyz" + "7419023568" + " -.,'!@/:_" + "éя中٣—\t"
_OF_ADDRESSES = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-_+@")


def alphabet(automata: Sequence[LiteralAutomaton], *, lines: bool, address: bool) -> list[str]:
    """One letter for each way in which letters can differ to the trackers."""
    asked = [letter for each in automata for letter in each.letters]
    found: dict[object, str] = {}
    for letter in _distinct([*_USUAL, *("\n" if lines else ""), *asked]):
        if address and letter not in _OF_ADDRESSES:
            continue
        sign = (letter.isspace(), letter == "@", *(each.signature(letter) for each in automata))
        if address:
            sign = (*sign, letter in ".-_+")
        found.setdefault(sign, letter)
    return list(found.values())


def _distinct(letters: Iterable[str]) -> Iterator[str]:
    return iter(dict.fromkeys(each for letter in letters for each in letter.lower() if not _unlike(each)))


def _unlike(letter: str) -> bool:
    """Is it read otherwise than it is written? (white space is looked at apart)"""
    return not letter.isspace() and fold(letter) != letter.lower()
