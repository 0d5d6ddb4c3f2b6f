"""Is there a text of which all these literals are true? One that is, or the proof that there is none.

A guess is tried first, then pairs that contradict each other are looked for, then the question is settled by
a search through the product of one small automaton per literal. All but `matches` look at the folded text,
`matches` at the plain one: the search writes the plain text and folds it on the way. It writes letters whose
small form is one letter; where `matches` meets the others, ß, İ and capitals under a loose accent are left
out.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count, permutations

from mailbot.analysis.lint.budget import Budget, Undecided
from mailbot.analysis.lint.formulas import Literal
from mailbot.analysis.lint.ranges import Empty
from mailbot.analysis.lint.text.automata import LiteralAutomaton, State, alphabet, automaton_of
from mailbot.domain.routing.text import Text

At = tuple[int, int]  # in the folded text, in an address
Product = tuple[At, tuple[State, ...]]
Links = tuple[()] | tuple["Links", str]  # what was written: (what stands before, letter)


@dataclass(frozen=True, slots=True)
class TextForm:
    """What a text of a field can look like: `lines` when it can have several, `address` for one with an @."""

    lines: bool = True
    address: bool = False
    neutral: tuple[str, ...] = ("",)  # tried first of all
    stem: str = ""  # a name begins with, so that it is more than its ending
    listed: tuple[str, ...] = ()  # tried first when a list is asked for


def solve(asked: Sequence[Literal], shape: TextForm, budget: Budget) -> str:
    """A text that fulfils all of `asked`. Raises Empty when there is none, Undecided."""
    budget.spend(len(asked))
    for text in _guesses(asked, shape):
        if not failing(asked, text):
            return text
    if pair := contradiction(asked):
        raise Empty(pair)
    return _search(asked, shape, budget)


def failing(asked: Iterable[Literal], text: str) -> list[Literal]:
    """Those that are not true of it, as the engine sees it."""
    whole, domain = (Text(text),), (Text(text.rpartition("@")[2].rstrip(".")),)
    return [
        each
        for each in asked
        if bool(each.atom.condition.test(domain if each.atom.field == "sender_domain" else whole))
        is not each.sign
    ]


def contradiction(asked: Iterable[Literal]) -> tuple[Literal, Literal] | None:
    """Two literals of one text that can't both be true, found by their words alone."""
    wanted = [each for each in asked if each.sign]
    refused = [each for each in asked if not each.sign]
    for yes in wanted:
        for no in refused:
            if implies(yes, no):
                return yes, no
    return None


def implies(yes: Literal, no: Literal) -> bool:
    """Is the atom of `no` true of every text of which the atom of `yes` is? False when it takes a search."""
    first, second = yes.atom, no.atom
    if first == second:
        return True
    if second.operator == "exists":
        return True
    if first.field != second.field and first.operator != "is":
        # A sender's end is its domain's end: little else carries over without a look at the whole.
        return (first.field, first.operator, second.operator) == (
            "sender_domain",
            "contains",
            "contains",
        ) and second.phrase in first.phrase
    if "matches" in (first.operator, second.operator):
        return False
    if first.operator == "is":
        return first.field in (second.field, "sender") and _as_whole(first.phrase, no)
    return _IMPLIED.get((first.operator, second.operator), _never)(first.phrase, second.phrase, no)


def _as_whole(phrase: str, no: Literal) -> bool:
    return not failing([Literal(no.atom, True)], phrase)


def _inside(first: str, second: str, no: Literal) -> bool:
    return second in first


def _as_word(first: str, second: str, no: Literal) -> bool:
    return _as_whole(first, no)


def _starts(first: str, second: str, no: Literal) -> bool:
    return first.startswith(second)


def _ends(first: str, second: str, no: Literal) -> bool:
    return first.endswith(second)


def _below(first: str, second: str, no: Literal) -> bool:
    return f".{first}".endswith(f".{second}")


