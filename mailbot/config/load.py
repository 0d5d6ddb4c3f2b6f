"""Load a directory of YAML and the environment into Settings and Policy, or report every problem at once."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from mailbot.config import build, shipped
from mailbot.config.build import Checked
from mailbot.config.checks import (
    actions,
    authority,
    causes,
    cross_file,
    escalation,
    forms,
    labels,
    learned_rules,
    machine,
    policy_tests,
    retention,
    signing,
)
from mailbot.config.checks.warnings import find_warnings
from mailbot.config.content import content
from mailbot.config.environment import Environment, read_environment
from mailbot.config.files.escalation import EscalationFile
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.files.routing import RoutingFile
from mailbot.config.files.teams import TeamsFile
from mailbot.config.model import Loaded, Sources, Written
from mailbot.config.override import with_environment
from mailbot.config.yaml import source
from mailbot.config.yaml.lookup import Files, find, texts
from mailbot.config.yaml.source import Source
from mailbot.config.yaml.validation_errors import validate
from mailbot.errors import ConfigError, Problem

MAX_TEMPLATE = 256 * 1024  # bytes of a template that count for the version

_File = TypeVar("_File", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the files are. `checks_machine`: certificates and keys must exist on this machine."""

    directory: Path
    templates: Path
    checks_machine: bool


def load(directory: Path, env: Mapping[str, str], today: date, *, checks_machine: bool = True) -> Loaded:
    """Load the configuration in `directory`, with `env` above it.

    `today` decides which years' holidays are computed. `checks_machine=False` is for a policy that is only
    tried: certificates and passwords are not checked, and of `settings` only `trust` is valid. Raises
    ConfigError with every problem, in the order of the files and their lines.
    """
    templates = shipped.templates_for(directory)
    files, problems = _read(directory)
    return _load(
        files, problems, _Origin(directory, templates, checks_machine), _digests(templates), env, today
    )


def load_sources(sources: Sources, env: Mapping[str, str], today: date, name: str = "recorded") -> Loaded:
    """Load a policy from recorded sources, without any file.

    `today` is a day on which it was in force, `name` replaces the directory in problems. Raises ConfigError.
    """
    path = Path(name)
    parsed = [source.parse(sources.files.get(each, "").encode(), str(path / each)) for each in shipped.FILES]
    list_files = {each: text for each, text in sources.files.items() if each not in shipped.FILES}
    files, problems = _files(parsed, list_files)
    return _load(files, problems, _Origin(path, path, checks_machine=False), sources.templates, env, today)


def _load(
    files: Files,
    unreadable: list[Problem],
    origin: _Origin,
    templates: Mapping[str, str],
    env: Mapping[str, str],
    today: date,
) -> Loaded:
    environment, problems, warnings = read_environment(env)
    checked, found, remarks = _check_files(files, origin, environment, today)
    across = [*cross_file.check(files), *escalation.check(files), *policy_tests.check(files)]
    problems += _without_repeats(unreadable, [*found, *across])
    named = [
        *actions.check(files, templates),
        *authority.check(files),
        *labels.check(files),
        *causes.check(files),
        *retention.check(files),
        *forms.check(files),
    ]
    problems = _without_repeats(problems, named)
    if problems or checked is None:
        raise ConfigError(_sorted(problems, files))
    policy = build.policy(checked, files, _version(files, templates), limits=environment.limits)
    if lowering := list(learned_rules.check(policy, files.routing)):
        raise ConfigError(lowering)
    written = _written(checked, files, origin)
    settings = with_environment(written.settings, written.store, origin.directory, environment)
    return Loaded(
        replace(settings, dkim=signing.with_key(settings.dkim, environment)),
        policy,
        tuple(_sorted([*warnings, *remarks, *find_warnings(files)], files)),
        _sources(files, templates),
        policy_tests.build(checked.routing, files.routing),
        tuple(_sorted([*labels.warnings(files)], files)),
        written,
    )


def _written(checked: Checked, files: Files, origin: _Origin) -> Written:
    settings = machine.settings(checked.mailbot, origin.directory, origin.templates)
    whens = (rule.get("when") for _, rule in find(files.routing.data, "rules", "*") if isinstance(rule, dict))
    named = {str(place[-1]): name for place, name in texts(files.routing.data, "lists", "*")}
    return Written(settings, checked.mailbot.store, tuple(whens), named, checked.routing.learned or "")


