"""Rules that never match: what shadows them, or which of their conditions exclude each other."""

from collections.abc import Iterator, Sequence

from mailbot.analysis.lint.context import Ground
from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import And
from mailbot.analysis.lint.search import Found, Nothing, Open
from mailbot.domain.routing.conditions import AllOf, NoneOf, When

NEVER, CONTRADICTION = "never-matches", "contradiction"
_LOOSE = " (letters such as ß and İ aside)"


def find(ground: Ground) -> Iterator[Finding]:
    """Asks of every rule with conditions whether any mail reaches it. Fills `ground.dead`."""
    for index, rule in enumerate(ground.rules):
        if rule.when is None:
            continue
        answer = ground.search.ask(ground.wanted[index], ground.enders(index))
        if isinstance(answer, Open):
            yield Finding(
                NEVER,
                Severity.UNDECIDED,
                ground.spot(index),
                f"it is not decided whether rule {rule.name!r} ever matches: {answer.reason}",
                names=(rule.name,),
            )
        elif isinstance(answer, Nothing):
            ground.dead.add(index)
            yield _dead(ground, index, rule.when, answer)


def _dead(ground: Ground, index: int, when: When, answer: Nothing) -> Finding:
    wanted, name = ground.wanted[index], ground.rules[index].name
    alone = ground.search.ask(wanted)
    if isinstance(alone, Nothing) or not answer.because_of:
        return _contradiction(ground, index, when)
    shadows = ground.smallest(wanted, sorted(answer.because_of))
    others = [each for each in ground.enders(index) if each not in shadows]
    shown = ground.search.ask(wanted, others)  # a mail that no other rule takes shows it best
    return Finding(
        NEVER,
        Severity.FAULT,
        ground.spot(index),
        f"rule {name!r} never matches: {ground.said(shadows)} "
        f"{'takes' if len(shadows) == 1 else 'together take'} all of its mail" + _LOOSE * answer.loose,
        "move it up, or ask for less above it",
        (name, *(ground.rules[each].name for each in shadows)),
        ground.witness(shown if isinstance(shown, Found) else alone),
    )


def _contradiction(ground: Ground, index: int, when: When) -> Finding:
    name = ground.rules[index].name
    parts = _parts(when)
    core = _core(ground, parts)
    almost = ground.search.ask(And(tuple(ground.reader.formula(part) for part in core[:-1])))
    told = " / ".join(map(str, core))
    said = (
        f"can't be true of any mail: {told}" if len(core) == 1 else f"can't all be true of one mail: {told}"
    )
    return Finding(
        CONTRADICTION,
        Severity.FAULT,
        ground.spot(index),
        f"rule {name!r} never matches, these conditions {said}",
        "one of them is wrong, or they belong under `any`",
        (name,),
        ground.witness(almost, f"all but the last of these hold for it: {told}") if len(core) > 1 else None,
    )


def _parts(when: When) -> list[When]:
    """The conditions that must all hold."""
    if isinstance(when, AllOf):
        return [inner for part in when.parts for inner in _parts(part)]
    if isinstance(when, NoneOf):
        return [NoneOf((part,)) for part in when.parts]
    return [when]


def _core(ground: Ground, parts: Sequence[When]) -> list[When]:
    """Some of them that exclude each other, none of which can be spared."""
    kept = list(parts)
    for part in parts:
        fewer = [each for each in kept if each is not part]
        if fewer and isinstance(ground.search.ask(And(tuple(map(ground.reader.formula, fewer)))), Nothing):
            kept = fewer
    return kept
