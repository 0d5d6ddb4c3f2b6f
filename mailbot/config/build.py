"""Build the frozen Policy that the domain decides by from the four checked files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from mailbot.config.checks import authority, forms
from mailbot.config.files.entry import Entry, LabelEntry
from mailbot.config.files.escalation import CalendarEntry, EscalationFile, LadderEntry, StepEntry
from mailbot.config.files.mailbot import MailbotFile, MailboxEntry, WeeklyEntry
from mailbot.config.files.retention import RetentionEntry
from mailbot.config.files.routing import RoutingFile, RuleEntry
from mailbot.config.files.signature import SignatureEntry
from mailbot.config.files.teams import PublicEntry, TeamEntry, TeamsFile
from mailbot.config.yaml import calendars as hours
from mailbot.config.yaml import conditions, learned, lists
from mailbot.config.yaml.lookup import Files, find, names, notifiable
from mailbot.config.yaml.scalars import OTHER, message_and_hint
from mailbot.config.yaml.source import Source
from mailbot.domain.model import Target
from mailbot.domain.people.customer import list_id
from mailbot.domain.policy import (
    Actions,
    Agent,
    AnswerLimits,
    Cause,
    Detail,
    IncidentRule,
    Ladder,
    Mailbox,
    Policy,
    Retention,
    Rule,
    Step,
    Team,
    WeeklyReport,
)
from mailbot.domain.routing.conditions import When
from mailbot.domain.routing.field_types import Context
from mailbot.domain.worktime import ALWAYS, Calendar, Interval
from mailbot.errors import Problem

_People = Mapping[str, tuple[str, ...] | None]  # addresses by case-folded name, see `lookup.notifiable`


@dataclass(frozen=True, slots=True)
class Checked:
    """The four files, each of the right shape and with names that exist.

    `whens` are the conditions of the rules, in order.
    """

    mailbot: MailbotFile
    teams: TeamsFile
    routing: RoutingFile
    escalation: EscalationFile
    whens: tuple[When | None, ...]
    calendars: Mapping[str, Calendar]


def values_of(entry: Entry, *without: str) -> dict[str, Any]:
    """Return an entry's values for the dataclass that has the same fields and its own defaults.

    Lists become tuples. Fields that are None or named in `without` are left out.
    """
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in entry
        if value is not None and name not in without
    }


def policy(checked: Checked, files: Files, version: str, *, limits: bool) -> Policy:
    """Build the policy; `limits=False` (MAILBOT_LIMITS=off) lifts the limits of answers, and no answer waits."""
    answers, people = checked.mailbot.answers, notifiable(files) or {}
    return Policy(
        version=version,
        mailboxes={
            entry.address: _mailbox(entry, limits, checked.mailbot.retention)
            for entry in checked.mailbot.mailboxes
        },
        levels=tuple(checked.teams.levels),
        teams={name: _team(name, entry) for name, entry in checked.teams.teams.items()},
        rules=tuple(
            _rule(entry, when, files.routing.line_of(("rules", index)))
            for index, (entry, when) in enumerate(zip(checked.routing.rules, checked.whens, strict=True))
        ),
        ladders={name: _ladder(name, entry, people) for name, entry in checked.escalation.ladders.items()},
        ladder_of=dict(checked.escalation.priorities),
        calendars=checked.calendars,
        answers=AnswerLimits(**values_of(answers, "shared_domains")) if limits else AnswerLimits(),
        attach_up_to=checked.mailbot.notices.attach_up_to,
        public_url=(checked.mailbot.public_url or "") if checked.mailbot.console else "",
        shared_domains=frozenset(answers.shared_domains),
        forms=frozenset(checked.mailbot.trust.forms),
        list_ids=frozenset(map(list_id, checked.mailbot.trust.lists)),
        web_forms=forms.build(checked.mailbot),
        level_names={name: _public_name(entry) for name, entry in checked.teams.public_levels.items()},
        categories=checked.routing.categories,
        details={
            name: Detail(name, {"id": entry.id, "en": entry.en}, entry.pattern or "")
            for name, entry in checked.routing.details.items()
        },
        causes={
            name: Cause(name, entry.category or "", entry.silent)
            for name, entry in checked.routing.causes.items()
        },
        authority=authority.build(checked.teams.authority),
        filed_per_hour=checked.mailbot.limits.filed_per_hour if limits else 0,
        retention=_retention(checked.mailbot.retention),
        admins=tuple(dict.fromkeys(checked.mailbot.admins)),
        weekly=_weekly(checked.mailbot.reports.weekly, people),
        lists=lists.read(files, []) or {},  # their problems were reported with the conditions'
        learned=learned.read(files, []) if checked.routing.learned else None,
        labels=_labels(checked),
    )


def _labels(checked: Checked) -> dict[str, dict[str, dict[str, str]]]:
    entries: dict[str, Mapping[str, LabelEntry | None]] = {
        "category": checked.routing.category_labels,
        "cause": dict(checked.routing.causes),
        "rule": {rule.name: rule.label for rule in checked.routing.rules},
        "team": {name: team.label for name, team in checked.teams.teams.items()},
        "level": checked.teams.level_labels,
        "priority": checked.escalation.priority_labels,
    }
    return {
        kind: {key: {"id": entry.id, "en": entry.en} for key, entry in given.items() if entry}
        for kind, given in entries.items()
    }


def build_conditions(
    files: Files, calendars: Mapping[str, Calendar], problems: list[Problem]
) -> tuple[When | None, ...]:
    """Build the conditions of all rules in order; None for a rule without any, or with faulty ones."""
    source, calendar_names = files.routing, names(files, "calendar")
    known = None if calendar_names is None else {name: calendars.get(name, ALWAYS) for name in calendar_names}
    context = Context(known, lists.read(files, problems), learned.read(files, problems))
    built: list[When | None] = []
    for place, rule in find(source.data, "rules", "*"):
        when = None
        if isinstance(rule, dict) and "when" in rule:
            when, found = conditions.parse(source, (*place, "when"), rule["when"], context)
            problems += found
        built.append(when)
    return tuple(built)


def build_calendars(
    file: EscalationFile | None, source: Source, today: date, problems: list[Problem]
) -> tuple[dict[str, Calendar], list[Problem]]:
    """Build the calendars with their holidays, and warnings about holidays that are not certain."""
    built: dict[str, Calendar] = {}
    warnings: list[Problem] = []
    for name, entry in file.calendars.items() if file else ():
        place = ("calendars", name, "holidays")
        try:
            built[name], remarks = _calendar(name, entry, today)
            warnings += (source.at_value(place, remark) for remark in remarks)
        except ValueError as error:
            problems.append(source.at_value(place, *message_and_hint(error)))
    return built, warnings


def _calendar(name: str, entry: CalendarEntry, today: date) -> tuple[Calendar, tuple[str, ...]]:
    week: list[tuple[Interval, ...]] = [()] * 7
    for days, open_hours in entry.hours.items():
        for day in days:
            week[day] = open_hours
    off = hours.Holidays()
    if entry.holidays:
        leave = entry.holidays.collective_leave
        off = hours.holidays_of(entry.holidays.country, today, collective_leave=leave)
    dates: dict[date, tuple[Interval, ...]] = dict.fromkeys(off.days, ())
    for period in entry.periods:
        dates = hours.period_hours(hours.date_range(period.first, period.last), period.hours) | dates
    estimated = off.estimated
    for listed_dates, open_hours in entry.dates.items():
        dates |= dict.fromkeys(listed_dates, open_hours)
        estimated -= frozenset(listed_dates)
    return Calendar(name, entry.zone, tuple(week), dates, estimated), off.remarks


def _retention(*entries: RetentionEntry) -> Retention:
    """Build what holds for a mailbox: of each span the last entry that gives it."""
    given = {name: getattr(entry, name) for entry in entries for name in entry.model_fields_set}
    return Retention(**given)


def _mailbox(entry: MailboxEntry, limits: bool, kept: RetentionEntry) -> Mailbox:
    language = "" if entry.language == "both" else entry.language
    own = values_of(entry, "signature", "language", "undo", "incident", "retention")
    undo = entry.undo if limits else timedelta()
    incident = IncidentRule(**values_of(entry.incident)) if entry.incident else None
    signature = _signature(entry.signature)
    return Mailbox(
        **own,
        undo=undo,
        language=language,
        signature=signature,
        incident=incident,
        retention=_retention(kept, entry.retention),
    )


def _signature(entry: SignatureEntry | None) -> dict[str, str]:
    return entry.texts if entry else {}


def _team(name: str, entry: TeamEntry) -> Team:
    agents = tuple(
        Agent(
            **values_of(agent, "away", "signature", "morning"),
            morning=(entry.morning if agent.morning is None else agent.morning) or None,
            away=frozenset(day for days in agent.away for day in days),
            signature=_signature(agent.signature),
        )
        for agent in entry.agents
    )
    return Team(name, entry.calendar, agents, entry.assign, _public_name(entry.public_name))


def _public_name(entry: PublicEntry | None) -> dict[str, str]:
    return {"id": entry.id, "en": entry.en} if entry else {}


def _rule(entry: RuleEntry, when: When | None, line: int) -> Rule:
    return Rule(entry.name, when, Actions(**values_of(entry.then)), line, entry.go_on)


def _ladder(name: str, entry: LadderEntry, people: _People) -> Ladder:
    spans = {Target(key): span for key, span in entry.targets if span is not None}
    steps = tuple(_step(step, people) for step in entry.steps)
    return Ladder(name, spans, steps, entry.quiet_hours, entry.repeat, entry.news_before)


def _step(entry: StepEntry, people: _People) -> Step:
    levels = dict(entry.escalate_to or {})
    return Step(
        **values_of(entry, "escalate_to", "notify", "options"),
        escalate_to=levels.pop(OTHER, ""),
        escalate_by_category=levels,
        notify=_addresses(entry.notify, people),
        options=tuple(entry.options) if entry.ask_decision else (),
    )


def _weekly(entry: WeeklyEntry | None, people: _People) -> WeeklyReport | None:
    if entry is None:
        return None
    weekday, at = entry.at
    return WeeklyReport(_addresses(entry.to, people), weekday, at, entry.language)


def _addresses(named: Sequence[str], people: _People) -> tuple[str, ...]:
    """Return the addresses of agents, teams and plain addresses, each once."""
    found = (
        address
        for name in named
        for address in ((name.lower(),) if "@" in name else people[name.casefold()] or ())
    )
    return tuple(dict.fromkeys(found))
