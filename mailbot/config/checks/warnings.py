"""List what is allowed in a configuration but seldom meant: warnings, each with its place."""

from collections.abc import Iterator

from mailbot.config.checks import authority, retention
from mailbot.config.yaml.lookup import Files, find, names, texts
from mailbot.config.yaml.scalars import shown
from mailbot.errors import Problem


def find_warnings(files: Files) -> list[Problem]:
    """List the warnings about the four files."""
    return [
        *_no_admins(files),
        *_days_of_work_time(files),
        *_starting_levels(files),
        *_idle_levels(files),
        *authority.warnings(files),
        *retention.warnings(files),
        *_no_proof(files),
    ]


def _no_admins(files: Files) -> Iterator[Problem]:
    source = files.mailbot
    if isinstance(source.data, dict) and not source.data.get("admins"):
        hint = "admins: [you@dukungan.example]"
        message = "no admin is told by mail about a refused reload"
        yield Problem(source.file, 0, 0, message, hint)


def _no_proof(files: Files) -> Iterator[Problem]:
    """Warn about forms and lists whose mail can never be proven."""
    trust = files.mailbot.data.get("trust") if isinstance(files.mailbot.data, dict) else None
    if not isinstance(trust, dict) or trust.get("authserv_ids") or trust.get("verify"):
        return
    for key in ("forms", "lists"):
        for place, text in texts(files.mailbot.data, "trust", key, "*"):
            hint = "set trust.authserv_ids, or trust.verify"
            message = f"nobody checks senders, so mail in the name of `{shown(text)}` is never proven"
            yield files.mailbot.at_value(place, message, hint)


def _days_of_work_time(files: Files) -> Iterator[Problem]:
    """Warn about days: "2 days" in a target are 48 h of work time, with office hours more than a week."""
    source = files.escalation
    if all(hours == "always" for _, hours in find(source.data, "calendars", "*", "hours")):
        return
    for pattern in (("targets", "*"), ("steps", "*", "acknowledge_within"), ("steps", "*", "at")):
        for place, text in texts(source.data, "ladders", "*", *pattern):
            if "day" in text or "week" in text:
                hint = "write the hours: two days of 8 h are 16 h"
                yield source.at_value(place, f"`{shown(text)}` counts 24 h of work time a day", hint)


def _starting_levels(files: Files) -> Iterator[Problem]:
    levels = names(files, "level") or ("",)
    for place, then in find(files.routing.data, "rules", "*", "then"):
        if not isinstance(then, dict):
            continue
        level = then.get("level") or levels[0]
        team_agents = ("teams", str(then.get("team")), "agents", "*", "level")
        held = {found for _, found in texts(files.teams.data, *team_agents)}
        if held and level in levels and level not in held:
            message = f"`{then['team']}` has nobody at {level}: its tickets would start with another team"
            hint = f"set `level:` to one of: {', '.join(sorted(held))}"
            yield files.routing.at_value((*place, "team"), message, hint)


def _idle_levels(files: Files) -> Iterator[Problem]:
    held = {level for _, level in texts(files.teams.data, "teams", "*", "agents", "*", "level")}
    for place, level in texts(files.teams.data, "levels", "*"):
        if held and level not in held:
            yield files.teams.at_value(place, f"nobody works at the level `{shown(level)}`")
