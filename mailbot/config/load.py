"""A directory of YAML and the environment -> Settings and Policy, or every problem at once."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from mailbot.config import build, environment, shipped
from mailbot.config.build import Checked
from mailbot.config.checks import actions, authority, cross_file, escalation, machine, periods, policy_tests
from mailbot.config.checks import warnings as remarks
from mailbot.config.environment import Environment
from mailbot.config.files.escalation import EscalationFile
from mailbot.config.files.mailbot import MailbotFile
from mailbot.config.files.routing import RoutingFile
from mailbot.config.files.teams import TeamsFile
from mailbot.config.model import Loaded, Sources
from mailbot.config.yaml import source
from mailbot.config.yaml.lookup import Files, texts
from mailbot.config.yaml.source import Source
from mailbot.config.yaml.validation_errors import validate
from mailbot.errors import ConfigError, Problem

MAX_TEMPLATE = 256 * 1024  # bytes of one that count for the version

_File = TypeVar("_File", bound=BaseModel)


def load(directory: Path, env: Mapping[str, str], today: date) -> Loaded:
    """The configuration in `directory` with `env` above it; `today` says which holidays to work out.

    Raises ConfigError with every problem found, in the order of the files and their lines.
    """
    files, unreadable = _read(directory)
    templates = shipped.templates_for(directory)
    return _loaded(files, unreadable, _Where(directory, templates), _digests(templates), env, today)


def load_policy(directory: Path, env: Mapping[str, str], today: date) -> Loaded:
    """As `load` for a policy that is only tried: the machine's side (certificates, passwords) is not looked
    at, and of `settings` only `trust` means something."""
    files, unreadable = _read(directory)
    templates = shipped.templates_for(directory)
    return _loaded(
        files, unreadable, _Where(directory, templates, real=False), _digests(templates), env, today
    )


def load_kept(sources: Sources, env: Mapping[str, str], today: date, name: str = "kept") -> Loaded:
    """As `load_policy`, from kept sources and without any file. `today` is a day when they were in force,
    `name` stands in problems where the directory would."""
    where = Path(name)
    read = [source.parse(sources.files.get(each, "").encode(), str(where / each)) for each in shipped.FILES]
    beside = {each: text for each, text in sources.files.items() if each not in shipped.FILES}
    mailbot, teams, routing, escalation = (each for each, _ in read)
    files = Files(mailbot, teams, routing, escalation, beside)
    unreadable = [problem for _, found in read for problem in found]
    return _loaded(files, unreadable, _Where(where, where, real=False), sources.templates, env, today)


@dataclass(frozen=True, slots=True)
class _Where:
    """`real`: this machine is to run by it."""

    directory: Path
    templates: Path
    real: bool = True


def _loaded(
    files: Files,
    unreadable: list[Problem],
    where: _Where,
    templates: Mapping[str, str],
    env: Mapping[str, str],
    today: date,
) -> Loaded:
    said, problems, warnings = environment.read(env)
    checked, found, notes = _check(files, where, said, today)
    problems += _besides(
        unreadable, [*found, *cross_file.check(files), *escalation.check(files), *policy_tests.check(files)]
    )
    problems = _besides(
        problems, [*periods.check(files), *actions.check(files, templates), *authority.check(files)]
    )
    if problems or checked is None:
        raise ConfigError(_in_order(problems, files))
    return Loaded(
        machine.settings(checked.mailbot, where.directory, where.templates, said),
        build.policy(checked, files, _version(files, templates), limits=said.limits),
        tuple(_in_order([*warnings, *notes, *remarks.of(files)], files)),
        _sources(files, templates),
        policy_tests.build(checked.routing, files.routing),
    )


def _sources(files: Files, templates: Mapping[str, str]) -> Sources:
    four = {name: each.raw.decode() for name, each in zip(shipped.FILES, files.four, strict=True)}
    return Sources(four | dict(files.beside), dict(templates))


def _read(directory: Path) -> tuple[Files, list[Problem]]:
    if not directory.is_dir():
        hint = f"`mailbot init {directory}` writes a working one"
        missing = Source(str(directory))
        problem = Problem(str(directory), 0, 0, "there is no such directory", hint)
        return Files(missing, missing, missing, missing), [problem]
    read = [source.read(directory / name) for name in shipped.FILES]
    mailbot, teams, routing, escalation = (each for each, _ in read)
    files = Files(mailbot, teams, routing, escalation, _beside(directory, routing))
    return files, [problem for _, found in read for problem in found]


def _beside(directory: Path, routing: Source) -> dict[str, str]:
    found = {}
    for _, name in texts(routing.data, "lists", "*"):
        try:
            text = source.content(directory / name, source.MAX_BYTES + 1).decode()
        except (OSError, ValueError):
            continue  # what is missing, no text or too large is a problem of `lists`
        if "\0" not in text and len(text.encode()) <= source.MAX_BYTES:
            found[name] = text
    return found


def _check(
    files: Files, where: _Where, said: Environment, today: date
) -> tuple[Checked | None, list[Problem], list[Problem]]:
    """The files in their shape, what is wrong with them one by one, what is worth a remark."""
    problems: list[Problem] = []
    mailbot = _shape(MailbotFile, files.mailbot, problems)
    teams = _shape(TeamsFile, files.teams, problems)
    routing = _shape(RoutingFile, files.routing, problems)
    ladders = _shape(EscalationFile, files.escalation, problems)
    calendars, notes = build.calendars(ladders, files.escalation, today, problems)
    whens = build.whens(files, calendars, problems)
    if mailbot and where.real:
        problems += machine.check(mailbot, files.mailbot, where.directory, where.templates, said)
        notes += machine.remarks(mailbot, files.mailbot, said)
    if not (mailbot and teams and routing and ladders):
        return None, problems, notes
    return Checked(mailbot, teams, routing, ladders, whens, calendars), problems, notes


def _shape(model: type[_File], file: Source, problems: list[Problem]) -> _File | None:
    if file.data is None:
        return None  # said already
    found, wrong = validate(model, file)
    problems += wrong
    return found


def _besides(first: list[Problem], more: Iterable[Problem]) -> list[Problem]:
    """`first` and what is not merely said again of the same spot (an alias is also no text, and so on)."""
    spots = {(each.file, each.line, each.column) for each in first}
    return [*first, *(each for each in more if (each.file, each.line, each.column) not in spots)]


def _in_order(problems: Iterable[Problem], files: Files) -> list[Problem]:
    names = [each.file for each in files.four]
    return sorted(
        dict.fromkeys(problems),
        key=lambda each: (names.index(each.file) if each.file in names else -1, each.line, each.column),
    )


def _version(files: Files, templates: Mapping[str, str]) -> str:
    """Digest of all that decides what happens to a mail; the machine's side of mailbot.yaml is no part."""
    chosen = files.mailbot.data if isinstance(files.mailbot.data, dict) else {}
    digest = hashlib.sha256(
        json.dumps([chosen.get("mailboxes"), chosen.get("answers")], sort_keys=True).encode()
    )
    for file in (files.teams, files.routing, files.escalation):
        digest.update(f"\0{file.digest}".encode())
    for name, text in sorted(files.beside.items()):
        digest.update(f"\0{name}\0{hashlib.sha256(text.encode()).hexdigest()}".encode())
    for name, content in sorted(templates.items()):
        digest.update(f"\0{name}\0{content}".encode())
    return digest.hexdigest()[:12]


def _digests(templates: Path) -> dict[str, str]:
    found = {}
    for path in templates.glob("*/*.j2"):
        try:
            content = source.content(path, MAX_TEMPLATE)
        except OSError:
            continue  # vanished meanwhile, no file, not ours to read: said where templates are compiled
        found[f"{path.parent.name}/{path.name}"] = hashlib.sha256(content).hexdigest()
    return found
