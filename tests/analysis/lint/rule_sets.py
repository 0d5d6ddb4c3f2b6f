"""Sets of rules as small YAML files: read, changed as data, built into policies."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from mailbot.config.yaml import conditions
from mailbot.config.yaml.source import Source, parse
from mailbot.domain.policy import Actions, Mailbox, Policy, Rule, Team
from mailbot.domain.routing.field_types import AddressList, Context
from mailbot.domain.worktime import ALL_DAY, ALWAYS, Calendar, Interval
from tests import builders

SETS = Path(__file__).parent / "sets"
OFFICE = Calendar(
    "office",
    "Asia/Jakarta",
    ((Interval(timedelta(hours=8), timedelta(hours=17)),),) * 5 + ((), ()),
    {date(2026, 1, 1): (), date(2026, 3, 20): (ALL_DAY,)},
)
Data = dict[str, Any]


def read(path: Path) -> Data:
    source, problems = parse(path.read_bytes(), path.name)
    assert not problems, problems
    assert isinstance(source.data, dict)
    return source.data


def policy_of(data: Data) -> Policy:
    """Build the policy with these rules; the rest is that of `tests.builders`."""
    lists = {name: _listed(entries) for name, entries in data.get("lists", {}).items()}
    context = Context({"office": OFFICE}, lists)
    boxes = data.get("mailboxes", [builders.BOX.address])
    return builders.policy(
        teams={team.name: _bilingual(team) for team in builders.policy().teams.values()},
        rules=tuple(_rule(each, number, context) for number, each in enumerate(data["rules"])),
        mailboxes={each: Mailbox(each, "Toko", "TOKO") for each in boxes},
        calendars={"office": OFFICE, "always": ALWAYS},
        lists=lists,
    )


def _bilingual(team: Team) -> Team:
    return replace(team, agents=tuple(replace(each, languages=("id", "en")) for each in team.agents))


def _listed(entries: Iterable[str]) -> AddressList:
    known = set(entries)
    addresses = {each for each in known if "@" in each}
    return AddressList(frozenset(addresses), frozenset(known - addresses))


def _rule(entry: Mapping[str, Any], number: int, context: Context) -> Rule:
    when, problems = None, []
    if "when" in entry:
        when, problems = conditions.parse(Source("set"), (), entry["when"], context)
    assert not problems, (entry["name"], problems)
    then = {name: tuple(value) if isinstance(value, list) else value for name, value in entry["then"].items()}
    return Rule(entry["name"], when, Actions(**then), 10 * (number + 1), entry.get("go_on", False))
