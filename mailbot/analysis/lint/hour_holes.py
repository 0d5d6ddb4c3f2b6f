"""Hours that rules of the same matter leave out: together they cover nearly the whole week, but not all of it.

"08:00-16:59" and "17:00-07:59" leave out two minutes of each day: an end is not part of its hours.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailbot.analysis.lint.finding import Finding, Severity
from mailbot.analysis.lint.formulas import And, Formula, Literal, Or, literals, negation
from mailbot.analysis.lint.holes import HOLE
from mailbot.analysis.lint.rule_context import RuleContext
from mailbot.analysis.lint.search import Example

MINUTES = 7 * 24 * 60
MOST_LEFT = MINUTES // 10  # where more is left out, that is meant


def find(context: RuleContext) -> Iterator[Finding]:
    """Report each group of rules that ask the same but for the hour."""
    groups: dict[frozenset[Formula], list[tuple[int, Formula]]] = {}
    for index, rule in enumerate(context.rules):
        if rule.when is not None and index not in context.dead:
            parts = _parts(context.formulas[index])
            hours = [part for part in parts if _asks_hour(part)]
            if hours:
                rest = frozenset(part for part in parts if not _asks_hour(part))
                groups.setdefault(rest, []).append((index, And(tuple(hours))))
    for rest, rules in groups.items():
        if len(rules) > 1 and 0 < _minutes_left(context, [hours for _, hours in rules]) <= MOST_LEFT:
            yield from _finding(context, rest, rules)


def _parts(of: Formula) -> tuple[Formula, ...]:
    return of.parts if isinstance(of, And) else (of,)


def _asks_hour(of: Formula) -> bool:
    return all(each.atom.field == "hour" for each in literals(of))


def _minutes_left(context: RuleContext, hours: Sequence[Formula]) -> int:
    """Count the minutes of a usual week that none of the rules takes."""
    usual = context.search.world.moments.usual
    start = datetime.combine(usual.date(), time(), ZoneInfo(context.search.world.moments.zone))
    moments = (start + timedelta(minutes=each) for each in range(MINUTES))
    return sum(not any(_holds(each, at) for each in hours) for at in moments)


def _holds(of: Formula, at: datetime) -> bool:
    if isinstance(of, Literal):
        return bool(of.atom.condition.test(at)) is of.sign
    return (any if isinstance(of, Or) else all)(_holds(part, at) for part in of.parts)


def _finding(
    context: RuleContext, rest: frozenset[Formula], rules: Sequence[tuple[int, Formula]]
) -> Iterator[Finding]:
    last = rules[-1][0]
    indexes = [index for index, _ in rules]
    outside = [negation(hours) for _, hours in rules]
    wanted = And((*sorted(rest, key=str), *outside))
    answer = context.search.find(wanted, sorted({*context.final_rules(last), *indexes}))
    if isinstance(answer, Example):
        name = context.rules[last].name
        yield Finding(
            HOLE,
            Severity.REMARK,
            context.spot(last),
            f"rule {name!r} and {context.rule_names(indexes[:-1])} leave out hours of the week, such as "
            f"{answer.mail.local_time:%A %H:%M}",
            "end one where the other begins: the end is not part of the hours",
            (name, *(context.rules[each].name for each in indexes[:-1])),
            context.witness(answer),
        )