def _never(first: str, second: str, no: Literal) -> bool:
    return False


_IMPLIED = {
    ("contains", "contains"): _inside,
    ("mentions", "contains"): _inside,
    ("mentions", "mentions"): _as_word,
    ("starts_with", "contains"): _inside,
    ("starts_with", "starts_with"): _starts,
    ("ends_with", "contains"): _inside,
    ("ends_with", "ends_with"): _ends,
    ("under", "contains"): _inside,
    ("under", "ends_with"): _ends,
    ("under", "under"): _below,
}


# --- guesses ----------------------------------------------------------------------------------------------


def _guesses(asked: Sequence[Literal], shape: TextForm) -> Iterable[str]:
    wanted = [each.atom for each in asked if each.sign]
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
    yield from shape.neutral
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


def _search(asked: Sequence[Literal], shape: TextForm, budget: Budget) -> str:
    try:
        return _refined(asked, shape, budget, plausible=shape.address)
    except Empty:
        if not shape.address:
            raise
    if any(str(each.atom.item).endswith(".") for each in asked):
        raise Undecided("an address is asked for its last dot")
    _refined(asked, shape, budget, plausible=False)
    raise Undecided("only an address of an odd form could fulfil it")


def _refined(asked: Sequence[Literal], shape: TextForm, budget: Budget, *, plausible: bool) -> str:
    """What must not stand there is looked at only once a text has it: most of many hundreds never do."""
    active = [each for each in asked if each.sign]
    while True:
        automata = [automaton_of(each) for each in active]
        text = _written(automata, shape, budget, plausible=plausible)
        if text is None:
            budget.loose |= len({each.plain for each in automata}) > 1
            raise Empty(active)
        wrong = failing(asked, text)
        if not wrong:
            return text
        if set(wrong) & set(active):
            raise Undecided("a text that should do does not")
        active += wrong[:3]


def _written(
    automata: Sequence[LiteralAutomaton], shape: TextForm, budget: Budget, *, plausible: bool
) -> str | None:
    """Best first: the states that lack least are looked at first; () when all of them lead nowhere."""
    letters = alphabet(automata, lines=shape.lines, address=plausible)
    folding = not shape.address
    start: Product = ((0, 0), tuple(each.start for each in automata))
    seen = {start}
    order = count()
    waiting: list[tuple[int, int, Product, Links]] = [(0, next(order), start, ())]
    while waiting:
        _, _, state, path = heapq.heappop(waiting)
        at, states = state
        if (not plausible or at[1] in (0, 3)) and _accepted(automata, states):
            return _text(path)
        budget.spend(3 * len(letters) + len(automata))
        for letter in letters:
            moved = _moved(automata, at, states, letter, folding=folding)
            if moved is None or moved in seen:
                continue
            if plausible and moved[0][1] < 0:
                continue
            seen.add(moved)
            lacking = sum(map(_lacking, automata, moved[1]))
            heapq.heappush(waiting, (lacking, next(order), moved, (path, letter)))
    return None


def _lacking(automaton_of: LiteralAutomaton, state: State) -> int:
    return automaton_of.lacking(state) if automaton_of.sign else 0


def _accepted(automata: Sequence[LiteralAutomaton], states: Sequence[object]) -> bool:
    return all(each.final(state) is each.sign for each, state in zip(automata, states, strict=True))


def _moved(
    automata: Sequence[LiteralAutomaton], at: At, states: Sequence[State], letter: str, *, folding: bool
) -> Product | None:
    """The next state, None when one of the literals is lost."""
    place, shape = at
    space = folding and letter.isspace()
    written = "" if space else f" {letter}" if place == 2 else letter
    now = []
    for each, state in zip(automata, states, strict=True):
        if each.plain:
            state = each.step(state, letter)
        else:
            for char in written:
                state = each.step(state, char)
        if each.lost(state):
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


# A plausible address: 0 nothing, 1 in the local part, 2 a domain's label must begin, 3 in a label.
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