def _read(directory: Path) -> tuple[Files, list[Problem]]:
    if not directory.is_dir():
        hint = f"`mailbot init {directory}` writes a working one"
        missing = Source(str(directory))
        problem = Problem(str(directory), 0, 0, "there is no such directory", hint)
        return Files(missing, missing, missing, missing), [problem]
    parsed = [source.read(directory / name) for name in shipped.FILES]
    routing = parsed[shipped.FILES.index("routing.yaml")][0]
    return _files(parsed, _list_files(directory, routing))


def _files(
    parsed: list[tuple[Source, list[Problem]]], list_files: Mapping[str, str]
) -> tuple[Files, list[Problem]]:
    mailbot, teams, routing, escalation = (file for file, _ in parsed)
    files = Files(mailbot, teams, routing, escalation, list_files)
    return files, [problem for _, problems in parsed for problem in problems]


def _list_files(directory: Path, routing: Source) -> dict[str, str]:
    found = {}
    for _, name in (*texts(routing.data, "lists", "*"), *texts(routing.data, "learned")):
        try:
            text = content(directory / name, source.MAX_BYTES + 1).decode()
        except (OSError, ValueError):
            continue  # what is missing, no text or too large is reported by `lists`
        if "\0" not in text and len(text.encode()) <= source.MAX_BYTES:
            found[name] = text
    return found


def _check_files(
    files: Files, origin: _Origin, environment: Environment, today: date
) -> tuple[Checked | None, list[Problem], list[Problem]]:
    """Validate each file by itself; return them with the problems and the warnings."""
    problems: list[Problem] = []
    mailbot = _validate(MailbotFile, files.mailbot, problems)
    teams = _validate(TeamsFile, files.teams, problems)
    routing = _validate(RoutingFile, files.routing, problems)
    ladders = _validate(EscalationFile, files.escalation, problems)
    calendars, warnings = build.build_calendars(ladders, files.escalation, today, problems)
    whens = build.build_conditions(files, calendars, problems)
    if mailbot and origin.checks_machine:
        problems += machine.check(mailbot, files.mailbot, origin.directory, origin.templates, environment)
        warnings += machine.warnings(mailbot, files.mailbot, environment)
    if not (mailbot and teams and routing and ladders):
        return None, problems, warnings
    return Checked(mailbot, teams, routing, ladders, whens, calendars), problems, warnings


def _validate(model: type[_File], file: Source, problems: list[Problem]) -> _File | None:
    if file.data is None:
        return None  # reported when it was read
    found, wrong = validate(model, file)
    problems += wrong
    return found


def _without_repeats(first: list[Problem], more: Iterable[Problem]) -> list[Problem]:
    """Add the problems at places that have none yet, so that one fault is reported once."""
    places = {(problem.file, problem.line, problem.column) for problem in first}
    return [*first, *(each for each in more if (each.file, each.line, each.column) not in places)]


def _sorted(problems: Iterable[Problem], files: Files) -> list[Problem]:
    names = [file.file for file in files.four]
    return sorted(
        dict.fromkeys(problems),
        key=lambda each: (names.index(each.file) if each.file in names else -1, each.line, each.column),
    )


def _sources(files: Files, templates: Mapping[str, str]) -> Sources:
    four = {name: file.raw.decode() for name, file in zip(shipped.FILES, files.four, strict=True)}
    return Sources(four | dict(files.list_files), dict(templates))


def _version(files: Files, templates: Mapping[str, str]) -> str:
    """Digest all that decides what happens to a mail; the machine's side of mailbot.yaml is no part of it."""
    data = files.mailbot.data if isinstance(files.mailbot.data, dict) else {}
    decide = [data.get("mailboxes"), data.get("answers")]
    if forms := data.get("forms"):
        decide.append(forms)
    chosen = json.dumps(decide, sort_keys=True, default=str)
    digest = hashlib.sha256(chosen.encode())
    for file in (files.teams, files.routing, files.escalation):
        digest.update(f"\0{file.digest}".encode())
    for name, text in sorted(files.list_files.items()):
        digest.update(f"\0{name}\0{hashlib.sha256(text.encode()).hexdigest()}".encode())
    for name, each in sorted(templates.items()):
        digest.update(f"\0{name}\0{each}".encode())
    return digest.hexdigest()[:12]


def _digests(templates: Path) -> dict[str, str]:
    found = {}
    for path in templates.glob("*/*.j2"):
        try:
            template = content(path, MAX_TEMPLATE)
        except OSError:
            continue  # vanished, no file, no permission: reported when templates are compiled
        found[f"{path.parent.name}/{path.name}"] = hashlib.sha256(template).hexdigest()
    return found
