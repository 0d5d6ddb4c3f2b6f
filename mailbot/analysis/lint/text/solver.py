"""Find a text of which all given literals are true, or prove that there is none.

First guesses are tried, then pairs that contradict each other. The rest is a search through the product of
one small automaton for each literal. All of them read white space as single spaces. Only `matches` reads the
other letters as they are, the rest reads them folded: the search writes letters whose lower case is one letter.
So a proof that combines `matches` with other operators omits ß, İ and capitals under a combining accent.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count, permutations
from operator import contains

from mailbot.analysis.lint.budget import Budget, Undecided
from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.ranges import Empty
from mailbot.analysis.lint.text.automata import LiteralAutomaton, State, alphabet, automaton_of
from mailbot.domain.routing.text import Text

Position = tuple[int, int]  # state of folding, state in an address
Product = tuple[Position, tuple[State, ...]]
Links = tuple[()] | tuple["Links", str]  # the text so far: (text before, letter)


@dataclass(frozen=True, slots=True)
class TextForm:
    """The form of a field's text: `address` for one with an @."""

    address: bool = False
    defaults: tuple[str, ...] = ("",)  # tried first
    stem: str = ""  # start of a name, which else would be its ending alone
    listed: tuple[str, ...] = ()  # tried first for `listed_in`


def solve(literals: Sequence[Literal], shape: TextForm, budget: Budget) -> str:
    """Return a text that fulfils all literals. Raises Empty when there is none, Undecided."""
    budget.spend(len(literals))
    for text in _guesses(literals, shape):
        if not failing(literals, text):
            return text
    if pair := contradiction(literals):
        raise Empty(pair)
    return _search(literals, shape, budget)


def failing(literals: Iterable[Literal], text: str) -> list[Literal]:
    """List the literals that the engine finds false for a text."""
    whole, domain = (Text(text),), (Text(text.rpartition("@")[2].rstrip(".")),)
    return [
        each
        for each in literals
        if bool(each.atom.condition.test(domain if each.atom.field == "sender_domain" else whole))
        is not each.sign
    ]


def contradiction(literals: Iterable[Literal]) -> tuple[Literal, Literal] | None:
    """Find two literals that can't both be true of one text, by their phrases alone."""
    wanted = [each for each in literals if each.sign]
    refused = [each for each in literals if not each.sign]
    for yes in wanted:
        for no in refused:
            if implies(yes, no):
                return yes, no
    return None


def implies(yes: Literal, no: Literal) -> bool:
    """Decide whether the atom of `no` is true of every text for which that of `yes` is.

    Returns False also where only a search could decide.
    """
    first, second = yes.atom, no.atom
    if first == second:
        return True
    if second.operator == "exists":
        return True
    if first.field != second.field and first.operator != "is":
        return _carries_over(yes, no)
    if "matches" in (first.operator, second.operator):
        return False
    if first.operator == "is":
        return first.field in (second.field, "sender") and _holds_of(first.phrase, no)
    if (first.operator, second.operator) == ("mentions", "mentions"):
        return _holds_of(first.phrase, no)
    test = _IMPLIED.get((first.operator, second.operator))
    return test is not None and test(first.phrase, second.phrase)


def _carries_over(yes: Literal, no: Literal) -> bool:
    """Decide the same for two fields: a sender ends with its domain, the new text is in the whole text."""
    first, second = yes.atom, no.atom
    operators = first.operator, second.operator
    if first.field == "sender_domain":
        return operators == ("contains", "contains") and second.phrase in first.phrase
    if (first.field, second.field) != ("new_body", "body") or " " in second.phrase:
        return False  # between two words of the new text a quote may stand
    if operators == ("mentions", "mentions"):
        return _holds_of(first.phrase, no)
    return operators in (("contains", "contains"), ("mentions", "contains")) and second.phrase in first.phrase


def _holds_of(phrase: str, no: Literal) -> bool:
    return not failing([Literal(no.atom, True)], phrase)


def _is_under(first: str, second: str) -> bool:
    return f".{first}".endswith(f".{second}")


# Operators of two literals -> does the phrase of the first imply that of the second?
_IMPLIED: dict[tuple[str, str], Callable[[str, str], bool]] = {
    ("contains", "contains"): contains,
    ("mentions", "contains"): contains,
    ("starts_with", "contains"): contains,
    ("starts_with", "starts_with"): str.startswith,
    ("ends_with", "contains"): contains,
    ("ends_with", "ends_with"): str.endswith,
    ("under", "contains"): contains,
    ("under", "ends_with"): str.endswith,
    ("under", "under"): _is_under,
}


# --- guesses ----------------------------------------------------------------------------------------------


def _guesses(literals: Sequence[Literal], shape: TextForm) -> Iterable[str]:
    wanted = [each.atom for each in literals if each.sign]
    if any(each.operator == "listed_in" for each in wanted):
        yield from shape.listed
    if shape.address:
        yield from _addresses([(each.operator, each.field, each.phrase) for each in wanted])
        return
    items = list(dict.fromkeys((each.operator, str(each.item)) for each in wanted))
    exact = [item for operator, item in items if operator == "is"]
    if exact:
        yield exact[0]
        return
    yield from shape.defaults
    first = [item for operator, item in items if operator == "starts_with"]
    last = [item for operator, item in items if operator == "ends_with"]
    middle = [item for operator, item in items if operator in ("contains", "mentions")]
    if shape.stem and not first:
        yield " ".join([shape.stem, *middle]) + "".join(last)
    for joint in (", ", " ", "; ", ""):
        for order in list(permutations(middle))[:6] if len(middle) < 4 else [middle]:
            yield joint.join([*first, *order, *last])


