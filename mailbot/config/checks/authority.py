"""Check and build `authority` of teams.yaml: who may grant how much compensation."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from mailbot.config.checks import actions
from mailbot.config.files.entry import Entry
from mailbot.config.yaml.lookup import Files, find, names, unknown
from mailbot.config.yaml.scalars import message_and_hint, shown
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
    """Read "Rp100.000", "1,5 juta" as whole Rupiah. Raises ValueError(message, hint)."""
    digits = str(value).replace(".", "").isdigit()
    if digits and not isinstance(value, float):
        raise ValueError(f"`{shown(value)}` has no currency", f"write it like Rp{shown(value)}")
    if not isinstance(value, str):  # YAML reads 500.000 as a number, and its zeros are lost
        what = "a number without a currency" if isinstance(value, float) else f"`{shown(value)}`"
        raise ValueError(f"{what} is not an amount of money", f"write it like {EXAMPLE}")
    try:
        read = money.read(value)
    except ValueError:
        raise ValueError(f"`{shown(value)}` is not an amount of money", f"write it like {EXAMPLE}") from None
    if read.currency != RUPIAH:
        raise ValueError(f"`{shown(value)}`: limits are in Rupiah", f"write it like {EXAMPLE}")
    if read.amount != read.amount.to_integral_value():
        raise ValueError(f"`{shown(value)}` is not a whole number of Rupiah")
    return Money(read.amount.quantize(1))


Amount = Annotated[Money, BeforeValidator(amount), WithJsonSchema(_AMOUNT)]


class AuthorityEntry(Entry):
    """Who may grant how much compensation. A missing limit means no limit, but for `per_ticket`."""

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


def build(entry: AuthorityEntry) -> Authority:
    """Build the limits of an entry in which `check` found no problem."""
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


# --- problems ---------------------------------------------------------------------------------------------


def check(files: Files) -> list[Problem]:
    """List wrong amounts, unknown levels and categories. `cross_file` checks the names in the other keys."""
    return list(_per_ticket(files))


def _per_ticket(files: Files) -> Iterator[Problem]:
    source = files.teams
    for place, given in find(source.data, "authority", "per_ticket"):
        if not isinstance(given, dict):
            hint = "an amount for each level: {L1: Rp100.000, L2: Rp1 juta}"
            yield source.at_value(place, f"`per_ticket` must be a mapping, not `{shown(given)}`", hint)
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
        yield files.teams.at_key(place, *unknown("level", level, known))
    try:
        amount(value)
    except ValueError as error:
        yield files.teams.at_value(place, *message_and_hint(error))


def _category(files: Files, place: Place, category: str) -> Iterator[Problem]:
    known = actions.known_categories(files)
    if known and category not in known:
        yield files.teams.at_key(place, *unknown("category", category, known))


# --- warnings ---------------------------------------------------------------------------------------------


def warnings(files: Files) -> Iterator[Problem]:
    """List levels with less than a level below, levels that a category omits, limits without effect."""
    source, levels = files.teams, names(files, "level") or ()
    for place, given in find(source.data, "authority"):
        if isinstance(given, dict) and given and not given.get("per_ticket"):
            hint = "per_ticket: {L1: Rp100.000, L2: Rp1 juta}"
            yield source.at_key(place, "without `per_ticket` nobody may grant anything", hint)
    for place, given in find(source.data, "authority", "per_ticket"):
        if not isinstance(given, dict):
            continue
        default = {key: value for key, value in given.items() if not isinstance(value, dict)}
        yield from _decreasing(files, place, default, levels)
        for key, value in given.items():
            if isinstance(value, dict):
                yield from _decreasing(files, (*place, key), value, levels)
                yield from _omitted_levels(files, (*place, key), value, default)
    for place, given in find(source.data, "authority", "per_agent_day"):
        yield from _decreasing(files, place, given if isinstance(given, dict) else {}, levels)


def _decreasing(
    files: Files, place: Place, given: Mapping[Any, object], levels: tuple[str, ...]
) -> Iterator[Problem]:
    highest, below = None, ""
    for level in levels:
        if level not in given:
            continue
        try:
            limit = amount(given[level])
        except ValueError:
            continue  # `check` reports it
        if highest is not None and limit < highest:
            message = f"`{shown(level)}` may grant less than `{shown(below)}` below it"
            yield files.teams.at_value((*place, level), message)
        else:
            highest, below = limit, level


def _omitted_levels(
    files: Files, place: Place, given: Mapping[Any, object], default: Mapping[Any, object]
) -> Iterator[Problem]:
    missing = [str(level) for level in default if level not in given]
    if missing:
        message = f"in `{shown(place[-1])}` {', '.join(missing)} may grant nothing: no amount is named here"
        yield files.teams.at_key(place, message, f"write {missing[0]}: Rp0 if that is meant")
