"""Under which keys a fact is counted. A figure is the number of times that its key occurs in the period.

The first word of a key names the figure, the others narrow it: ("closed",), ("closed", "team", "payments"). So what a
figure counts can also be listed.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from mailbot.domain.compensation.ledger_summary import BY_PERSON
from mailbot.domain.compensation.requests import Entry, Kind
from mailbot.reports.figures import facts as f
from mailbot.reports.figures.figures import AGES, MARKS_BY
from mailbot.reports.figures.period import Period

Key = tuple[str, ...]

_DAY = timedelta(days=1)


def keys_of(fact: f.Fact, period: Period) -> Iterator[Key]:
    """Yield the keys under which a fact counts once each; a key that comes twice counts it twice."""
    match fact:
        case f.Stood():
            yield from _stood(fact)
        case f.Opened(at=at, team=team, channel=channel):
            yield from (("opened",), ("opened", "team", team), ("opened", "day", str(period.day_of(at))))
            yield ("opened", "channel", channel)
        case f.Judged(chosen=chosen, settled=settled):
            yield from (("judged",), ("judged", chosen, settled))
        case f.Filed():
            yield ("filed",)
        case f.IncidentBegan():
            yield ("incidents",)
        case f.Left():
            yield from _left(fact, period)
        case f.Returned(how=how):
            yield ("reopened" if how == "reopened" else "returned",)
        case f.Answered(agent=agent, which=which):
            yield from (("answers",), ("answers", "agent", agent))
            if which != "more":
                yield (f"{which}_response",)
        case f.Promised(target=target, priority=priority, kept=kept):
            how = "kept" if kept else "missed"
            yield from ((how,), (how, target), (how, target, priority))
        case f.Confirmed(kept=kept):
            yield from (("confirmation",), ("confirmed" if kept else "unconfirmed",))
        case f.Escalated(team=team, rule=rule, level=level, manual=manual):
            how = "manual" if manual else "automatic"
            yield from (("escalated",), ("escalated", "team", team), ("escalated", "rule", rule, level, how))
        case f.HandedOver(team=team):
            yield ("received", "team", team)
        case f.Scored(team=team, rule=rule, level=level, score=score):
            yield from (("mark",), ("mark", str(score)))
            for kind, name in zip(MARKS_BY, (team, rule, level), strict=True):
                yield from (("marks", kind, name), ("marks", kind, name, str(score)))


def _stood(fact: f.Stood) -> Iterator[Key]:
    yield from [("undone",)] * fact.undone
    if fact.closings:
        yield ("closed tickets",)
    if fact.rated:
        yield ("rated",)
    if fact.is_open:
        yield from (("open",), ("open", "team", fact.team))
        yield ("open", "age", fact.team, str(_age_class(fact)))
        if fact.assignee:
            yield ("open", "agent", fact.assignee)


def _age_class(fact: f.Stood) -> int:
    days = (fact.at - fact.began) / _DAY
    return sum(days >= limit for limit in AGES)


def _left(fact: f.Left, period: Period) -> Iterator[Key]:
    if fact.how != "closed":
        yield ("gone" if fact.how == "rebuilt" else fact.how,)
        return
    yield from (("closed",), ("closed", "team", fact.team), ("closed", "day", str(period.day_of(fact.at))))
    yield ("closed", "cause", fact.cause)
    if fact.assignee:
        yield ("closed", "agent", fact.assignee)


def keys_of_entry(entry: Entry) -> Iterator[Key]:
    """Yield the keys under which a line of the ledger counts, as `ledger_summary.statement` counts it."""
    name = entry.kind.value
    if entry.kind is Kind.APPROVED:
        return
    yield (name,)
    if entry.kind is Kind.REFUSED:
        yield (name, "by", entry.limit or BY_PERSON)
    if entry.kind is Kind.GRANTED:
        parts: dict[str, Any] = {"team": entry.team, "level": entry.level, "category": entry.category}
        yield from ((name, kind, part) for kind, part in parts.items())
        yield from ((name, "agent", agent) for agent in (entry.agent, entry.second) if agent)