def _addresses(wanted: Sequence[tuple[str, str, str]]) -> Iterable[str]:
    for operator, field, item in wanted:
        if operator == "is" and field == "sender":
            yield item
    domains = [
        item for operator, field, item in wanted if field == "sender_domain" and operator in ("is", "under")
    ]
    ends = [item for operator, field, item in wanted if operator == "ends_with"]
    parts = [item for operator, field, item in wanted if operator == "contains"]
    starts = [item for operator, field, item in wanted if operator == "starts_with"]
    domain = max([*domains, *(each.rpartition("@")[2].lstrip(".") for each in ends)], key=len, default="")
    local = "".join(each for each in starts if "@" not in each) or "pelanggan"
    for each in (domain, f"mail.{domain}") if domain else ("mail.example", "example.com", "example.org"):
        yield f"{local}@{each}"
        yield f"{local}{''.join(part for part in parts if '@' not in part)}@{each}"
        for part in parts:
            yield f"{local}{part}{each}" if "@" in part else f"{local}@{part}.{each}"
    for each in (*parts, *starts):
        if "@" in each:
            yield each if each[0] != "@" else f"{local}{each}"
    yield ""


# --- the search -------------------------------------------------------------------------------------------


def _search(literals: Sequence[Literal], shape: TextForm, budget: Budget) -> str:
    try:
        return _refine(literals, shape, budget, usual_form=shape.address)
    except Empty:
        if not shape.address:
            raise
    if any(str(each.atom.item).endswith(".") for each in literals):
        raise Undecided("a condition names the last dot of an address")
    _refine(literals, shape, budget, usual_form=False)
    raise Undecided("only an unusual form of address could fulfil it")


def _refine(literals: Sequence[Literal], shape: TextForm, budget: Budget, *, usual_form: bool) -> str:
    """Search with the required literals; add a forbidden one when a text contains it.

    Most of many hundreds never matter.
    """
    active = [each for each in literals if each.sign]
    while True:
        automata = [automaton_of(each) for each in active]
        text = _product_search(automata, shape, budget, usual_form=usual_form)
        if text is None:
            budget.letters_omitted |= len({each.reads_plain for each in automata}) > 1
            raise Empty(active)
        wrong = failing(literals, text)
        if not wrong:
            return text
        if set(wrong) & set(active):
            raise Undecided("the engine refuses a text that should match")
        active += wrong[:3]


def _product_search(
    automata: Sequence[LiteralAutomaton], shape: TextForm, budget: Budget, *, usual_form: bool
) -> str | None:
    """Search best first: states with the smallest distance come first. None: no text exists."""
    letters = alphabet(automata, address=usual_form)
    folding = not shape.address
    start: Product = ((0, 0), tuple(each.start for each in automata))
    seen = {start}
    order = count()
    waiting: list[tuple[int, int, Product, Links]] = [(0, next(order), start, ())]
    while waiting:
        _, _, state, path = heapq.heappop(waiting)
        at, states = state
        if (not usual_form or at[1] in (0, 3)) and _accepted(automata, states):
            return _text(path)
        budget.spend(3 * len(letters) + len(automata))
        for letter in letters:
            moved = _step(automata, at, states, letter, folding=folding)
            if moved is None or moved in seen:
                continue
            if usual_form and moved[0][1] < 0:
                continue
            seen.add(moved)
            distance = sum(map(_distance, automata, moved[1]))
            heapq.heappush(waiting, (distance, next(order), moved, (path, letter)))
    return None


def _distance(automaton_of: LiteralAutomaton, state: State) -> int:
    return automaton_of.distance(state) if automaton_of.sign else 0


def _accepted(automata: Sequence[LiteralAutomaton], states: Sequence[object]) -> bool:
    return all(each.final(state) is each.sign for each, state in zip(automata, states, strict=True))


def _step(
    automata: Sequence[LiteralAutomaton], at: Position, states: Sequence[State], letter: str, *, folding: bool
) -> Product | None:
    """Return the next state of the product, None when a literal can't hold any more."""
    place, shape = at
    space = folding and letter.isspace()
    written = "" if space else f" {letter}" if place == 2 else letter
    now = []
    for each, state in zip(automata, states, strict=True):
        for char in written:
            state = each.step(state, char)
        if each.is_lost(state):
            return None
        now.append(state)
    following = (2 if place else 0) if space else 1
    return (following, _ADDRESS.get((shape, _KIND.get(letter, "a")), -1) if not folding else 0), tuple(now)


def _text(links: Links) -> str:
    letters = []
    while links:
        links, letter = links
        letters.append(letter)
    return "".join(reversed(letters))


# The usual form of an address. States: 0 start, 1 local part, 2 a label must begin, 3 in a label, 4 after
# a separator of the local part.
_KIND = {"@": "@", ".": ".", "-": "-", "_": "-", "+": "-"}
_ADDRESS = {
    (0, "a"): 1,
    (1, "a"): 1,
    (1, "-"): 4,
    (1, "."): 4,
    (4, "a"): 1,
    (1, "@"): 2,
    (2, "a"): 3,
    (3, "a"): 3,
    (3, "."): 2,
    (3, "-"): 2,
}
