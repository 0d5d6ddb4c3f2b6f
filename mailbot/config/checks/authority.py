"""`authority` in teams.yaml: who may grant how much compensation, with every amount and name checked."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from mailbot.config.checks import actions
from mailbot.config.files.entry import Entry
from mailbot.config.yaml.lookup import Files, find, names, texts
from mailbot.config.yaml.scalars import close_to, said, shown
from mailbot.config.yaml.source import Place
from mailbot.config.yaml.types import Span
from mailbot.domain.policy import Authority
from mailbot.domain.routing import money
from mailbot.domain.routing.money import RUPIAH, Money
from mailbot.errors import Problem

EXAMPLE = "Rp100.000, 1,5 juta or Rp0"
_AMOUNT = {"type": "string", "description": "whole Rupiah", "examples": ["Rp100.000", "Rp1 juta", "Rp0"]}
_AMOUNTS = {"type": "object", "additionalProperties": _AMOUNT}


def amount(value: object) -> Money:
    """ "Rp100.000", "1,5 juta" -> whole Rupiah. ValueError(message, hint)."""
    digits = str(value).replace(".", "").isdigit()
    if digits and not isinstance(value, float):
        raise ValueError(f"`{shown(value)}` names no currency", f"write it like Rp{shown(value)}")
    if not isinstance(value, str):  # 500.000 is a number for YAML, and its zeros are gone
        what = "a number without a currency" if isinstance(value, float) else f"`{shown(value)}`"
        raise ValueError(f"{what} is no amount of money", f"write it like {EXAMPLE}")
    try:
        read = money.read(value)
    except ValueError:
        raise ValueError(f"`{shown(value)}` is no amount of money", f"write it like {EXAMPLE}") from None
    if read.currency != RUPIAH:
        raise ValueError(f"`{shown(value)}`: limits are in Rupiah", f"write it like {EXAMPLE}")
    if read.amount != read.amount.to_integral_value():
        raise ValueError(f"`{shown(value)}` is not a whole number of Rupiah")
    return Money(read.amount.quantize(1))


Amount = Annotated[Money, BeforeValidator(amount), WithJsonSchema(_AMOUNT)]


class AuthorityEntry(Entry):
    """Who may grant how much compensation. A limit that is left out does not hold, but for `per_ticket`."""

    per_ticket: Annotated[
        Any, WithJsonSchema({"type": "object", "additionalProperties": {"anyOf": [_AMOUNT, _AMOUNTS]}})
    ] = Field(
        {},
        description="what a level may bring one ticket to in all, by level; for single categories by "
        "category and level. A level without an amount may grant nothing",
    )
    per_customer_90_days: Amount | None = Field(None, description="what a customer may get in any 90 days")
    per_agent_day: dict[str, Amount] = Field(
        {}, description="what one agent may grant a day, by level; two who sign answer for the whole each"
    )
    team_budget_month: dict[str, Amount] = Field(
        {}, description="what a team's tickets may get in a calendar month, by team"
    )
    two_persons_above: Amount | None = Field(
        None, description="where a ticket has more than this in all, two persons must approve"
    )
    decide_within: Span = Field(
        timedelta(hours=4),
        description="work time of the ticket's team after which an undecided request is put before people "
        "again, a level higher",
    )


def built(entry: AuthorityEntry) -> Authority:
    """The limits; of an entry in which `check` found nothing."""
    levels: dict[str, Money] = {}
    per_ticket: dict[str, Mapping[str, Money]] = {}
    for name, given in entry.per_ticket.items():
        if isinstance(given, dict):
            per_ticket[name] = {level: amount(each) for level, each in given.items()}
        else:
            levels[name] = amount(given)
    return Authority(
        per_ticket={**per_ticket, "": levels},
        per_customer=entry.per_customer_90_days,
        per_agent_day=dict(entry.per_agent_day),
        per_team=dict(entry.team_budget_month),
        two_persons_above=entry.two_persons_above,
        decide_within=entry.decide_within,
    )


# --- what is wrong ----------------------------------------------------------------------------------------


def check(files: Files) -> list[Problem]:
    """Amounts that are none, and levels, teams and categories that nobody knows."""
    return [
        *_per_ticket(files),
        *_names(files, "per_agent_day", "level"),
        *_names(files, "team_budget_month", "team"),
    ]


def _per_ticket(files: Files) -> Iterator[Problem]:
    source = files.teams
    for place, given in find(source.data, "authority", "per_ticket"):
        if not isinstance(given, dict):
            hint = "an amount for each level: {L1: Rp100.000, L2: Rp1 juta}"
            yield source.at_value(place, f"`per_ticket` should be a mapping, not `{shown(given)}`", hint)
            continue
        for key, value in given.items():
            if isinstance(value, dict):
                yield from _category(files, (*place, key), str(key))
                for level, each in value.items():
                    yield from _limit(files, (*place, key, level), str(level), each)
            else:
                yield from _limit(files, (*place, key), str(key), value)


def _limit(files: Files, place: Place, level: str, value: object) -> Iterator[Problem]:
    known = names(files, "level")
    if known is not None and level not in known:
        yield files.teams.at_key(place, f"there is no level `{shown(level)}`", close_to(level, known))
    try:
        amount(value)
    except ValueError as error:
        yield files.teams.at_value(place, *said(error))


def _category(files: Files, place: Place, category: str) -> Iterator[Problem]:
    known = _categories(files)
    if known and category not in known:
        message = f"there is no category `{shown(category)}`"
        yield files.teams.at_key(place, message, close_to(category, known))


def _categories(files: Files) -> tuple[str, ...]:
    """All that a ticket's category can be, and what stands above it; () when the file can't say."""
    data = files.routing.data
    tree = actions.paths(data.get("categories")) if isinstance(data, dict) else ()
    if tree:
        return tree
    given = [category for _, category in texts(data, "rules", "*", "then", "category")]
    above = ["/".join(each.split("/")[:n]) for each in given for n in range(1, each.count("/") + 2)]
    return tuple(dict.fromkeys([*above, actions.GENERAL])) if isinstance(data, dict) else ()


def _names(files: Files, key: str, kind: str) -> Iterator[Problem]:
    known, source = names(files, kind), files.teams
    for place, _ in find(source.data, "authority", key, "*"):
        name = place[-1]
        if known is not None and isinstance(name, str) and name not in known:
            yield source.at_key(place, f"there is no {kind} `{shown(name)}`", close_to(name, known))


# --- what is seldom meant ---------------------------------------------------------------------------------


def remarks(files: Files) -> Iterator[Problem]:
    """A level that may do less than one below it; levels that a category leaves out; limits for nothing."""
    source, levels = files.teams, names(files, "level") or ()
    for place, given in find(source.data, "authority"):
        if isinstance(given, dict) and given and not given.get("per_ticket"):
            hint = "per_ticket: {L1: Rp100.000, L2: Rp1 juta}"
            yield source.at_key(place, "without `per_ticket` nobody may grant anything", hint)
    for place, given in find(source.data, "authority", "per_ticket"):
        if not isinstance(given, dict):
            continue
        default = {key: value for key, value in given.items() if not isinstance(value, dict)}
        yield from _falling(files, place, default, levels)
        for key, value in given.items():
            if isinstance(value, dict):
                yield from _falling(files, (*place, key), value, levels)
                yield from _left_out(files, (*place, key), value, default)
    for place, given in find(source.data, "authority", "per_agent_day"):
        yield from _falling(files, place, given if isinstance(given, dict) else {}, levels)


def _falling(
    files: Files, place: Place, given: Mapping[Any, object], levels: tuple[str, ...]
) -> Iterator[Problem]:
    highest, below = None, ""
    for level in levels:
        if level not in given:
            continue
        try:
            limit = amount(given[level])
        except ValueError:
            continue  # `check` says so
        if highest is not None and limit < highest:
            message = f"`{shown(level)}` may grant less than `{shown(below)}` below it"
            yield files.teams.at_value((*place, level), message)
        else:
            highest, below = limit, level


def _left_out(
    files: Files, place: Place, given: Mapping[Any, object], default: Mapping[Any, object]
) -> Iterator[Problem]:
    missing = [str(level) for level in default if level not in given]
    if missing:
        message = f"in `{shown(place[-1])}` {', '.join(missing)} may grant nothing: no amount is named here"
        yield files.teams.at_key(place, message, f"{missing[0]}: Rp0 says so aloud")
