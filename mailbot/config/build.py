"""Checked files -> the frozen Policy that the core decides by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mailbot.config.checks import authority
from mailbot.config.files.escalation import CalendarEntry, EscalationFile, LadderEntry, StepEntry
from mailbot.config.files.mailbot import MailbotFile, MailboxEntry, WeeklyEntry
from mailbot.config.files.routing import DetailEntry, RoutingFile, RuleEntry
from mailbot.config.files.teams import AgentEntry, PublicEntry, TeamsFile
from mailbot.config.yaml import calendars as hours
from mailbot.config.yaml import conditions, lists
from mailbot.config.yaml.lookup import Files, find, names, notifiable
from mailbot.config.yaml.scalars import OTHER, said
from mailbot.config.yaml.source import Source
from mailbot.domain.model import Target
from mailbot.domain.policy import (
    Actions,
    Agent,
    AnswerLimits,
    Detail,
    Ladder,
    Mailbox,
    Policy,
    Rule,
    Step,
    Team,
    WeeklyReport,
)
from mailbot.domain.routing.conditions import Context, When
from mailbot.domain.worktime import ALWAYS, Calendar, Interval
from mailbot.errors import Problem


@dataclass(frozen=True, slots=True)
class Checked:
    """The four files, each of the right shape and with names that exist."""

    mailbot: MailbotFile
    teams: TeamsFile
    routing: RoutingFile
    escalation: EscalationFile
    whens: tuple[When | None, ...]
    calendars: Mapping[str, Calendar]


def policy(checked: Checked, files: Files, version: str, *, limits: bool) -> Policy:
    """The policy; `limits=False` (MAILBOT_LIMITS=off) leaves the answers without limit."""
    boxes = [_mailbox(entry) for entry in checked.mailbot.mailboxes]
    answers = checked.mailbot.answers
    known = notifiable(files) or {}
    return Policy(
        version=version,
        mailboxes={box.address: box for box in boxes},
        levels=tuple(checked.teams.levels),
        teams=_teams(checked.teams),
        rules=tuple(
            _rule(entry, when, files.routing.values[("rules", index)][0])
            for index, (entry, when) in enumerate(zip(checked.routing.rules, checked.whens, strict=True))
        ),
        ladders={name: _ladder(name, entry, known) for name, entry in checked.escalation.ladders.items()},
        ladder_of=dict(checked.escalation.priorities),
        calendars=checked.calendars,
        answers=AnswerLimits(tuple(answers.per_address), tuple(answers.per_domain), tuple(answers.overall))
        if limits
        else AnswerLimits(),
        shared_domains=frozenset(answers.shared_domains),
        level_names={name: _public(entry) for name, entry in checked.teams.public_levels.items()},
        categories=checked.routing.categories,
        details={name: _detail(name, entry) for name, entry in checked.routing.details.items()},
        authority=authority.built(checked.teams.authority),
        admins=tuple(dict.fromkeys(checked.mailbot.admins)),
        weekly=_weekly(checked.mailbot.reports.weekly, known),
        lists=lists.read(files, []) or {},  # their faults were said with the conditions'
    )


def whens(
    files: Files, calendars: Mapping[str, Calendar], problems: list[Problem]
) -> tuple[When | None, ...]:
    """The conditions of all rules in order; None where there are none, or none that hold water."""
    source, known = files.routing, names(files, "calendar")
    context = Context(
        None if known is None else {name: calendars.get(name, ALWAYS) for name in known},
        lists.read(files, problems),
    )
    built: list[When | None] = []
    for place, rule in find(source.data, "rules", "*"):
        if not isinstance(rule, dict) or "when" not in rule:
            built.append(None)
            continue
        when, found = conditions.parse(source, (*place, "when"), rule["when"], context)
        built.append(when)
        problems += found
    return tuple(built)


def calendars(
    file: EscalationFile | None, source: Source, today: date, problems: list[Problem]
) -> tuple[dict[str, Calendar], list[Problem]]:
    """The calendars with their holidays worked out, and what is not certain about these."""
    built: dict[str, Calendar] = {}
    remarks: list[Problem] = []
    for name, entry in file.calendars.items() if file else ():
        place = ("calendars", name, "holidays")
        try:
            built[name], found = _calendar(name, entry, today)
            remarks += (source.at_value(place, remark) for remark in found)
        except ValueError as error:
            problems.append(source.at_value(place, *said(error)))
    return built, remarks


def _calendar(name: str, entry: CalendarEntry, today: date) -> tuple[Calendar, tuple[str, ...]]:
    week: list[tuple[Interval, ...]] = [()] * 7
    for days, open_at in entry.hours.items():
        for day in days:
            week[day] = open_at
    off = hours.Holidays()
    if entry.holidays:
        leave = entry.holidays.collective_leave
        off = hours.holidays_of(entry.holidays.country, today, collective_leave=leave)
    dates: dict[date, tuple[Interval, ...]] = dict.fromkeys(off.off, ())
    for each in entry.periods:
        dates = hours.period(hours.stretch(each.first, each.last), each.hours) | dates
    unsure = off.unsure
    for days_named, open_at in entry.dates.items():
        dates |= dict.fromkeys(days_named, open_at)
        unsure -= frozenset(days_named)
    return Calendar(name, entry.zone, tuple(week), dates, unsure), off.remarks


def _mailbox(entry: MailboxEntry) -> Mailbox:
    return Mailbox(
        address=entry.address,
        brand=entry.brand,
        prefix=entry.prefix,
        language=entry.language or "",
        strangers=entry.strangers,
        reopen_within=entry.reopen_within,
        digits=entry.digits,
        unauthenticated=entry.unauthenticated,
        rich_acknowledgements=entry.rich_acknowledgements,
    )


def _teams(file: TeamsFile) -> dict[str, Team]:
    return {
        name: Team(
            name,
            entry.calendar,
            tuple(_agent(each) for each in entry.agents),
            entry.assign,
            _public(entry.public_name),
        )
        for name, entry in file.teams.items()
    }


def _public(entry: PublicEntry | None) -> dict[str, str]:
    return {"id": entry.id, "en": entry.en} if entry else {}


def _agent(entry: AgentEntry) -> Agent:
    return Agent(
        name=entry.name,
        address=entry.address,
        level=entry.level,
        languages=tuple(entry.languages),
        skills=tuple(entry.skills),
        calendar=entry.calendar or "",
        away=frozenset(day for days in entry.away for day in days),
    )


def _detail(name: str, entry: DetailEntry) -> Detail:
    return Detail(name, {"id": entry.id, "en": entry.en}, entry.pattern or "")


def _rule(entry: RuleEntry, when: When | None, line: int) -> Rule:
    then = entry.then
    actions = Actions(
        category=then.category,
        urgency=then.urgency,
        complexity=then.complexity,
        tags=tuple(then.tags),
        team=then.team or "",
        level=then.level,
        priority=then.priority,
        ladder=then.ladder,
        assign=then.assign or "",
        skill=then.skill or "",
        template=then.template or "",
        ask_for=tuple(then.ask_for),
    )
    return Rule(entry.name, when, actions, line, entry.go_on)


def _ladder(name: str, entry: LadderEntry, known: Mapping[str, tuple[str, ...] | None]) -> Ladder:
    spans = {Target(key): span for key, span in entry.targets if span is not None}
    steps = tuple(_step(step, known) for step in entry.steps)
    return Ladder(name, spans, steps, entry.quiet_hours, entry.repeat)


def _weekly(entry: WeeklyEntry | None, known: Mapping[str, tuple[str, ...] | None]) -> WeeklyReport | None:
    if entry is None:
        return None
    weekday, at = entry.at
    return WeeklyReport(_addresses(entry.to, known), weekday, at, entry.language)


def _addresses(named: Sequence[str], known: Mapping[str, tuple[str, ...] | None]) -> tuple[str, ...]:
    """Of agents, teams and addresses, each once."""
    found = (
        address
        for name in named
        for address in ((name.lower(),) if "@" in name else known[name.casefold()] or ())
    )
    return tuple(dict.fromkeys(found))


def _step(entry: StepEntry, known: Mapping[str, tuple[str, ...] | None]) -> Step:
    levels = dict(entry.escalate_to or {})
    return Step(
        at=entry.at,
        remind=entry.remind or "",
        escalate_to=levels.pop(OTHER, ""),
        escalate_by_category=levels,
        reassign=entry.reassign,
        hand_over_to=entry.hand_over_to or "",
        notify=_addresses(entry.notify, known),
        tell_customer=entry.tell_customer,
        acknowledge_within=entry.acknowledge_within,
        ask_decision=entry.ask_decision or "",
        question=entry.question or "",
        options=tuple(entry.options) if entry.ask_decision else (),
    )
